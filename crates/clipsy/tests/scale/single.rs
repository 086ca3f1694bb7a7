//! One server that does everything itself, on `PostgreSQL` instead of a file.

use serde_json::Value;

use crate::support::client::Client;
use crate::support::processes::is_alive;
use crate::support::server::{Start, on};
use crate::support::stack::{Stack, assert_whole, hold};
use crate::support::{files, until};

fn start(stack: &Stack) -> Start {
    on(&stack.folder.path().join("state"))
        .env("CLIPSY_DATABASE_URL", &stack.postgres.url())
        .args(&["--jobs", "1", "--encoder", "software"])
        .args(&["--max-attempts", "1"])
}

#[test]
fn a_video_is_cancelled_tried_again_survives_a_crash_and_is_deleted() {
    let stack = Stack::start("60");
    let mut servers = [start(&stack).up()];
    let client = Client::admin(&servers[0]);
    let id = client.upload(&stack.clip());
    let (_, child) = hold(&servers, "1-1");
    let answer = client.post(&format!("/api/videos/{id}/cancel/"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    until("its process has ended", || {
        (!is_alive(child.pid)).then_some(())
    });
    assert_eq!(client.video(id)["state"], "cancelled");
    let answer = client.post(&format!("/api/videos/{id}/retry/"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    // The number of the attempt that was cancelled had moved on.
    hold(&servers, "2-3");

    let [server] = servers;
    server.kill();
    servers = [start(&stack).up()];
    let client = Client::admin(&servers[0]);
    // No bad end is allowed: a crash of the server is none.
    assert_whole(&client, id);
    stack_only(
        &servers[0].path(&format!("media/videos/processed/{id}")),
        "4/",
    );

    // Asked to stop and started again, it has what it had.
    let [server] = servers;
    server.stop();
    let server = start(&stack).up();
    let client = Client::admin(&server);
    assert_eq!(client.video(id)["status"], "ready");
    assert_eq!(client.delete(&format!("/api/videos/{id}/")).status, 204);
    assert_eq!(client.get("/api/videos/").json(), Value::Array(Vec::new()));
    until("all files are gone", || {
        files(&server.path("media/videos")).is_empty().then_some(())
    });
    server.stop();
}

fn stack_only(output: &std::path::Path, start: &str) {
    until("only the last attempt's files are left", || {
        let left = files(output);
        left.iter()
            .all(|name| name.starts_with(start))
            .then_some(())
    });
}
