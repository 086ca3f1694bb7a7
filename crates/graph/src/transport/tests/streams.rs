//! Server-sent events, byte by byte.

use std::time::Duration;

use serde_json::json;

use super::server::Server;

const EVENTS: [(&str, &str); 2] = [
    ("content-type", "application/json"),
    ("accept", "text/event-stream"),
];

#[test]
fn events_have_the_form_of_the_protocol() {
    let server = Server::start();
    let body = json!({"query": "subscription { count(to: 2) }"}).to_string();
    let answer = server.send("POST", "/graphql", &EVENTS, body.as_bytes());
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        Some("text/event-stream; charset=utf-8")
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(
        answer.text(),
        ":\n\nevent: next\ndata: {\"data\":{\"count\":1}}\n\n\
         event: next\ndata: {\"data\":{\"count\":2}}\n\nevent: complete\ndata: \n\n"
    );
    let path = "/graphql?query=subscription%7Bcount(to:1)%7D";
    let got = server.send("GET", path, &EVENTS[1..], b"");
    assert!(got.text().contains("{\"count\":1}"), "{}", got.text());
}

#[test]
fn what_is_no_request_has_a_status() {
    let server = Server::start();
    let answer = server.send("POST", "/graphql", &EVENTS, b"{}");
    assert_eq!((answer.status, answer.code()), (400, "BAD_REQUEST".into()));
    let refused = server.send("POST", "/graphql", &EVENTS, b"{\"query\":\"{\"}");
    assert_eq!(refused.status, 200);
    assert!(
        refused
            .text()
            .starts_with("event: next\ndata: {\"errors\":")
    );
    assert!(refused.text().ends_with("event: complete\ndata: \n\n"));
}

#[test]
fn clients_that_take_both_get_a_stream_only_of_subscriptions() {
    let server = Server::start();
    let accept = "application/graphql-response+json, application/json, text/event-stream";
    let asked = server.post_as(accept, None, &json!({"query": "{ hello }"}));
    let kind = asked.header("content-type").unwrap();
    assert!(kind.starts_with("application/graphql-response+json"));
    let query = json!({"query": "subscription { count(to: 1) }"});
    let subscribed = server.post_as(accept, None, &query);
    let kind = subscribed.header("content-type").unwrap();
    assert!(kind.starts_with("text/event-stream"));
}

#[test]
fn a_silent_stream_shows_that_it_lives() {
    use std::io::{Read as _, Write as _};
    let server = Server::start_with(|settings| {
        settings.keep_alive = Duration::from_millis(50);
    });
    let mut stream = std::net::TcpStream::connect(server.address).unwrap();
    stream
        .set_read_timeout(Some(super::schema::PATIENCE))
        .unwrap();
    write!(
        stream,
        "GET /graphql?query=subscription%7Bsilent%7D HTTP/1.1\r\nHost: {}\r\n\
         Accept: text/event-stream\r\n\r\n",
        server.address
    )
    .unwrap();
    let mut text = String::new();
    while text.matches(":\n\n").count() < 4 {
        let mut bytes = [0; 1_000];
        let count = stream.read(&mut bytes).unwrap();
        assert_ne!(count, 0, "it ended: {text}");
        text.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
    }
}
