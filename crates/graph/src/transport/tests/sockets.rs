//! The `graphql-transport-ws` protocol, message by message.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use super::schema::PATIENCE;
use super::server::{Server, wait_until};

const INIT: &str = r#"{"type":"connection_init"}"#;

fn subscribe(id: &str, query: &str) -> Value {
    json!({"type": "subscribe", "id": id, "payload": {"query": query}})
}

fn ack() -> Value {
    json!({"wait": "connection_ack"})
}

#[test]
fn every_breach_has_its_close_code() {
    let server = Server::start_with(|settings| {
        settings.init_timeout = Duration::from_millis(300);
        settings.max_message_bytes = 10_000;
    });
    let ticks = "subscription { ticks }";
    let long = "x".repeat(10_001);
    let wrong_token = json!({"type": "connection_init", "payload": {"token": "x"}});
    let cases = [
        (
            json!({"messages": ["no JSON"]}),
            4400,
            "Invalid message received",
        ),
        (
            json!({"messages": [INIT, {"type": "nonsense"}]}),
            4400,
            "Invalid message received",
        ),
        (
            json!({"messages": [INIT, {"binary": INIT}]}),
            4400,
            "Invalid message received",
        ),
        (
            json!({"messages": [INIT, {"type": "subscribe", "payload": {"query": ticks}}]}),
            4400,
            "Invalid message received",
        ),
        (
            json!({"messages": [subscribe("1", ticks)]}),
            4401,
            "Unauthorized",
        ),
        (
            json!({"messages": [wrong_token]}),
            4403,
            "Given token not valid for any token type",
        ),
        (
            json!({"protocols": ["graphql-ws"]}),
            4406,
            "Subprotocol not acceptable",
        ),
        (json!({"protocols": []}), 4406, "Subprotocol not acceptable"),
        (
            json!({"messages": []}),
            4408,
            "Connection initialisation timeout",
        ),
        (
            json!({"messages": [{"type": "ping"}, {"type": "pong"}]}),
            4408,
            "Connection initialisation timeout",
        ),
        (
            json!({"messages": [INIT, ack(), subscribe("a", ticks), {"wait": "next"},
                subscribe("a", ticks)]}),
            4409,
            "Subscriber for a already exists",
        ),
        (
            json!({"messages": [INIT, INIT]}),
            4429,
            "Too many initialisation requests",
        ),
        (
            json!({"messages": [INIT, ack(), long]}),
            1009,
            "Message too large",
        ),
    ];
    let sockets: Vec<&Value> = cases.iter().map(|(socket, ..)| socket).collect();
    let told = server.node("raw", json!({"sockets": sockets}));
    for ((_, code, reason), told) in cases.iter().zip(told.as_array().unwrap()) {
        assert_eq!(told["code"], *code, "{reason}: {told}");
        assert_eq!(told["reason"], *reason, "{told}");
    }
}

#[test]
fn messages_come_in_their_order() {
    let server = Server::start();
    let told = server.node(
        "raw",
        json!({"sockets": [{
            "messages": [
                {"type": "ping", "payload": {"a": 1}},
                INIT,
                ack(),
                {"type": "ping"},
                {"type": "pong", "payload": {"b": 2}},
                {"type": "complete", "id": "unknown"},
                subscribe("1", "subscription { count(to: 2) }"),
                {"wait": "complete"},
                subscribe("1", "{ hello }"),
            ],
            "take": 8,
        }]}),
    );
    assert_eq!(
        told[0]["received"],
        json!([
            {"type": "pong", "payload": {"a": 1}},
            {"type": "connection_ack"},
            {"type": "pong"},
            {"id": "1", "type": "next", "payload": {"data": {"count": 1}}},
            {"id": "1", "type": "next", "payload": {"data": {"count": 2}}},
            {"id": "1", "type": "complete"},
            {"id": "1", "type": "next", "payload": {"data": {"hello": "world"}}},
            {"id": "1", "type": "complete"},
        ])
    );
    assert_eq!(told[0]["protocol"], "graphql-transport-ws");
}

#[test]
fn an_operation_that_is_completed_says_no_more() {
    let server = Server::start();
    let ticks = "subscription { ticks }";
    let told = server.node(
        "raw",
        json!({"sockets": [{
            "messages": [
                INIT,
                ack(),
                subscribe("1", ticks),
                {"wait": "next"},
                {"type": "complete", "id": "1"},
                // The name is free at once.
                subscribe("1", "subscription { silent }"),
                subscribe("2", "mutation { tick }"),
                {"wait": "complete"},
                subscribe("3", "{ hello }"),
            ],
            "take": 6,
        }]}),
    );
    let of = |id: &str| {
        let received = told[0]["received"].as_array().unwrap();
        received.iter().filter(|m| m["id"] == id).count()
    };
    assert_eq!((of("1"), of("2"), of("3")), (1, 2, 2), "{told}");
    wait_until("the subscription ended", || {
        server.shared.open.load(std::sync::atomic::Ordering::SeqCst) == 0
    });
}

