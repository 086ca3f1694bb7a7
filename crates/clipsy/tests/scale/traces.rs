//! One trace from the upload to the finished video, whoever had to do with it.

use rustix::process::Signal;

use crate::collector::{Collector, Span};
use crate::sender::Sender;
use crate::support::client::Client;
use crate::support::processes::kill;
use crate::support::server::{Server, Start};
use crate::support::stack::{Stack, assert_whole, hold};

fn traced(start: Start, collector: &Collector) -> Server {
    start
        .env("CLIPSY_OTLP_ENDPOINT", &collector.url)
        .env("OTEL_BSP_SCHEDULE_DELAY", "200")
        .up()
}

#[test]
fn one_trace_leads_through_all_processes() {
    let collector = Collector::start();
    let stack = Stack::start("60");
    let servers = ["api-0", "api-1"].map(|name| traced(stack.serve(name), &collector));
    let worker = traced(stack.work("work-0"), &collector);
    let client = Client::admin(&servers[0]);

    // Half of it goes to each server.
    let bytes = std::fs::read(stack.clip()).unwrap();
    let [here, there] = servers
        .each_ref()
        .map(|server| Sender::new(server, &client));
    let path = here.begin(bytes.len());
    let (first, second) = bytes.split_at(bytes.len() / 2);
    assert_eq!(here.send(&path, 0, first), Ok(first.len()));
    assert_eq!(there.send(&path, first.len(), second), Ok(bytes.len()));
    let id = client.videos()[0]["id"].as_i64().unwrap();

    // The process that handles the media dies once.
    let (_, child) = hold(std::slice::from_ref(&worker), "1-1");
    kill(child.pid, Signal::KILL);
    client.ready(id);
    assert_whole(&client, id);

    let attempt = |number: &str| {
        let what = format!("attempt {number} was told");
        collector.wait(&what, |span| {
            span.name == "attempt" && span.attributes["attempt"] == number
        })
    };
    let (crashed, whole) = (attempt("1"), attempt("2"));
    let all = collector.spans();
    let of = |name: &str, parent: &str| -> Vec<&Span> {
        let is_it = |span: &&Span| span.name == name && span.parent == parent;
        all.iter().filter(is_it).collect()
    };
    let tops = of("POST /api/uploads", "");
    assert_eq!(tops.len(), 1, "{all:#?}");
    let top = tops[0];
    assert_eq!(top.attributes["http.response.status_code"], "201");
    let trace: Vec<&Span> = all.iter().filter(|span| span.trace == top.trace).collect();

    // Bytes came to both servers, in requests with traces of their own.
    let received = of("receive", &top.id);
    assert_eq!(received.len(), 2, "{all:#?}");
    for span in &received {
        assert_eq!(span.trace, top.trace);
        let request = all.iter().find(|request| span.links.contains(&request.id));
        let request = request.unwrap();
        assert_ne!(request.trace, top.trace);
        assert!(
            request.name.starts_with("PATCH /api/uploads"),
            "{request:#?}"
        );
        assert_eq!(
            request.resource["process.pid"],
            span.resource["process.pid"]
        );
    }
    let pids: std::collections::BTreeSet<&str> = trace
        .iter()
        .map(|span| span.resource["process.pid"].as_str())
        .collect();
    let mut expected: Vec<String> = [&servers[0], &servers[1], &worker]
        .map(|server| server.pid().to_string())
        .to_vec();
    expected.sort();
    assert!(
        pids.iter().eq(expected.iter()),
        "{pids:?}, not {expected:?}"
    );

    // Both attempts belong to it, and what each of them did to its attempt.
    for (attempt, failed) in [(&crashed, true), (&whole, false)] {
        assert_eq!((&attempt.trace, &attempt.parent), (&top.trace, &top.id));
        assert_eq!(attempt.failed, failed, "{attempt:#?}");
        assert_eq!(attempt.resource["clipsy.command"], "work");
    }
    assert_eq!(crashed.attributes["error.type"], "crashed");
    assert_eq!(crashed.attributes["clipsy.outcome"], "failed");
    assert_eq!(whole.attributes["clipsy.outcome"], "finished");
    let mut before = *whole.time.start();
    for name in ["start", "probe", "plan", "encode", "publish", "settle"] {
        let found = of(name, &whole.id);
        assert_eq!(found.len(), 1, "{name}: {trace:#?}");
        let time = &found[0].time;
        assert!(
            *time.start() >= before,
            "{name} began before what it follows"
        );
        assert!(
            time.end() <= whole.time.end(),
            "{name} outlasts its attempt"
        );
        assert!(!found[0].failed);
        before = *time.start();
    }
    let encode = of("encode", &whole.id)[0];
    assert_eq!(encode.attributes["encoder"], "software");
    assert!(encode.events.contains("playable"), "{encode:#?}");
    assert_eq!(of("start", &crashed.id).len(), 1);

    // The number leads from the log to the trace.
    for server in [&servers[0], &worker] {
        assert!(server.log().contains(&top.trace), "{}", server.log());
    }
}
