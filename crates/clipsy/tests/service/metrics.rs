//! Figures for Prometheus, read with Prometheus' own parser.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::client::Client;
use crate::support::figures::{get, port, read, samples, sum};
use crate::support::server::{Server, on, run};
use crate::support::turn::turn;
use crate::support::{repository, scratch, short_clip, until};

const TOKEN: &str = "a-token-of-twenty-letters";

/// The figures as they are now.
fn figures(server: &Server) -> Value {
    let (status, text) = get(&format!("{}/metrics", server.url), Some(TOKEN));
    assert_eq!(status, 200, "{text}");
    read(&text)
}

/// Names of figures in a query.
fn names_in(query: &str) -> BTreeSet<String> {
    query
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|word| word.starts_with("clipsy_") || word.starts_with("process_"))
        .map(str::to_owned)
        .collect()
}

/// All texts below `value` whose key is `expr`.
fn queries(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(query)
                        if name == "expr" || (name == "query" && query.contains('(')) =>
                    {
                        found.push(query.clone());
                    }
                    value => queries(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| queries(item, found)),
        _ => {}
    }
}

#[test]
fn an_upload_is_seen_from_outside() {
    let _turn = turn();
    let folder = scratch();
    let server = on(&folder.path().join("state"))
        .env("CLIPSY_METRICS_TOKEN", TOKEN)
        .args(&["--encoder", "software"])
        .up();
    let client = Client::admin(&server);
    let clip = short_clip();
    let id = client.upload(&clip);
    client.ready(id);
    assert_eq!(client.get("/api/videos/4711").status, 404);
    assert_eq!(client.get("/nobody/knows/this").status, 404);
    assert_eq!(
        client.get("/graphql?query=%7Bhealth%7Bstatus%7D%7D").status,
        200
    );
    assert_eq!(client.get("/graphql?query=%7B__typename%7D").status, 200);

    // The worker counts a job after everybody else has heard of its end.
    let figures = until("the attempt is counted", || {
        let figures = figures(&server);
        let done = sum(
            &figures,
            "clipsy_attempts_total",
            &[("outcome", "finished")],
        );
        // These are read off from time to time.
        let read_off = ["clipsy_jobs", "clipsy_queue_jobs", "clipsy_workers"];
        let all = read_off
            .iter()
            .all(|name| !samples(&figures, name, &[]).is_empty());
        (done > 0.0 && all).then_some(figures)
    });
    let is = |name: &str, labels: &[(&str, &str)], value: f64| {
        let found = sum(&figures, name, labels);
        assert!(
            (found - value).abs() < f64::EPSILON,
            "{name} {labels:?}: {found}"
        );
    };
    let video = ("route", "/api/videos/{id}");
    is(
        "clipsy_http_requests_total",
        &[video, ("method", "GET"), ("status", "404")],
        1.0,
    );
    is(
        "clipsy_http_requests_total",
        &[("route", "other"), ("status", "404")],
        1.0,
    );
    is(
        "clipsy_http_requests_total",
        &[("route", "/api/videos"), ("status", "201")],
        1.0,
    );
    is(
        "clipsy_http_request_seconds_count",
        &[("route", "/api/videos"), ("method", "POST")],
        1.0,
    );
    is("clipsy_attempts_total", &[("outcome", "finished")], 1.0);
    is(
        "clipsy_attempt_seconds_count",
        &[("outcome", "finished")],
        1.0,
    );
    is(
        "clipsy_encode_speed_ratio_count",
        &[("encoder", "software")],
        1.0,
    );
    is("clipsy_encoder_sessions", &[("encoder", "software")], 0.0);
    is("clipsy_encoder_fallbacks_total", &[], 0.0);
    is("clipsy_job_wait_seconds_count", &[], 1.0);
    is("clipsy_job_playable_seconds_count", &[], 1.0);
    is("clipsy_worker_jobs_running", &[], 0.0);
    is("clipsy_uploads_finished_total", &[("way", "form")], 1.0);
    is("clipsy_uploads_in_progress", &[], 0.0);
    let bytes = std::fs::metadata(&clip).unwrap().len();
    is("clipsy_upload_received_bytes_total", &[], bytes as f64);
    is(
        "clipsy_graphql_operations_total",
        &[("type", "query"), ("outcome", "ok")],
        1.0,
    );
    is(
        "clipsy_graphql_operations_total",
        &[("outcome", "refused")],
        1.0,
    );
    is(
        "clipsy_store_operation_seconds_count",
        &[("operation", "move_upload"), ("outcome", "ok")],
        1.0,
    );
    assert!(
        sum(
            &figures,
            "clipsy_store_operation_seconds_count",
            &[("operation", "put_file")]
        ) > 1.0
    );
    is("clipsy_database_up", &[], 1.0);
    is(
        "clipsy_build_info",
        &[("version", env!("CARGO_PKG_VERSION"))],
        1.0,
    );
    assert!(sum(&figures, "process_resident_memory_bytes", &[]) > 1e6);
    assert!(sum(&figures, "process_open_fds", &[]) > 3.0);
    assert!(sum(&figures, "clipsy_store_free_bytes", &[]) > 0.0);

    // Everything says what it is, and has a value for each histogram's bucket up to infinity.
    for (name, family) in figures.as_object().unwrap() {
        assert_ne!(family["help"], "", "{name}");
        assert_ne!(family["type"], "unknown", "{name}");
        if family["type"] == "histogram" {
            let last = samples(&figures, &format!("{name}_bucket"), &[("le", "+Inf")]);
            let counts = samples(&figures, &format!("{name}_count"), &[]);
            assert_eq!(last, counts, "{name}");
        }
    }
    dashboards_and_alerts_ask_for_what_there_is(&figures);
    server.stop();
}

