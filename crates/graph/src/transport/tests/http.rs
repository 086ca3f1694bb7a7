//! One request, one answer.

use serde_json::json;

use super::server::Server;

const JSON: &str = "application/json";
const RESPONSE: &str = "application/graphql-response+json";

#[test]
fn all_audits_of_graphql_http_pass() {
    let server = Server::start_with(|settings| {
        settings.introspection = super::super::settings::Introspection::Everybody;
    });
    let told = server.node("audits", json!({}));
    assert_eq!(told["failed"], json!([]));
    assert_eq!(told["ok"], 61);
}

#[test]
fn the_status_tells_whether_it_was_run_if_the_client_knows_so() {
    let server = Server::start();
    for (query, response, plain, data, code) in [
        ("{ hello }", 200, 200, json!({"hello": "world"}), ""),
        (
            "{ hello maybe }",
            200,
            200,
            json!({"hello": "world", "maybe": null}),
            "INTERNAL_SERVER_ERROR",
        ),
        (
            "{ hello fails }",
            200,
            200,
            json!({"hello": "world", "fails": null}),
            "NOT_FOUND",
        ),
        (
            "{ helo }",
            400,
            200,
            json!("none"),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        ("{", 400, 200, json!("none"), "GRAPHQL_PARSE_FAILED"),
        (
            "query A { hello } query B { hello }",
            400,
            200,
            json!("none"),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            "subscription { count(to: 1) }",
            400,
            200,
            json!("none"),
            "BAD_REQUEST",
        ),
        (
            "{ node { many(first: 100) { many(first: 100) { number } } } }",
            400,
            200,
            json!("none"),
            "LIMIT_EXCEEDED",
        ),
    ] {
        for (accept, status) in [(RESPONSE, response), (JSON, plain)] {
            let answer = server.post_as(accept, None, &json!({"query": query}));
            assert_eq!(answer.status, status, "{query} as {accept}");
            let kind = format!("{accept}; charset=utf-8");
            assert_eq!(answer.header("content-type"), Some(&*kind), "{query}");
            let told = answer.json();
            let got = told.get("data").cloned().unwrap_or(json!("none"));
            assert_eq!(got, data, "{query} as {accept}");
            assert_eq!(answer.code(), code, "{query} as {accept}");
        }
    }
}

#[test]
fn requests_that_are_none_are_refused_alike() {
    let server = Server::start();
    let body = json!({"query": "{ hello }"}).to_string();
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=latin1",
        "",
    ] {
        let headers: &[(&str, &str)] = if kind.is_empty() {
            &[]
        } else {
            &[("content-type", kind)]
        };
        let answer = server.send("POST", "/graphql", headers, body.as_bytes());
        assert_eq!(answer.status, 415, "{kind}");
        assert_eq!(answer.code(), "UNSUPPORTED_MEDIA_TYPE");
    }
    for (body, code) in [
        ("[{\"query\":\"{hello}\"}]", "BATCH_NOT_SUPPORTED"),
        ("[]", "BATCH_NOT_SUPPORTED"),
        ("{}", "BAD_REQUEST"),
        ("{\"query\":\"\"}", "BAD_REQUEST"),
        ("\u{feff}{\"query\":\"{hello}\"}", "BAD_REQUEST"),
    ] {
        let headers = [("content-type", JSON)];
        let answer = server.send("POST", "/graphql/", &headers, body.as_bytes());
        assert_eq!((answer.status, answer.code()), (400, code.into()), "{body}");
    }
    let headers = [("content-type", JSON), ("accept", "text/html")];
    let answer = server.send("POST", "/graphql", &headers, body.as_bytes());
    assert_eq!(
        (answer.status, answer.code()),
        (406, "NOT_ACCEPTABLE".into())
    );
    let invalid = server.send(
        "POST",
        "/graphql",
        &[("content-type", JSON)],
        b"{\"query\":\"\xff\"}",
    );
    assert_eq!(invalid.status, 400);
}

#[test]
fn only_queries_are_got() {
    let server = Server::start();
    let answer = server.send("GET", "/graphql?query=%7Bhello%7D", &[], b"");
    assert_eq!(answer.json(), json!({"data": {"hello": "world"}}));
    assert!(answer.header("vary").unwrap().contains("Accept"));
    for accept in [JSON, RESPONSE, "text/event-stream"] {
        let path = "/graphql?query=mutation%7Btouch(to:7)%7D";
        let answer = server.send("GET", path, &[("accept", accept)], b"");
        assert_eq!(
            (answer.status, answer.code()),
            (405, "METHOD_NOT_ALLOWED".into())
        );
        assert_eq!(answer.header("allow"), Some("GET, POST"));
    }
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS"] {
        assert_eq!(
            server.send(method, "/graphql", &[], b"").status,
            405,
            "{method}"
        );
    }
    assert_eq!(
        server
            .shared
            .touched
            .load(std::sync::atomic::Ordering::SeqCst),
        0
    );
    let touched = server.post(&json!({"query": "mutation { touch(to: 7) }"}));
    assert_eq!(touched.json(), json!({"data": {"touch": 7}}));
}

