//! Answers made smaller, as curl takes them.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Answer, Form, ORIGINAL, Server};

/// A server with videos whose list is some kilobytes.
fn server() -> (Server, String) {
    let server = Server::start();
    let token = server.token("ann");
    for number in 0..20 {
        let form = Form::new()
            .text("title", &format!("Video {number}"))
            .text("description", "words ")
            .file("film.mp4", ORIGINAL);
        assert_eq!(server.upload(&token, &form).status, 201);
    }
    (server, token)
}

fn curl(server: &Server, path: &str, args: &[&str]) -> Vec<u8> {
    let done = Command::new("curl")
        .args(["--silent", "--show-error", "--fail"])
        .args(args)
        .arg(format!("http://{}{path}", server.address))
        .output()
        .unwrap();
    assert!(done.status.success(), "{path} {args:?}: {done:?}");
    done.stdout
}

fn coding(answer: &Answer) -> Option<&str> {
    answer.header("content-encoding")
}

fn vary(answer: &Answer) -> String {
    let lines = answer.headers.iter().filter(|(name, _)| name == "vary");
    let lines: Vec<&str> = lines.map(|(_, value)| value.as_str()).collect();
    lines.join(", ").to_ascii_lowercase()
}

/// The head of an answer alone, since this client reads no compressed bodies.
fn head_of(server: &Server, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut args = vec!["--dump-header".to_owned(), "-".to_owned()];
    args.extend(["--output".to_owned(), "/dev/null".to_owned()]);
    for (name, value) in headers {
        args.extend(["--header".to_owned(), format!("{name}: {value}")]);
    }
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let text = String::from_utf8(curl(server, path, &args)).unwrap();
    let mut lines = text.trim_end().lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    Answer {
        status: status.parse().unwrap(),
        headers: lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect(),
        body: Vec::new(),
    }
}

#[test]
fn json_graphql_and_pages_come_as_the_client_wants_them() {
    let (server, _) = server();
    let graphql =
        "/graphql?query=%7Bvideos%7Bnodes%7Bid%20title%20description%20createdAt%7D%7D%7D";
    for path in ["/api/videos/", "/api/schema/", graphql, "/"] {
        let plain = curl(&server, path, &[]);
        for name in ["zstd", "br", "gzip"] {
            let header = format!("Accept-Encoding: {name}");
            let packed = curl(&server, path, &["--header", &header]);
            assert!(packed.len() < plain.len(), "{path} by {name}");
            let read = curl(&server, path, &["--compressed", "--header", &header]);
            assert!(read == plain, "{path} by {name}");
            let head = head_of(&server, path, &[("Accept-Encoding", name)]);
            assert_eq!(coding(&head), Some(name), "{path}");
            assert!(vary(&head).contains("accept-encoding"), "{path}");
        }
        // The answer is another for those who do not take it, so caches have to know.
        for wanted in ["identity", "br;q=0, gzip;q=0, zstd;q=0", "deflate"] {
            let head = head_of(&server, path, &[("Accept-Encoding", wanted)]);
            assert_eq!(coding(&head), None, "{path} {wanted}");
            assert!(vary(&head).contains("accept-encoding"), "{path}");
        }
    }
    let head = head_of(&server, "/api/videos/", &[("Accept-Encoding", "gzip")]);
    assert!(vary(&head).contains("authorization"), "{}", vary(&head));
}

#[test]
fn what_a_browser_has_of_a_page_is_not_sent_again_however_it_was_packed() {
    let server = Server::start();
    let tag = |coding: &str| {
        let head = head_of(&server, "/", &[("Accept-Encoding", coding)]);
        head.header("etag").unwrap().to_owned()
    };
    let (packed, plain) = (tag("gzip"), tag("identity"));
    assert!(packed.starts_with("W/"), "{packed}");
    assert_eq!(packed, plain);
    for coding in ["gzip", "identity"] {
        let headers = [("Accept-Encoding", coding), ("If-None-Match", &packed)];
        assert_eq!(server.send("GET", "/", &headers, b"").status, 304);
    }
}

#[test]
fn media_tokens_and_events_are_never_compressed() {
    let (server, token) = server();
    server.make_ready(1);
    let all = ("Accept-Encoding", "gzip, br, zstd");
    for path in [
        "/media/videos/processed/1/master.m3u8",
        "/media/videos/processed/1/720p/segment_00000.ts",
        "/media/videos/processed/1/storyboard.vtt",
        "/api/videos/1/stream/",
    ] {
        let answer = server.send("GET", path, &[all], b"");
        assert_eq!((answer.status, coding(&answer)), (200, None), "{path}");
        assert!(answer.header("content-length").is_some());
        let part = server.send("GET", path, &[all, ("Range", "bytes=0-3")], b"");
        assert_eq!((part.status, coding(&part)), (206, None), "{path}");
    }
    let body = json!({ "username": "ann", "password": "password of ann", "x": "y".repeat(2000) });
    let headers = [all, ("Content-Type", "application/json")];
    let send =
        |path: &str, body: &Value| server.send("POST", path, &headers, body.to_string().as_bytes());
    let session = send("/api/auth/login/", &body);
    let refresh = send(
        "/api/auth/refresh/",
        &json!({ "refresh": session.json()["refresh"] }),
    );
    // Made longer than what is too short to be compressed.
    let aliases: Vec<String> = (0..40).map(|n| format!("x{n}: __typename")).collect();
    let aliases = aliases.join(" ");
    let query = format!(
        "mutation {{ signIn(input: {{username: \"ann\", password: \"password of ann\"}}) \
         {{ accessToken refreshToken {aliases} }} }}"
    );
    let graphql = send("/graphql", &json!({ "query": query }));
    assert!(graphql.body.len() > 1_024, "{}", graphql.text());
    for answer in [&session, &refresh, &graphql] {
        assert_eq!((answer.status, coding(answer)), (200, None));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }

    let bearer = format!("Authorization: Bearer {token}");
    let events = curl(
        &server,
        "/graphql?query=%7Bvideos%7Bnodes%7Bid%20title%20createdAt%20updatedAt%7D%7D%7D",
        &[
            "--header",
            "Accept: text/event-stream",
            "--header",
            "Accept-Encoding: gzip, br, zstd",
            "--header",
            &bearer,
            "--include",
        ],
    );
    let events = String::from_utf8(events).unwrap();
    assert!(!events.to_ascii_lowercase().contains("content-encoding"));
    assert!(events.contains("event: next\ndata: {"), "{events}");
    assert!(events.len() > 2_000, "{events}");
}
