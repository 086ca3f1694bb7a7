//! Clocks that are wrong and are set right: the real server on a shifted clock, on both databases.

use std::path::{Path, PathBuf};

use clipsy_testkit::Postgres;
use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::server::{Start, on};
use crate::support::turn::turn;
use crate::support::{long_clip, scratch, short_clip};

/// A clock that a test sets under a running server.
struct Clock(PathBuf);

impl Clock {
    fn new(folder: &Path) -> Self {
        let clock = Self(folder.join("clock"));
        clock.set("+0");
        clock
    }

    /// Sets it to so much ahead of the right time, or behind.
    fn set(&self, shift: &str) {
        std::fs::write(&self.0, shift).unwrap();
    }

    /// Lets the server go by it. Time that passes is what passes.
    fn of(&self, start: Start) -> Start {
        let library = library();
        start
            .env("LD_PRELOAD", library.to_str().unwrap())
            .env("FAKETIME_TIMESTAMP_FILE", self.0.to_str().unwrap())
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("FAKETIME_DISABLE_SHM", "1")
    }
}

fn library() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").into_iter().flatten();
    let found = folders
        .map(|folder| folder.unwrap().path())
        .map(|folder| folder.join("faketime/libfaketimeMT.so.1"))
        .find(|library| library.exists());
    found.expect("libfaketime is missing: run `tools/setup.sh test`")
}

fn pause(client: &Client, paused: bool) {
    let verb = if paused { "pauseQueue" } else { "resumeQueue" };
    let query = format!("mutation {{ {verb} {{ userErrors {{ code }} }} }}");
    let answer = client.graphql(&query, &json!({}));
    assert_eq!(answer["errors"], Value::Null, "{answer}");
}

fn story(start: impl Fn(Start) -> Start) {
    let folder = scratch();
    let state = folder.path().join("state");
    let clock = Clock::new(folder.path());
    let one = |start: Start| start.args(&["--jobs", "1", "--lease-seconds", "4"]);

    // One start with a clock that is days ahead, in which a job is put back by a drain.
    clock.set("+8d");
    let server = clock.of(one(start(on(&state)))).up();
    let client = Client::admin(&server);
    pause(&client, true);
    let first = client.upload(&short_clip());
    let long = client.upload(&long_clip());
    pause(&client, false);
    client.ready(first);
    client.playable(long);
    server.stop();

    // The right time. What came before is done before what comes now.
    clock.set("+0");
    let server = clock.of(one(start(on(&state)))).up();
    let client = Client::admin(&server);
    let later = client.upload(&short_clip());
    client.playable(long);
    assert_eq!(client.video(later)["status"], "pending");

    // Set under way, in both directions: whoever lives keeps their job.
    for shift in ["+2h", "-3d", "+8d", "+0"] {
        clock.set(shift);
        // Claims are looked at once a second.
        std::thread::sleep(std::time::Duration::from_secs(2));
    }
    client.ready(long);
    client.ready(later);
    let log = server.log();
    assert!(!log.contains("a worker stopped reporting"), "{log}");
    // One each, and one more of the job that was put back.
    assert_eq!(log.matches("attempt started").count(), 4, "{log}");

    // A power cut while the clock is ahead: the claim that it leaves is no reason to wait.
    clock.set("+2h");
    let client = Client::admin(&server);
    let again = client.upload(&long_clip());
    client.playable(again);
    server.kill();
    clock.set("+0");
    let server = clock.of(one(start(on(&state)))).up();
    Client::admin(&server).ready(again);
    server.stop();
}

#[test]
fn a_wrong_clock_holds_no_job_up_on_sqlite() {
    let _turn = turn();
    story(|start| start);
}

#[test]
fn a_wrong_clock_holds_no_job_up_on_postgres() {
    let _turn = turn();
    let postgres = Postgres::start();
    let url = postgres.url();
    story(|start| start.env("CLIPSY_DATABASE_URL", &url));
}
