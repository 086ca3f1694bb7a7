//! The server below a path that a proxy takes away.

use serde_json::{Value, json};

use crate::support::{Answer, Server};

const PROXY: [(&str, &str); 3] = [
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Host", "example.org"),
    ("X-Forwarded-Prefix", "/clips/"),
];

fn server(trusted: bool) -> (Server, i64) {
    let server = Server::start_with(|s| {
        if trusted {
            s.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
        }
    });
    let id = server.video(&server.token("ann"), "public");
    server.make_ready(id);
    (server, id)
}

fn get(server: &Server, path: &str) -> Answer {
    server.send("GET", path, &PROXY, b"")
}

/// Every path in an answer, wherever it stands.
fn paths(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if text.contains('/') => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| paths(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| paths(field, found)),
        _ => {}
    }
}

fn graphql(server: &Server, token: &str, query: &str) -> Value {
    let bearer = format!("Bearer {token}");
    let mut headers = PROXY.to_vec();
    headers.extend([
        ("Content-Type", "application/json"),
        ("Authorization", bearer.as_str()),
    ]);
    let body = json!({ "query": query }).to_string();
    server
        .send("POST", "/graphql", &headers, body.as_bytes())
        .json()
}

#[test]
fn every_address_that_is_told_has_the_path() {
    let (server, id) = server(true);
    let token = server.token("ann");
    let private = server.video(&token, "private");
    server.make_ready(private);
    let mut told = Vec::new();
    for path in [
        "/api/videos/".to_owned(),
        "/api/videos/?page_size=1".to_owned(),
        format!("/api/videos/{id}/"),
        format!("/oembed?url=https://example.org/clips/watch/{id}"),
    ] {
        let answer = get(&server, &path);
        assert_eq!(answer.status, 200, "{path}");
        paths(&answer.json(), &mut told);
    }
    let bearer = format!("Bearer {token}");
    let mut signed = PROXY.to_vec();
    signed.push(("Authorization", bearer.as_str()));
    let link = format!("/api/videos/{private}/playback/");
    paths(&server.send("POST", &link, &signed, b"").json(), &mut told);
    let query = "{ serverInfo { tusUrl } videos { nodes { embedUrl thumbnailUrl \
                 source { downloadUrl } playback { hlsUrl thumbnailUrl storyboardUrl } } } }";
    let answer = graphql(&server, &token, query);
    assert_eq!(answer.get("errors"), None, "{answer}");
    paths(&answer, &mut told);
    let upload = "mutation { createUpload(input: {filename: \"a.mp4\", bytes: 5}) \
                  { upload { url } userErrors { code } } }";
    paths(&graphql(&server, &token, upload), &mut told);
    let linked =
        format!("mutation {{ createPlaybackLink(input: {{id: \"{private}\"}}) {{ url }} }}");
    paths(&graphql(&server, &token, &linked), &mut told);
    assert!(told.len() > 30, "{told:#?}");
    for one in &told {
        if one == "video/mp4" || one.contains("<iframe") {
            continue;
        }
        assert!(
            one.starts_with("/clips/") || one.starts_with("https://example.org/clips"),
            "{one}"
        );
        // What is told works once the proxy has taken the path away.
        let inner = one.trim_start_matches("https://example.org");
        if let Some(inner) = inner
            .strip_prefix("/clips")
            .filter(|p| p.starts_with("/media/"))
        {
            let status = get(&server, inner).status;
            let is_prefix = inner.starts_with("/media/s/") && inner.matches('/').count() == 3;
            assert!(status == 200 || is_prefix, "{inner}: {status}");
        }
    }
    let frame = told.iter().find(|one| one.contains("<iframe")).unwrap();
    let source = format!("src=\"https://example.org/clips/embed/{id}\"");
    assert!(frame.contains(&source), "{frame}");
}

#[test]
fn pages_refer_to_their_files_below_the_path() {
    let (server, id) = server(true);
    for path in [
        "/".to_owned(),
        format!("/watch/{id}"),
        format!("/embed/{id}"),
        "/studio/1".to_owned(),
    ] {
        let page = get(&server, &path).text();
        for quoted in page.split("href=\"").chain(page.split("src=\"")).skip(1) {
            let address = quoted.split('"').next().unwrap();
            let below = address.starts_with("/clips/") || address.starts_with("https://");
            assert!(below || address.starts_with('<'), "{path}: {address}");
        }
        let there = |name: &str| page.contains(&format!("\"/clips/{name}"));
        assert!(there("assets/") || there("api/docs/"), "{page}");
    }
    let watch = get(&server, &format!("/watch/{id}")).text();
    for property in ["og:url", "og:image", "og:video"] {
        let told = format!("{property}\" content=\"https://example.org/clips/");
        assert!(watch.contains(&told), "{property}: {watch}");
    }
    let docs = get(&server, "/api/docs");
    if let Some(to) = docs.header("location") {
        assert!(to.starts_with("/clips/api/docs"), "{to}");
    }
    assert_eq!(
        get(&server, "/graphiql/").header("location"),
        Some("/clips/graphiql")
    );
    let described = get(&server, "/api/schema/").json();
    assert_eq!(described["servers"][0]["url"], "/clips");
}

#[test]
fn nobody_else_is_believed() {
    let (server, id) = server(false);
    let video = get(&server, &format!("/api/videos/{id}/")).json();
    let path = video["thumbnail"].as_str().unwrap();
    assert!(path.starts_with("/media/"), "{path}");
    let next = get(&server, "/api/videos/?page_size=1&page=1").json();
    assert_eq!(next["next"], Value::Null);
    let page = get(&server, &format!("/watch/{id}")).text();
    assert!(
        !page.contains("/clips/") && !page.contains("example.org"),
        "{page}"
    );
}
