//! The GraphQL API as other people's programs use it: npm graphql-http, graphql-ws and graphql-sse,
//! and `GraphiQL` in a browser.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::{Server, password_of};

/// Runs a script of `tools/js`; what it tells in its last line.
fn node(script: &str, args: &[&str]) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/js");
    let done = Command::new("node")
        .arg(folder.join(script))
        .args(args)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(done.status.success(), "{script} failed");
    let text = String::from_utf8(done.stdout).unwrap();
    serde_json::from_str(text.lines().last().unwrap()).unwrap()
}

fn client(server: &Server, scenario: &str, mut args: Value) -> Value {
    args["url"] = format!("http://{}/graphql", server.address).into();
    node("graphql.mjs", &[scenario, &args.to_string()])
}

#[test]
fn all_audits_of_graphql_http_pass() {
    let server = Server::start_with(|settings| {
        settings.graphql.introspection = clipsy_graph::Introspection::Everybody;
    });
    let told = client(&server, "audits", json!({}));
    assert_eq!(told["failed"], json!([]));
    assert_eq!(told["ok"], 61);
}

#[test]
fn clients_see_a_video_and_what_becomes_of_it() {
    let server = Server::start();
    let ann = server.token("ann");
    let id = server.video(&ann, "private");
    let progress = json!({
        "query": "subscription ($id: ID!) { videoProgress(id: $id) { seq video { title } } }",
        "variables": {"id": id.to_string()},
    });
    for name in ["ws", "sse"] {
        let rename = json!({
            "query": "mutation ($input: UpdateVideoInput!) \
                { updateVideo(input: $input) { userErrors { code } } }",
            "variables": {"input": {"id": id.to_string(), "title": name}},
        });
        let told = client(
            &server,
            name,
            json!({"request": progress, "token": ann, "then": rename, "take": 2}),
        );
        let results = &told["results"];
        assert_eq!(
            results[1]["data"]["videoProgress"]["video"]["title"], name,
            "{told}"
        );
        // Others are told that there is no such video.
        let told = client(&server, name, json!({"request": progress}));
        let errors = match name {
            "ws" => &told["error"]["errors"],
            _ => &told["results"][0]["errors"],
        };
        assert_eq!(errors[0]["extensions"]["code"], "NOT_FOUND", "{told}");
    }
}

#[test]
fn graphiql_works_without_anything_from_elsewhere() {
    // Before anybody signed in the page asks for the schema.
    let everybody = clipsy_graph::Introspection::Everybody;
    let server = Server::start_with(|s| s.graphql.introspection = everybody);
    let page = server.get("/graphiql");
    if page.status == 404 {
        // Said by the page itself in builds for development.
        assert!(page.text().contains("make graphiql"), "{}", page.text());
        assert!(
            !Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("../../web/graphiql/dist/index.html.gz")
                .exists(),
            "the page was bundled, but is not part of the build"
        );
        panic!("run `make graphiql` first");
    }
    assert_eq!(page.header("content-encoding"), Some("gzip"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self';"));
    let etag = page.header("etag").unwrap();
    let again = server.send("GET", "/graphiql", &[("If-None-Match", etag)], b"");
    assert_eq!(again.status, 304);
    let other = server.get("/graphiql/");
    assert_eq!(
        (other.status, other.header("location")),
        (308, Some("/graphiql"))
    );

    let ann = server.token("ann");
    let id = server.video(&ann, "private");
    let args = json!({
        "url": format!("http://{}", server.address),
        "username": "ann",
        "password": password_of("ann"),
        "query": "{ viewer { username } }",
        "expect": "\"ann\"",
        "subscription": format!(
            "subscription {{ videoProgress(id: \"{id}\") {{ video {{ title }} }} }}"
        ),
        "mutation": {
            "query": "mutation ($input: UpdateVideoInput!) \
                { updateVideo(input: $input) { userErrors { code } } }",
            "variables": {"input": {"id": id.to_string(), "title": "another title"}},
        },
        "token": ann,
        "screenshot": Path::new(env!("CARGO_TARGET_TMPDIR")).join("graphiql.png"),
    });
    let told = node("graphiql.mjs", &[&args.to_string()]);
    assert_eq!(told["error"], Value::Null, "{told}");
    assert_eq!(
        told["refusal"],
        "No active account found with the given credentials"
    );
    assert!(
        told["result"].as_str().unwrap().contains("\"ann\""),
        "{told}"
    );
    assert!(
        told["first"].as_str().unwrap().contains("A video"),
        "{told}"
    );
    assert!(
        told["second"].as_str().unwrap().contains("another title"),
        "{told}"
    );
    for host in told["hosts"].as_array().unwrap() {
        let own = server.address.to_string();
        let host = host.as_str().unwrap();
        assert!(
            host == own || host == "data:" || host == "blob:",
            "{host} was asked"
        );
    }
    assert_eq!(told["complaints"], json!([]), "the browser complained");
    assert_eq!(told["failed"], json!([]));
}

/// Apollo's authentication link attaches what token there is to everything.
#[test]
fn apollo_gets_a_new_session_with_a_stale_token_attached() {
    let server = Server::start();
    let stale = server.token("ann");
    server.clock.advance(chrono::TimeDelta::hours(2));
    let args = json!({
        "url": format!("http://{}/graphql", server.address),
        "token": stale,
        "username": "ann",
        "password": password_of("ann"),
    });
    let told = node("apollo.mjs", &[&args.to_string()]);
    assert_eq!(told["before"]["code"], "UNAUTHENTICATED", "{told}");
    assert!(
        told["signedIn"]["signIn"]["accessToken"].is_string(),
        "{told}"
    );
    let refreshed = &told["refreshed"]["refreshSession"];
    assert_eq!(refreshed["viewer"]["username"], "ann", "{told}");
    assert_eq!(told["after"]["viewer"]["username"], "ann", "{told}");
}
