//! The database is away: nothing is denied that is only not known.

use serde_json::json;

use crate::support::{Answer, Server};

fn is_away(answer: &Answer) {
    assert_eq!(
        (answer.status, answer.header("clipsy-error-code")),
        (503, Some("database_unavailable")),
        "{}",
        answer.text()
    );
    assert_eq!(answer.header("retry-after"), Some("5"));
    assert!(!answer.text().contains("pool"), "{}", answer.text());
}

/// Players and people keep a "not found", and pages sign out after a 401.
#[test]
fn what_cannot_be_looked_up_may_be_asked_for_again() {
    let server = Server::start();
    let token = server.token("ann");
    let id = server.video(&token, "private");
    server.make_ready(id);
    let path = format!("/media/videos/processed/{id}/720p/segment_00000.ts");
    let bearer = format!("Bearer {token}");
    let signed = [("Authorization", bearer.as_str())];
    let token = server.token("ann");
    let link = server.call(
        "POST",
        &format!("/api/videos/{id}/playback/"),
        &token,
        &json!({}),
    );
    let link = link.json()["prefix"].as_str().unwrap().to_owned();
    let link = format!("{link}/videos/processed/{id}/720p/segment_00000.ts");
    // The video is known from now on, as that of a player is; the right to see it is not.
    assert_eq!(server.send("GET", &path, &signed, b"").status, 200);
    assert_eq!(server.get(&link).status, 200);

    server.run(server.app.db.close());
    is_away(&server.send("GET", &path, &signed, b""));
    is_away(&server.get(&link));
    is_away(&server.get("/media/videos/processed/999/master.m3u8"));
    is_away(&server.get("/media/videos/thumbnails/999_1.jpg"));
    is_away(&server.get("/media/videos/originals/999.mp4"));
    // Without a token nothing needs to be looked up to know that it is denied.
    server.get(&path).is_not_found();

    for (method, path, body) in [
        ("GET", "/api/auth/me/", json!(null)),
        ("GET", "/api/videos/", json!(null)),
        ("GET", "/api/videos/1/", json!(null)),
        ("GET", "/api/uploads/", json!(null)),
        ("POST", "/api/videos/1/retry/", json!({})),
    ] {
        is_away(&server.call(method, path, &token, &body));
    }
    is_away(&server.get("/api/videos/"));
    is_away(&server.get("/watch/1"));
    let body = json!({ "username": "ann", "password": "password of ann" });
    is_away(&server.call("POST", "/api/auth/login/", "", &body));

    let query = json!({ "query": "{ videos { nodes { id } } }" });
    let denied = server.call("POST", "/graphql", &token, &query);
    assert_eq!(denied.status, 503, "{}", denied.text());
    let field = server.call("POST", "/graphql", "", &query).json();
    for errors in [&denied.json()["errors"], &field["errors"]] {
        assert_eq!(errors[0]["extensions"]["code"], "SERVICE_UNAVAILABLE");
    }
}
