//! Requests that are wrong, and what they are told.

use std::io::Write as _;

use serde_json::{Value, json};

use crate::support::{Answer, Form, Server};

#[test]
fn what_is_not_there_is_not_found() {
    let server = Server::start();
    for path in [
        "/nothing",
        "/api",
        "/api/",
        "/api/nothing/",
        "/api/videos/99/",
        "/api/videos/99",
        "/api/videos/x/",
        "/api/videos/-1/",
        "/api/videos/1.5/",
        "/api/videos/99999999999999999999/",
        "/api/videos/%FF/",
        "/api/videos/99/stream/",
        "/media/",
        "/media/videos/processed/99/master.m3u8",
        "/media/videos/thumbnails/99_1.jpg",
        "/media/videos/originals/none.mp4",
    ] {
        server.get(path).is_not_found();
    }
}

#[test]
fn paths_that_lead_elsewhere_are_not_found() {
    let server = Server::start();
    let token = server.token("ann");
    let id = server.video(&token, "public");
    server.make_ready(id);
    let secret = server
        .folder
        .path()
        .join("media/videos/processed/secret.ts");
    std::fs::write(&secret, "secret").unwrap();
    std::fs::write(server.folder.path().join("secret.jpg"), "secret").unwrap();
    for up in [
        "..",
        "%2e%2e",
        "%2E.",
        ".%2e",
        "..%5C",
        "%2e%2e%5c",
        "..%2f",
        "%252e%252e",
        "..%00",
    ] {
        for path in [
            format!("/api/videos/{up}/"),
            format!("/api/videos/{up}/stream/"),
            format!("/api/videos/{up}/playback/"),
            format!("/media/{up}/{up}/clipsy.db"),
            format!("/media/videos/processed/{id}/{up}/secret.ts"),
            format!("/media/videos/processed/{id}/720p/{up}/{up}/{up}/secret.ts"),
            format!("/media/videos/processed/{up}/master.m3u8"),
            format!("/media/videos/processed/{id}/{up}secret.ts"),
            format!("/media/videos/originals/{up}/{up}/{up}/secret.jpg"),
            format!("/media/videos/thumbnails/{up}/{up}/{up}/secret.jpg"),
            format!("/media/s/{up}/videos/processed/{id}/master.m3u8"),
            format!("/media/s/x/{up}/{up}/secret.jpg"),
        ] {
            let answer = server.get(&path);
            assert_eq!(
                answer.status,
                if path.ends_with("playback/") {
                    405
                } else {
                    404
                },
                "{path}"
            );
        }
        for method in ["PATCH", "DELETE"] {
            let path = format!("/api/videos/{up}/");
            server
                .call(method, &path, &token, &json!({}))
                .is_not_found();
        }
        for verb in ["retry", "cancel", "playback"] {
            let path = format!("/api/videos/{up}/{verb}/");
            server
                .call("POST", &path, &token, &Value::Null)
                .is_not_found();
        }
    }
    assert_eq!(
        server
            .get(&format!("/media/videos/processed/{id}/master%2Em3u8"))
            .status,
        200
    );
    // Docs are files, too.
    for up in ["..", "%2e%2e", "..%5C"] {
        assert_eq!(
            server
                .get(&format!("/api/docs/{up}/{up}/Cargo.toml"))
                .status,
            404
        );
    }
}

#[test]
fn methods_that_a_route_does_not_have_are_refused() {
    let server = Server::start();
    for (method, path, allowed) in [
        (
            "PUT",
            "/api/videos/1/",
            vec!["GET", "HEAD", "PATCH", "DELETE"],
        ),
        ("PUT", "/api/videos/", vec!["GET", "HEAD", "POST"]),
        ("GET", "/api/auth/login/", vec!["POST"]),
        ("POST", "/api/schema/", vec!["GET", "HEAD"]),
        (
            "DELETE",
            "/media/videos/processed/1/master.m3u8",
            vec!["GET", "HEAD", "OPTIONS"],
        ),
    ] {
        let answer = server.send(method, path, &[], b"");
        let body = json!({ "detail": format!("Method \"{method}\" not allowed.") });
        answer.is_error(405, "method_not_allowed", &body.to_string());
        let allow = answer.header("allow").unwrap();
        for method in allowed {
            assert!(allow.contains(method), "{path}: {allow}");
        }
    }
}

#[test]
fn writes_need_a_token() {
    let server = Server::start();
    let body = r#"{"detail":"Authentication credentials were not provided."}"#;
    for (method, path) in [
        ("POST", "/api/videos/"),
        ("PATCH", "/api/videos/1/"),
        ("DELETE", "/api/videos/1/"),
        ("POST", "/api/videos/1/retry/"),
        ("POST", "/api/videos/1/cancel/"),
        ("POST", "/api/auth/logout/"),
        ("GET", "/api/auth/me/"),
        ("POST", "/api/auth/password/"),
    ] {
        let answer = server.call(method, path, "", &Value::Null);
        answer.is_error(401, "not_authenticated", body);
        assert_eq!(
            answer.header("www-authenticate"),
            Some("Bearer realm=\"api\"")
        );
    }
}