#[test]
fn pages_of_other_origins_do_not_connect() {
    let server = Server::start_as(|settings| {
        settings.allowed_origins = vec!["https://app.example".into()];
    });
    let own = format!("http://{}", server.address);
    let messages = json!([INIT]);
    let told = server.node(
        "raw",
        json!({"sockets": [
            {"headers": {"Origin": own}, "messages": messages, "take": 1},
            {"headers": {"Origin": "https://app.example"}, "messages": messages, "take": 1},
            {"headers": {"Origin": "https://evil.example"}, "messages": messages, "take": 1},
            {"headers": {"Origin": "null"}, "messages": messages, "take": 1},
        ]}),
    );
    assert_eq!(
        (&told[0]["code"], &told[1]["code"]),
        (&json!(1000), &json!(1000)),
        "{told}"
    );
    assert_eq!(
        (&told[2]["status"], &told[3]["status"]),
        (&json!(403), &json!(403)),
        "{told}"
    );
}

#[test]
fn programs_may_send_the_token_with_the_handshake() {
    let server = Server::start();
    let bearer = format!("Bearer {}", server.token("ann"));
    let messages = json!([INIT, ack(), subscribe("1", "{ who }")]);
    let told = server.node(
        "raw",
        json!({"sockets": [
            {"headers": {"Authorization": bearer}, "messages": messages, "take": 3},
            {"headers": {"Authorization": "Bearer x"}, "messages": messages},
        ]}),
    );
    let who = &told[0]["received"][1]["payload"]["data"]["who"];
    assert_eq!(who, "ann at 127.0.0.1", "{told}");
    assert_eq!(told[1]["code"], 4403);
}

#[test]
fn a_peer_that_does_not_answer_is_given_up() {
    let server = Server::start_with(|settings| {
        settings.keep_alive = Duration::from_millis(200);
    });
    // One that answers stays.
    let mut node = server.node_start(
        "ws",
        json!({"request": {"query": "subscription { ticks }"}, "say": true, "take": 2}),
    );
    node.line();
    // One that does not is let go: its end sees the connection close.
    let mut dead = TcpStream::connect(server.address).unwrap();
    dead.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(
        dead,
        "GET /graphql HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n",
        server.address
    )
    .unwrap();
    dead.write_all(&masked(INIT.as_bytes())).unwrap();
    let mut all = Vec::new();
    dead.read_to_end(&mut all).unwrap();
    assert!(
        all.ends_with(&[0x89, 0]),
        "the last thing was no ping: {all:?}"
    );
    server.shared.ticks.send_replace(1);
    assert_eq!(node.end()["results"][1]["data"]["ticks"], 1);
}

/// A text frame as clients send it, with a mask of zeros.
fn masked(text: &[u8]) -> Vec<u8> {
    let length = u8::try_from(text.len()).unwrap();
    assert!(length < 126);
    let mut frame = vec![0x81, 0x80 | length, 0, 0, 0, 0];
    frame.extend_from_slice(text);
    frame
}

#[test]
fn a_slow_reader_gets_everything_and_nothing_is_made_ahead() {
    let server = Server::start();
    let mut node = server.node_start(
        "slow",
        json!({"request": {"query": "subscription { big(to: 500) { number filling } }"}}),
    );
    node.line();
    let made = || server.shared.made.load(std::sync::atomic::Ordering::SeqCst);
    // It comes to rest when the buffers of both kernels are full, far from the 50 MB.
    let mut before = 0;
    wait_until("nothing more was made", || {
        let so = made() == before;
        before = made();
        std::thread::sleep(Duration::from_millis(300));
        so
    });
    assert!(before < 250, "{before} items were made ahead");
    node.go_on();
    let told = node.end();
    let received = told["received"].as_array().unwrap();
    assert_eq!(received.len(), 500);
    assert_eq!(received[499], 499);
}

#[test]
fn a_reader_that_takes_nothing_is_let_go() {
    let server = Server::start_with(|settings| {
        settings.send_timeout = Duration::from_millis(500);
    });
    let mut node = server.node_start(
        "slow",
        json!({"request": {"query": "subscription { big(to: 100000) { number filling } }"}}),
    );
    node.line();
    wait_until("its place was free", || server.app.streams.is_empty());
    drop(node);
}

#[test]
fn when_the_server_stops_clients_are_told_to_come_back() {
    let mut server = Server::start();
    let mut nodes: Vec<_> = ["ws", "sse"]
        .map(|client| {
            server.node_start(
                client,
                json!({"request": {"query": "subscription { ticks }"}, "say": true}),
            )
        })
        .into();
    for node in &mut nodes {
        node.line();
    }
    assert!(server.end(), "something did not end in time");
    let told: Vec<Value> = nodes.into_iter().map(super::server::Node::end).collect();
    assert_eq!(
        told[0]["closed"],
        json!([{"code": 1001, "reason": "Server is shutting down"}])
    );
    assert_eq!(told[1]["results"].as_array().unwrap().len(), 1);
}