/// Whatever the files in `docker/` ask for is there, or it is about graphics cards, of which this
/// machine may have none, and in the manual.
fn dashboards_and_alerts_ask_for_what_there_is(figures: &Value) {
    let mut there = BTreeSet::new();
    for family in figures.as_object().unwrap().values() {
        for sample in family["samples"].as_array().unwrap() {
            there.insert(sample["name"].as_str().unwrap().to_owned());
        }
    }
    let dashboard = std::fs::read(repository("docker/grafana/dashboards/clipsy.json")).unwrap();
    let mut asked = Vec::new();
    queries(&serde_json::from_slice(&dashboard).unwrap(), &mut asked);
    assert!(asked.len() > 10, "{asked:?}");
    let alerts = std::fs::read_to_string(repository("docker/prometheus/alerts.yml")).unwrap();
    let alerts: Vec<&str> = alerts
        .lines()
        .filter_map(|line| line.trim().strip_prefix("expr:"))
        .collect();
    assert!(alerts.len() > 5, "{alerts:?}");
    asked.extend(alerts.into_iter().map(str::to_owned));
    let manual = std::fs::read_to_string(repository("docs/OPERATIONS.md")).unwrap();
    let of_cards =
        |name: &str| name.starts_with("clipsy_card_") && manual.contains(&format!("| `{name}`"));
    for query in asked {
        let names = names_in(&query);
        assert!(!names.is_empty() || query.contains("up{"), "{query}");
        for name in names {
            let known = there.contains(&name) || of_cards(&name);
            assert!(known, "{name} in {query:?} is not there");
        }
    }
}

#[test]
fn figures_are_for_those_who_may_see_them() {
    let folder = scratch();
    // Without settings there are none.
    let server = on(&folder.path().join("none")).up();
    assert_eq!(get(&format!("{}/metrics", server.url), None).0, 404);
    server.stop();

    let token = folder.path().join("token");
    std::fs::write(&token, format!("{TOKEN}\n")).unwrap();
    let server = on(&folder.path().join("both"))
        .args(&["--metrics-token-file", token.to_str().unwrap()])
        .env("CLIPSY_METRICS_LISTEN", "127.0.0.1:0")
        .up();
    let main = format!("{}/metrics", server.url);
    assert_eq!(get(&main, None).0, 401);
    assert_eq!(get(&main, Some("a-token-of-twenty-lettert")).0, 401);
    assert_eq!(get(&main, Some(TOKEN)).0, 200);
    assert!(!server.log().contains(TOKEN) && !server.welcome.contains(TOKEN));

    let port = port(&server);
    let (status, text) = get(&format!("http://127.0.0.1:{port}/metrics"), None);
    assert_eq!(status, 200);
    assert!(read(&text).get("clipsy_build_info").is_some());
    assert_eq!(
        get(&format!("http://127.0.0.1:{port}/healthz"), None),
        (200, "ok\n".into())
    );
    let health = |url: &str| run(&["health", url], &[]).status.code();
    assert_eq!(health(&format!("{}/readyz", server.url)), Some(0));
    assert_eq!(health(&format!("http://127.0.0.1:{port}/readyz")), Some(1));
    // The service itself is not there.
    assert_eq!(
        get(&format!("http://127.0.0.1:{port}/api/videos/"), None).0,
        404
    );
    server.stop();

    let done = run(
        &["serve", "--state-dir", "/nowhere/at/all"],
        &[("CLIPSY_METRICS_TOKEN", "short")],
    );
    assert_eq!(done.status.code(), Some(2));
    let complaint = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(complaint.contains("16 characters"), "{complaint}");
}