#[test]
fn bodies_that_cannot_be_read_are_refused() {
    let server = Server::start();
    let login = |kind: &str, body: &[u8]| {
        server.send("POST", "/api/auth/login/", &[("Content-Type", kind)], body)
    };
    let answer = login("application/json", b"{\"username\": ");
    assert_eq!(
        (answer.status, answer.header("clipsy-error-code")),
        (400, Some("parse_error"))
    );
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.starts_with("JSON parse error - "), "{detail}");
    login("text/plain", b"username=ann").is_error(
        415,
        "unsupported_media_type",
        r#"{"detail":"Unsupported media type \"text/plain\" in request."}"#,
    );
    login("application/json", b"[1]").is_error(
        400,
        "invalid",
        r#"{"non_field_errors":["Invalid data. Expected a dictionary, but got list."]}"#,
    );
    login("application/json", b"{}").is_error(
        400,
        "invalid",
        r#"{"username":["This field is required."],"password":["This field is required."]}"#,
    );
    login("application/json", br#"{"username":[],"password":""}"#).is_error(
        400,
        "invalid",
        r#"{"username":["Not a valid string."],"password":["This field may not be blank."]}"#,
    );
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(login("application/json", nested.as_bytes()).status, 400);
    assert_eq!(
        login("application/json", b"{\"username\":\"\xff\"}").status,
        400
    );
}

#[test]
fn the_same_fields_may_come_as_a_form() {
    let server = Server::start();
    let body = b"username=ann&password=password+of+ann";
    let kind = ("Content-Type", "application/x-www-form-urlencoded");
    assert_eq!(
        server
            .send("POST", "/api/auth/login/", &[kind], body)
            .status,
        200
    );
    let form = Form::new()
        .text("username", "ann")
        .text("password", "password of ann");
    let kind = ("Content-Type", Form::TYPE);
    assert_eq!(
        server
            .send("POST", "/api/auth/login/", &[kind], &form.end())
            .status,
        200
    );
}

#[test]
fn a_body_above_the_limit_is_refused_whether_announced_or_not() {
    let server = Server::start();
    let large = format!("{{\"username\":\"{}\"}}", "x".repeat(2 << 20));
    let headers = [("Content-Type", "application/json")];
    let body = r#"{"detail":"The request is too large: at most 1048576 bytes are accepted."}"#;
    server
        .send("POST", "/api/auth/login/", &headers, large.as_bytes())
        .is_error(413, "too_large", body);
    let mut stream = server.connect();
    stream
        .write_all(
            b"POST /api/auth/login/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
              Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
        )
        .unwrap();
    for _ in 0..3 {
        stream.write_all(b"100000\r\n").unwrap();
        stream.write_all(&vec![b' '; 1 << 20]).unwrap();
        stream.write_all(b"\r\n").unwrap();
    }
    stream.write_all(b"0\r\n\r\n").unwrap();
    Answer::read(stream, false).is_error(413, "too_large", body);
}

#[test]
fn every_answer_has_a_number_and_careful_headers() {
    let server = Server::start();
    let answer = server.send(
        "GET",
        "/api/videos/",
        &[("X-Request-Id", "from-the-proxy.1")],
        b"",
    );
    assert_eq!(answer.header("x-request-id"), Some("from-the-proxy.1"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("x-frame-options"), Some("DENY"));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    assert!(
        answer
            .header("content-security-policy")
            .unwrap()
            .contains("default-src 'none'")
    );
    assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
    let ids: Vec<_> = ["/api/videos/", "/media/x", "/healthz"]
        .map(|path| server.get(path).header("x-request-id").unwrap().to_owned())
        .to_vec();
    assert!(ids[0] != ids[1] && ids[1] != ids[2]);
}

#[test]
fn a_client_that_never_ends_its_headers_is_let_go() {
    let server = Server::start_with(|s| s.header_timeout = std::time::Duration::from_millis(200));
    let mut stream = server.connect();
    stream
        .write_all(b"GET /api/videos/ HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        .unwrap();
    // The read ends when the server hangs up; without that it would run into the client's limit.
    let mut rest = Vec::new();
    std::io::Read::read_to_end(&mut stream, &mut rest).unwrap();
    let rest = String::from_utf8_lossy(&rest);
    assert!(
        rest.is_empty() || rest.starts_with("HTTP/1.1 408"),
        "{rest}"
    );
}

#[test]
fn a_body_that_stops_arriving_is_given_up() {
    let server = Server::start_with(|s| s.body_timeout = std::time::Duration::from_millis(200));
    let mut stream = server.connect();
    stream
        .write_all(
            b"POST /api/auth/login/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
              Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
        )
        .unwrap();
    let body = r#"{"detail":"The request took too long to arrive."}"#;
    Answer::read(stream, false).is_error(408, "too_slow", body);
}
