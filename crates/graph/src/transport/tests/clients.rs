//! npm graphql-ws and graphql-sse.

use serde_json::{Value, json};

use super::server::{Server, wait_until};

fn data(results: &Value, field: &str) -> Vec<i64> {
    let results = results.as_array().unwrap();
    let values = results.iter().map(|r| r["data"][field].as_i64().unwrap());
    values.collect()
}

#[test]
fn subscriptions_queries_and_mutations_run_in_both() {
    let server = Server::start();
    for client in ["ws", "sse"] {
        let run = |query: &str| server.node(client, json!({"request": {"query": query}}));
        let counted = run("subscription { count(to: 3) }");
        assert_eq!(data(&counted["results"], "count"), [1, 2, 3], "{client}");
        assert_eq!(counted["error"], Value::Null);
        let asked = run("{ hello }");
        assert_eq!(
            asked["results"],
            json!([{"data": {"hello": "world"}}]),
            "{client}"
        );
        let touched = run("mutation { touch(to: 5) }");
        assert_eq!(
            touched["results"],
            json!([{"data": {"touch": 5}}]),
            "{client}"
        );
        let partial = run("{ hello maybe }");
        assert_eq!(partial["results"][0]["data"]["hello"], "world");
        assert_eq!(partial["results"][0]["errors"][0]["path"], json!(["maybe"]));
    }
}

#[test]
fn a_snapshot_comes_first_and_then_changes() {
    let server = Server::start();
    for client in ["ws", "sse"] {
        let told = server.node(
            client,
            json!({
                "request": {"query": "subscription T { ticks }", "operationName": "T"},
                "then": {"query": "mutation { tick }"},
                "take": 2,
            }),
        );
        let ticks = data(&told["results"], "ticks");
        assert_eq!(ticks[0] + 1, ticks[1], "{client}: {told}");
        wait_until("the subscription ended", || {
            server.shared.open.load(std::sync::atomic::Ordering::SeqCst) == 0
        });
    }
}

#[test]
fn errors_have_codes_wherever_they_come_from() {
    let server = Server::start();
    for (query, code) in [
        (
            "subscription { count(to: \"x\") }",
            "GRAPHQL_VALIDATION_FAILED",
        ),
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription {", "GRAPHQL_PARSE_FAILED"),
        ("subscription { refused }", "FORBIDDEN"),
        ("{ helo }", "GRAPHQL_VALIDATION_FAILED"),
    ] {
        let args = json!({"request": {"query": query}});
        let told = server.node("ws", args.clone());
        let extensions = &told["error"]["errors"][0]["extensions"];
        assert_eq!(extensions["code"], code, "{query}: {told}");
        let told = server.node("sse", args);
        let extensions = &told["results"][0]["errors"][0]["extensions"];
        assert_eq!(extensions["code"], code, "{query}: {told}");
        assert_eq!(told["results"].as_array().unwrap().len(), 1);
    }
    for client in ["ws", "sse"] {
        let args = json!({"request": {"query": "subscription { stumbles }"}});
        let told = server.node(client, args);
        assert_eq!(
            told["results"][0]["data"]["stumbles"], 1,
            "{client}: {told}"
        );
        assert_eq!(told["results"][1]["errors"][0]["message"], "Oops.");
    }
    let told = server.node(
        "ws",
        json!({"request": {"query": "subscription { panics }"}}),
    );
    assert_eq!(told["results"][0]["data"]["panics"], 1);
    let error = &told["error"]["errors"][0];
    assert_eq!(error["extensions"]["code"], "INTERNAL_SERVER_ERROR");
    assert_eq!(error["message"], "Internal server error.");
}

#[test]
fn people_are_known_in_both() {
    let server = Server::start();
    let token = server.token("ann");
    for client in ["ws", "sse"] {
        let mut args = json!({"request": {"query": "{ who }"}, "token": token});
        let told = server.node(client, args.clone());
        assert_eq!(
            told["results"][0]["data"]["who"], "ann at 127.0.0.1",
            "{told}"
        );
        args["token"] = "wrong".into();
        let told = server.node(client, args);
        match client {
            "ws" => {
                assert_eq!(told["error"]["code"], 4403, "{told}");
                let reason = "Given token not valid for any token type";
                assert_eq!(told["error"]["reason"], reason);
            }
            _ => assert_eq!(told["error"]["status"], 401, "{told}"),
        }
    }
}

#[test]
fn a_client_with_a_fresh_token_comes_back_when_the_old_one_expires() {
    let server = Server::start_with(|settings| {
        settings.keep_alive = std::time::Duration::from_millis(100);
    });
    let first = server.token("ann");
    server.pass(1_800);
    let second = server.token("ann");
    let mut node = server.node_start(
        "reconnect",
        json!({
            "request": {"query": "subscription { ticks }"},
            "tokens": [first, second],
            "take": 2,
        }),
    );
    assert_eq!(node.line()["data"]["ticks"], 0);
    server.pass(1_800);
    assert_eq!(node.line()["data"]["ticks"], 0, "a snapshot again");
    let told = node.end();
    assert_eq!(told["connections"], 2);
    assert_eq!(
        told["closed"][0],
        json!({"code": 4403, "reason": "Token expired"})
    );
}

#[test]
fn keep_alive_of_the_client_is_answered() {
    let server = Server::start();
    let mut node = server.node_start(
        "ws",
        json!({
            "request": {"query": "subscription { ticks }"},
            "keep_alive": 20,
            "say": true,
            "take": 2,
        }),
    );
    assert_eq!(node.line()["data"]["ticks"], 0);
    // Fifty of its pings; had one not been answered, it would have closed the socket.
    std::thread::sleep(std::time::Duration::from_secs(1));
    server.shared.ticks.send_replace(9);
    let told = node.end();
    assert_eq!(told["results"][1]["data"]["ticks"], 9, "{told}");
}
