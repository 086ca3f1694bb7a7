//! Pages of other origins that the operator has listed.

use serde_json::json;

use crate::support::Server;

const APP: (&str, &str) = ("Origin", "http://localhost:3000");
const OTHER: (&str, &str) = ("Origin", "https://evil.example");

fn server() -> Server {
    Server::start_with(|s| s.allowed_origins = vec!["http://localhost:3000/".into()])
}

#[test]
fn listed_pages_may_use_all_of_the_api_and_others_none_of_it() {
    let server = server();
    let paths = [
        "/api/videos/",
        "/api/videos/1/",
        "/api/auth/login/",
        "/graphql",
        "/schema.graphql",
    ];
    for path in paths {
        let asked = |origin| {
            let headers = [
                origin,
                ("Access-Control-Request-Method", "PATCH"),
                (
                    "Access-Control-Request-Headers",
                    "authorization,content-type,x-whatever",
                ),
            ];
            server.send("OPTIONS", path, &headers, b"")
        };
        let answer = asked(APP);
        assert_eq!((answer.status, answer.body.len()), (204, 0), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), Some(APP.1));
        assert_eq!(
            answer.header("access-control-allow-headers"),
            Some("authorization,content-type,x-whatever")
        );
        let methods = answer.header("access-control-allow-methods").unwrap();
        for method in ["GET", "POST", "PATCH", "DELETE"] {
            assert!(methods.contains(method), "{methods}");
        }
        // Then a page could use the cookie of somebody who is signed in here.
        assert_eq!(answer.header("access-control-allow-credentials"), None);
        let answer = asked(OTHER);
        assert_eq!(answer.header("access-control-allow-origin"), None, "{path}");
        assert!(answer.status >= 400, "{path}: {}", answer.status);
    }
    // Errors, too: a page has to see why.
    for (method, path) in [
        ("GET", "/api/auth/me/"),
        ("GET", "/api/videos/"),
        ("PUT", "/graphql"),
    ] {
        let answer = server.send(method, path, &[APP], b"");
        assert_eq!(answer.header("access-control-allow-origin"), Some(APP.1));
        let exposed = answer.header("access-control-expose-headers").unwrap();
        assert!(exposed.contains("Clipsy-Error-Code"), "{exposed}");
        let other = server.send(method, path, &[OTHER], b"");
        assert_eq!(other.header("access-control-allow-origin"), None);
        for answer in [&answer, &other] {
            let vary: Vec<&str> = answer
                .headers
                .iter()
                .filter(|(name, _)| name == "vary")
                .map(|(_, value)| value.as_str())
                .collect();
            assert!(vary.contains(&"Origin"), "{vary:?}");
        }
    }
    let query = json!({ "query": "{ __typename }" }).to_string();
    let headers = [APP, ("Content-Type", "application/json")];
    let answer = server.send("POST", "/graphql", &headers, query.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("access-control-allow-origin"), Some(APP.1));
}

#[test]
fn uploads_and_media_stay_open_to_all() {
    let server = server();
    for path in ["/api/uploads/", "/media/videos/processed/1/master.m3u8"] {
        for origin in [APP, OTHER] {
            let headers = [origin, ("Access-Control-Request-Method", "GET")];
            let answer = server.send("OPTIONS", path, &headers, b"");
            assert_eq!(answer.status, 204, "{path}");
            assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        }
    }
    assert!(
        server
            .send("OPTIONS", "/api/uploads/", &[APP], b"")
            .header("tus-version")
            .is_some()
    );
}

#[test]
fn without_a_list_caches_need_not_know_of_origins() {
    let server = Server::start();
    let answer = server.send("GET", "/api/videos/", &[APP], b"");
    assert_eq!(answer.header("access-control-allow-origin"), None);
    assert_eq!(answer.header("vary"), Some("Authorization"));
}
