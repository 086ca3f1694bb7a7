//! NATS and `PostgreSQL` go away and come back.

use rustix::process::Signal;
use serde_json::Value;

use crate::support::processes::kill;
use crate::support::stack::{Stack, assert_whole};
use crate::support::until;

#[test]
fn everything_goes_on_when_nats_comes_back_empty() {
    let mut stack = Stack::start("60");
    let pair = stack.pair();
    let client = pair.admin();
    let running = client.upload(&stack.clip());
    let (_, child) = pair.hold("1-1");
    stack.nats.kill();
    until("the servers have noticed", || {
        let ready = client.get("/readyz");
        assert_eq!(ready.status, 200, "{}", ready.text());
        let told = ready.json();
        (told["status"] == "degraded" && told["queue"] == "failed").then_some(())
    });
    // People notice nothing but that it takes longer.
    let waiting = client.upload(&stack.clip());
    let unwanted = client.upload(&stack.clip());
    let answer = client.post(&format!("/api/videos/{unwanted}/cancel/"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = client.delete(&format!("/api/videos/{unwanted}/"));
    assert_eq!(answer.status, 204, "{}", answer.text());
    kill(child.pid, Signal::CONT);
    assert_whole(&client, running);

    stack.nats.forget();
    stack.nats.run();
    assert_whole(&client, waiting);
    until("the servers have noticed", || {
        (client.get("/readyz").json()["status"] == "ready").then_some(())
    });
    for server in pair.servers.into_iter().chain(pair.workers) {
        server.stop();
    }
}

#[test]
fn a_job_goes_on_while_postgres_is_started_again() {
    let mut stack = Stack::start("60");
    let pair = stack.pair();
    let client = pair.admin();
    let id = client.upload(&stack.clip());
    let (_, child) = pair.hold("1-1");
    stack.postgres.stop();
    kill(child.pid, Signal::CONT);
    let ready = client.get("/readyz");
    assert_eq!(ready.status, 503, "{}", ready.text());
    assert_eq!(ready.json()["database"], "failed");
    stack.postgres.run();
    until("the servers are back", || {
        (client.get("/readyz").status == 200).then_some(())
    });
    assert_whole(&client, id);
    // It is still the first attempt's: nobody lost a claim.
    stack.only_attempt(id, 1);
    let next = client.upload(&stack.clip());
    assert_eq!(client.ready(next)["failure"], Value::Null);
    for server in pair.servers.into_iter().chain(pair.workers) {
        server.stop();
    }
}

/// What cannot be looked up is not "not found", which players and people would believe.
#[test]
fn requests_may_be_tried_again_while_postgres_is_away() {
    let mut stack = Stack::start("60");
    let server = stack.serve("api-0").up();
    let client = crate::support::client::Client::admin(&server);
    // What was looked up a moment ago is remembered, so each question is a new one.
    let path = |id: i64| format!("/media/videos/processed/{id}/master.m3u8");
    assert_eq!(client.get(&path(1)).status, 404);
    stack.postgres.stop();
    let away = client.get(&path(2));
    assert_eq!(away.status, 503, "{}", away.text());
    assert_eq!(client.get("/api/auth/me/").status, 503);
    stack.postgres.run();
    until("the server is back", || {
        (client.get("/readyz").status == 200).then_some(())
    });
    assert_eq!(client.get(&path(3)).status, 404);
    assert_eq!(client.get("/api/auth/me/").status, 200);
    server.stop();
}
