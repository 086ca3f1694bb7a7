//! Who is told what the service does, and who is not.

use serde_json::json;

use crate::collector::Collector;
use crate::support::client::Client;
use crate::support::server::{on, run};
use crate::support::turn::turn;
use crate::support::{scratch, short_clip};

const ABOVE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Asks for the videos as a part of the trace [`ABOVE`].
fn ask(url: &str) {
    let agent: ureq::Agent = ureq::Agent::config_builder().build().into();
    for path in ["/api/videos/", "/", "/healthz", "/graphiql"] {
        let answer = agent
            .get(format!("{url}{path}"))
            .header("traceparent", ABOVE)
            .call()
            .unwrap();
        assert_eq!(answer.status(), 200);
    }
}

#[test]
fn only_a_trusted_proxy_says_what_a_request_belongs_to() {
    let _turn = turn();
    for (trusted, continued) in [("192.0.2.1", false), ("127.0.0.0/8", true)] {
        let (collector, folder) = (Collector::start(), scratch());
        let server = on(folder.path())
            .env("CLIPSY_TRUSTED_PROXIES", trusted)
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url)
            .env("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test")
            .up();
        ask(&server.url);
        // What was not told yet is told at the end.
        server.stop();
        let span = collector.wait("the request is told", |span| span.name == "GET /api/videos");
        assert_eq!(span.trace == ABOVE[3..35], continued, "{span:#?}");
        assert_eq!(span.parent == ABOVE[36..52], continued, "{span:#?}");
        assert_eq!(span.resource["service.name"], "clipsy");
        assert_eq!(span.resource["deployment.environment"], "test");
        // Pages and probes are not worth it.
        let names: Vec<String> = collector
            .spans()
            .into_iter()
            .map(|span| span.name)
            .collect();
        assert_eq!(names, ["GET /api/videos"]);
    }
}

#[test]
fn a_graphql_operation_is_named() {
    let _turn = turn();
    let (collector, folder) = (Collector::start(), scratch());
    let server = on(folder.path())
        .env("CLIPSY_OTLP_ENDPOINT", &collector.url)
        .env("OTEL_SERVICE_NAME", "films")
        .up();
    let client = Client::admin(&server);
    let agent: ureq::Agent = ureq::Agent::config_builder().build().into();
    let question = json!({ "query": "query Who { viewer { username } }", "operationName": "Who" });
    let answer = agent
        .post(format!("{}/graphql", server.url))
        .header("authorization", client.bearer())
        .send_json(question)
        .unwrap();
    assert_eq!(answer.status(), 200);
    server.stop();
    let span = collector.wait("the operation is told", |span| span.name == "POST /graphql");
    assert_eq!(span.attributes["graphql.operation.type"], "query");
    assert_eq!(span.attributes["graphql.operation.name"], "Who");
    assert_eq!(span.resource["service.name"], "films");
}

/// Not even an end takes longer: it is well below what a stop may take.
#[test]
fn a_collector_that_is_away_holds_nobody_up() {
    let _turn = turn();
    // Nobody listens there, or somebody who never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", silent.local_addr().unwrap());
    for collector in ["http://127.0.0.1:1", &address] {
        let folder = scratch();
        let server = on(folder.path())
            .env("CLIPSY_OTLP_ENDPOINT", collector)
            .env("OTEL_BSP_SCHEDULE_DELAY", "100")
            .up();
        let client = Client::admin(&server);
        let id = client.upload(&short_clip());
        client.ready(id);
        server.stop();
    }
}

#[test]
fn an_address_that_is_none_is_refused() {
    let folder = scratch();
    let state = folder.path().to_str().unwrap();
    let args = ["serve", "--state-dir", state, "--listen", "127.0.0.1:0"];
    for (name, value) in [
        ("CLIPSY_OTLP_ENDPOINT", "collector:4318"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "grpc://collector:4317"),
    ] {
        let done = run(&args, &[(name, value)]);
        assert_eq!(done.status.code(), Some(2), "{done:?}");
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(said.contains(value), "{said}");
    }
}
