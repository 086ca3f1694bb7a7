//! A stream ends when its right ends.

use std::time::Duration;

use serde_json::{Value, json};

use super::server::{Node, Server};

/// Ann's subscriptions in both clients, open.
fn watching(server: &Server, token: &str) -> [Node; 2] {
    ["ws", "sse"].map(|client| {
        let mut node = server.node_start(
            client,
            json!({"request": {"query": "subscription { ticks }"}, "say": true, "token": token}),
        );
        assert_eq!(node.line()["data"]["ticks"], 0);
        node
    })
}

fn ended(nodes: [Node; 2], reason: &str) {
    let [ws, sse] = nodes.map(Node::end);
    assert_eq!(
        ws["closed"],
        json!([{"code": 4403, "reason": reason}]),
        "{ws}"
    );
    let last = &sse["results"][1]["errors"][0];
    assert_eq!(last["message"], reason, "{sse}");
    assert_eq!(last["extensions"]["code"], "UNAUTHENTICATED", "{sse}");
    assert_eq!(sse["error"], Value::Null);
}

/// Nothing is asked of the database, and sockets look at the clock seldom.
fn server() -> Server {
    Server::start_with(|settings| {
        settings.recheck = Duration::from_hours(1);
        settings.keep_alive = Duration::from_hours(1);
    })
}

#[test]
fn signing_out_ends_them_at_once() {
    let server = server();
    let token = server.token("ann");
    let nodes = watching(&server, &token);
    let bob = server.token("bob");
    let others = watching(&server, &bob);
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    let answer = server.send("POST", "/api/auth/logout/", &headers, b"");
    assert_eq!(answer.status, 200, "{}", answer.text());
    ended(nodes, "Session ended");
    assert_eq!(server.app.streams.len(), 1, "bob's was closed, too");
    server.app.accounts.rights.end_user(3);
    ended(others, "Session ended");
}

#[test]
fn what_another_process_did_is_noticed() {
    let server = Server::start_with(|settings| settings.recheck = Duration::from_millis(50));
    let (app, ann) = (&server.app, 2);
    let nodes = watching(&server, &server.token("ann"));
    server.run(app.db.set_active(ann, false)).unwrap();
    ended(nodes, "Session ended");
    server.run(app.db.set_active(ann, true)).unwrap();
    let nodes = watching(&server, &server.token("ann"));
    server.run(app.db.set_password(ann, "other")).unwrap();
    ended(nodes, "Session ended");
}

#[test]
fn an_expired_token_ends_them_at_the_next_item() {
    let server = server();
    let nodes = watching(&server, &server.token("ann"));
    server.pass(3_599);
    server.shared.ticks.send_replace(0);
    server.pass(1);
    server.shared.ticks.send_replace(1);
    let [ws, sse] = nodes.map(Node::end);
    assert_eq!(ws["closed"][0]["reason"], "Token expired", "{ws}");
    let results = sse["results"].as_array().unwrap();
    let last = results.last().unwrap();
    assert_eq!(last["errors"][0]["message"], "Token expired", "{sse}");
    assert!(results.iter().all(|r| r["data"]["ticks"] != 1), "{sse}");
}

#[test]
fn an_expired_token_ends_silent_ones() {
    // Longer than a busy machine lets a client wait before it answers a ping.
    let server = Server::start_with(|settings| {
        settings.keep_alive = Duration::from_secs(2);
    });
    let nodes = watching(&server, &server.token("ann"));
    server.pass(3_600);
    ended(nodes, "Token expired");
}

#[test]
fn people_who_are_not_signed_in_have_nothing_to_lose() {
    let server = Server::start_with(|settings| settings.recheck = Duration::from_millis(20));
    let nodes = watching(&server, "");
    server.pass(1_000_000);
    server.shared.ticks.send_replace(1);
    for mut node in nodes {
        assert_eq!(node.line()["data"]["ticks"], 1);
    }
}