#[test]
fn people_are_led_to_the_page() {
    let server = Server::start();
    let browser = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
    let answer = server.send("GET", "/graphql", &browser, b"");
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, Some("/graphiql"))
    );
    let asked = server.send("GET", "/graphql?query=%7Bhello%7D", &browser, b"");
    assert_eq!(asked.status, 200);
}

#[test]
fn a_bad_token_is_no_token() {
    let server = Server::start();
    let who = json!({"query": "{ who }"});
    let ask = |token: Option<&str>| server.post_as(RESPONSE, token, &who);
    assert_eq!(ask(None).json()["data"]["who"], "nobody at 127.0.0.1");
    let token = server.token("ann");
    assert_eq!(ask(Some(&token)).json()["data"]["who"], "ann at 127.0.0.1");
    for bad in ["x", "a b", &token[1..]] {
        let answer = ask(Some(bad));
        assert_eq!(
            (answer.status, answer.code()),
            (401, "UNAUTHENTICATED".into()),
            "{bad}"
        );
        assert_eq!(
            answer.header("www-authenticate"),
            Some("Bearer realm=\"api\"")
        );
        assert!(answer.json().get("data").is_none());
    }
    server.pass(3_600);
    assert_eq!(ask(Some(&token)).status, 401, "it has expired");
}

#[test]
fn a_resolver_that_fails_takes_nobody_along() {
    let server = Server::start_with(|settings| {
        settings.timeout = std::time::Duration::from_millis(50);
    });
    let panicked = server.post(&json!({"query": "{ panics }"}));
    assert_eq!(
        (panicked.status, panicked.code()),
        (500, "INTERNAL_SERVER_ERROR".into())
    );
    assert_eq!(
        panicked.json()["errors"][0]["message"],
        "Internal server error."
    );
    let late = server.post(&json!({"query": "{ never }"}));
    assert_eq!((late.status, late.code()), (503, "TIMEOUT".into()));
    let fine = server.post(&json!({"query": "{ hello }"}));
    assert_eq!(fine.status, 200);
}

#[test]
fn documents_are_persisted_once_sent() {
    let server = Server::start();
    let hex = clipsy_service::accounts::keys::hex(&super::super::documents::hash("{ hello }"));
    let extensions = json!({"persistedQuery": {"version": 1, "sha256Hash": hex}});
    let only = json!({"extensions": extensions});
    let answer = server.post_as(JSON, None, &only);
    assert_eq!(
        (answer.status, answer.code()),
        (200, "PERSISTED_QUERY_NOT_FOUND".into())
    );
    assert_eq!(
        answer.json()["errors"][0]["message"],
        "PersistedQueryNotFound"
    );
    let both = json!({"query": "{ hello }", "extensions": extensions});
    assert_eq!(server.post(&both).status, 200);
    assert_eq!(server.post(&only).json()["data"]["hello"], "world");
    let path = format!(
        "/graphql?extensions=%7B%22persistedQuery%22:%7B%22version%22:1,%22sha256Hash%22:%22{hex}%22%7D%7D"
    );
    assert_eq!(
        server.send("GET", &path, &[], b"").json()["data"]["hello"],
        "world"
    );
}

#[test]
fn the_schema_is_told_to_those_who_may_know_it() {
    use super::super::settings::Introspection::{Admins, Development, Everybody, Nobody};
    for (mode, ann, root) in [
        (Development, false, true),
        (Everybody, true, true),
        (Admins, false, true),
        (Nobody, false, false),
    ] {
        let server = Server::start_with(|settings| settings.introspection = mode);
        let (ann_token, root_token) = (server.token("ann"), server.token("root"));
        for (token, proxied, may) in [
            (None, false, mode == Everybody),
            (None, true, mode == Everybody),
            (Some(&ann_token), true, ann),
            (Some(&root_token), true, root),
        ] {
            let bearer = token.map(|token| format!("Bearer {token}"));
            let mut headers = vec![("content-type", JSON), ("accept", RESPONSE)];
            if let Some(bearer) = &bearer {
                headers.push(("authorization", bearer));
            }
            if proxied {
                headers.push(("via", "1.1 proxy"));
            }
            let ask = |query: &str| {
                let body = json!({"query": query}).to_string();
                server.send("POST", "/graphql", &headers, body.as_bytes())
            };
            let asked = ask("{ ...F } fragment F on Query { __schema { queryType { name } } }");
            let mistaken = ask("{ helo }").json()["errors"][0]["message"].to_string();
            let sdl = server.send("GET", "/schema.graphql", &headers[2..], b"");
            assert_eq!(ask("{ __typename }").status, 200);
            assert_eq!(
                mistaken.contains("Did you mean"),
                may,
                "{mode:?} {mistaken}"
            );
            assert_eq!(asked.status == 200, may, "{mode:?} {}", asked.text());
            if may {
                assert_eq!(
                    asked.json()["data"]["__schema"]["queryType"]["name"],
                    "Query"
                );
                assert!(sdl.text().contains("type Subscription"), "{}", sdl.text());
            } else {
                assert_eq!(asked.code(), "INTROSPECTION_DISABLED");
                assert_eq!(
                    (sdl.status, sdl.code()),
                    (403, "INTROSPECTION_DISABLED".into())
                );
            }
        }
    }
}
