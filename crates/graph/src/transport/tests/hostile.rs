//! What people send who mean no good. Nothing of it may bring the server down or keep it busy.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::server::{Server, wait_until};

fn refused(server: &Server, query: &str, code: &str) -> Value {
    let answer = server.post(&json!({"query": query}));
    let start: String = query.chars().take(60).collect();
    assert_eq!(
        (answer.status, answer.code()),
        (400, code.into()),
        "{start}: {}",
        answer.text()
    );
    let told = answer.json();
    assert!(told["errors"].as_array().unwrap().len() < 100);
    assert!(answer.body.len() < 20_000, "{start} was answered at length");
    told
}

fn numbered(count: usize, each: impl Fn(usize) -> String) -> String {
    (0..count).fold(String::new(), |text, n| text + &each(n))
}

#[test]
fn documents_of_the_attack_list_are_refused() {
    let server = Server::start();
    let limit = |query: &str| {
        refused(&server, query, "LIMIT_EXCEEDED");
    };
    let deep = |text: &str, times| format!("{}number{}", text.repeat(times), "}".repeat(times));
    limit(&format!("{{ node {} }}", deep("{ next ", 60)));
    limit(&format!("{{ node {} }}", deep("{ next ", 13)));
    limit(&format!(
        "{{{}}}",
        numbered(1_000, |n| format!("a{n}: hello "))
    ));
    limit(&format!(
        "{{ node {{ {} }} }}",
        numbered(60, |n| format!("a{n}: number "))
    ));
    limit(&format!(
        "{{ hello {} }}",
        "@include(if: true) ".repeat(100)
    ));
    limit(&format!("query {} {{ hello }}", "@x".repeat(100)));
    limit(&format!("{{ hello {} }}", "@x ".repeat(2_000)));
    limit(&numbered(100, |n| format!("query Q{n} {{ hello }} ")));
    limit(&format!(
        "query ({}) {{ hello }}",
        numbered(2_000, |n| format!("$v{n}: Int "))
    ));
    limit(&format!("{{ echo(input: {}) }}", "[".repeat(10_000)));
    limit(&format!("{{ echo(input: {}) }}", "{inner:".repeat(1_000)));
    limit(&format!(
        "query ($a: {}Int) {{ hello }}",
        "[".repeat(10_000)
    ));
    limit(&format!("{{ {} }}", "x".repeat(10_000)));
    limit(&format!("# {}\n{{ hello }}", "x".repeat(70_000)));
    limit("{ node { many(first: 1000) { many(first: 1000) { number } } } }");
    limit("{ node { a: many(first: 600) { number } b: many(first: 600) { number } } }");
    limit("{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }");

    for query in [
        "{ ...A } fragment A on Query { ...A }",
        "{ ...A } fragment A on Query { hello ...B } fragment B on Query { ...A }",
        "{ ...A } fragment A on Query { ...A ...A ...A ...A }",
        "{ ...Nothing }",
    ] {
        refused(&server, query, "GRAPHQL_VALIDATION_FAILED");
    }
    // Fragments that double, thirty times: a thousand million fields.
    let mut doubling = "{ ...F0 } fragment F30 on Query { hello }".to_owned();
    for n in 0..30 {
        let next = n + 1;
        write!(
            doubling,
            " fragment F{n} on Query {{ ...F{next} ...F{next} }}"
        )
        .unwrap();
    }
    limit(&doubling);
    for query in [
        "\"\"\"",
        "{ a(b: \"\"\" \" [[[[",
        "\u{0}",
        "}{",
        "...",
        "query",
    ] {
        refused(&server, query, "GRAPHQL_PARSE_FAILED");
    }
    assert_eq!(server.post(&json!({"query": "{ hello }"})).status, 200);
}

#[test]
fn many_mistakes_are_told_shortly() {
    let server = Server::start();
    let query = format!("{{ {} }}", numbered(20, |n| format!("nothing{n} ")));
    refused(&server, &query, "GRAPHQL_VALIDATION_FAILED");
    let query = format!(
        "{{ node {{ {} }} }}",
        numbered(900, |n| format!("nothing{n} "))
    );
    refused(&server, &query, "GRAPHQL_VALIDATION_FAILED");
}

#[test]
fn bodies_and_variables_have_a_size() {
    let server = Server::start();
    let large = json!({"query": format!("{{ hello {} }}", " ".repeat(10 << 20))});
    let answer = server.post(&large);
    assert_eq!((answer.status, answer.code()), (413, "TOO_LARGE".into()));
    let query = "query ($input: Input!) { echo(input: $input) }";
    let variables = |input: Value| {
        let request = json!({"query": query, "variables": {"input": input}});
        server.post(&request)
    };
    let fine = variables(json!({"list": [[1, 2]], "inner": {"inner": {}}}));
    assert_eq!(fine.json()["data"]["echo"], 5);
    let wide = variables(json!({"list": [vec![1; 6_000]]}));
    assert_eq!(wide.code(), "LIMIT_EXCEEDED");
    let deep = variables((0..17).fold(json!({}), |inner, _| json!({"inner": inner})));
    assert_eq!(deep.code(), "LIMIT_EXCEEDED");
    // Deeper than JSON is read at all.
    let text = format!(
        "{{\"query\":\"{{hello}}\",\"variables\":{}",
        "{\"a\":".repeat(100_000)
    );
    let headers = [("content-type", "application/json")];
    let deepest = server.send("POST", "/graphql", &headers, text.as_bytes());
    assert_eq!(
        (deepest.status, deepest.code()),
        (400, "BAD_REQUEST".into())
    );
}

#[test]
fn one_socket_runs_so_many_operations_and_no_more() {
    let server = Server::start_with(|settings| settings.max_operations_per_socket = 10);
    let flood = json!({"type": "subscribe", "id": "NUMBER",
        "payload": {"query": "subscription { ticks }"}});
    let told = server.node(
        "raw",
        json!({"sockets": [{
            "messages": [
                {"type": "connection_init"},
                {"wait": "connection_ack"},
                {"repeat": 1_000, "text": flood.to_string()},
            ],
            "take": 1_001,
        }]}),
    );
    let received = told[0]["received"].as_array().unwrap();
    let of = |kind: &str| received.iter().filter(|m| m["type"] == kind).count();
    assert_eq!((of("next"), of("error")), (10, 990));
    let error = received.iter().find(|m| m["type"] == "error").unwrap();
    let code = &error["payload"][0]["extensions"]["code"];
    assert_eq!(code, "TOO_MANY_OPERATIONS");
    wait_until("all subscriptions ended", || {
        server.shared.open.load(std::sync::atomic::Ordering::SeqCst) == 0
    });
}

#[test]
fn one_address_opens_so_many_sockets_and_no_more() {
    let server = Server::start_with(|settings| settings.max_sockets_per_address = 20);
    let told = server.node("crowd", json!({"count": 50}));
    let statuses = told["statuses"].as_array().unwrap();
    let of = |status: i64| statuses.iter().filter(|s| **s == json!(status)).count();
    assert_eq!((of(101), of(503)), (20, 30), "{told}");
    wait_until("the places were free", || server.app.streams.is_empty());
    let again = server.node("crowd", json!({"count": 20}));
    assert_eq!(again["statuses"], json!(vec![101; 20]));
}
