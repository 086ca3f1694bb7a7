//! Processes that are killed, and processes that are asked to stop.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::processes::kill;
use crate::support::stack::{Stack, assert_whole, child_of};
use crate::support::{files, repository, until};

#[test]
fn a_job_of_a_worker_that_is_killed_is_done_by_another() {
    let stack = Stack::start("4");
    let pair = stack.pair();
    let client = pair.admin();
    let id = client.upload(&stack.clip());
    let (at, _) = pair.hold("1-1");
    let [first, second] = pair.workers;
    let (dead, alive) = if at == 0 {
        (first, second)
    } else {
        (second, first)
    };
    let place = dead.path("worker-0/scratch");
    let killed = Instant::now();
    dead.kill();
    until("another worker is at it", || child_of(&alive, "1-2"));
    println!(
        "taken over {:.1} s after the kill, of which 4 s are the lease",
        killed.elapsed().as_secs_f64()
    );
    assert_whole(&client, id);
    stack.only_attempt(id, 2);

    // What it left behind goes when it, or another worker on its folder, is started.
    assert!(place.join("1-1").is_dir());
    let again = stack.work(if at == 0 { "work-0" } else { "work-1" }).up();
    until("what it left is gone", || {
        (!place.join("1-1").exists()).then_some(())
    });
    again.stop();
    alive.stop();
}

#[test]
fn a_worker_that_is_asked_to_stop_gives_its_job_back() {
    let stack = Stack::start("60");
    // No bad end is allowed: giving back must not count as one.
    let server = stack.serve("api-0").args(&["--max-attempts", "1"]).up();
    let work = |name| stack.work(name).args(&["--max-attempts", "1"]).up();
    let client = Client::admin(&server);
    let first = work("work-0");
    let id = client.upload(&stack.clip());
    let child = until("it has begun", || child_of(&first, "1-1"));
    kill(child.pid, Signal::STOP);
    first.stop();
    assert_eq!(client.video(id)["status"], "pending");
    assert_eq!(files(&stack.output(id)), Vec::<String>::new());
    // The lease is a minute: only a ticket brings it to another at once.
    let second = work("work-1");
    assert_whole(&client, id);
    stack.only_attempt(id, 2);
    second.stop();
    server.stop();
}

#[test]
fn a_client_of_a_server_that_is_killed_goes_on_with_another() {
    let stack = Stack::start("60");
    let pair = stack.pair();
    let client = pair.admin();
    let id = client.upload(&stack.clip());
    let (_, child) = pair.hold("1-1");
    let urls: Vec<String> = pair
        .servers
        .iter()
        .map(|s| format!("{}/graphql", s.url))
        .collect();
    let query = "subscription($id: ID!) { videoProgress(id: $id) { video { state } } }";
    let args = json!({
        "urls": urls,
        "tokens": [client.token()],
        "request": { "query": query, "variables": { "id": id.to_string() } },
    });
    let mut node = Command::new("node")
        .arg(repository("tools/js/graphql.mjs"))
        .arg("reconnect")
        .arg(args.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(node.stdout.take().unwrap()).lines();
    let mut next = move || -> String {
        let line = lines.next().expect("the client has ended").unwrap();
        let told: Value = serde_json::from_str(&line).unwrap();
        let state = &told["data"]["videoProgress"]["video"]["state"];
        state
            .as_str()
            .unwrap_or_else(|| panic!("{line}"))
            .to_owned()
    };
    assert_eq!(next(), "PROCESSING");

    let [first, second] = pair.servers;
    first.kill();
    // The other server begins with how it is.
    assert_eq!(next(), "PROCESSING");
    kill(child.pid, Signal::CONT);
    while next() != "READY" {}
    let _ = node.kill();
    let _ = node.wait();
    let client = client.at(&second);
    assert_whole(&client, id);
    // It takes uploads, too.
    let id = client.upload(&stack.clip());
    assert_whole(&client, id);
    second.stop();
}

#[test]
fn an_upload_to_a_server_that_is_killed_goes_on_at_another() {
    let stack = Stack::start("60");
    let [first, second] = [stack.serve("api-0").up(), stack.serve("api-1").up()];
    let client = Client::admin(&first);
    let clip = std::fs::read(stack.clip()).unwrap();
    let half = clip.len() / 2;
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .into();
    let made = agent
        .post(format!("{}/api/uploads/", first.url))
        .header("authorization", client.bearer())
        .header("tus-resumable", "1.0.0")
        .header("upload-length", clip.len().to_string())
        // clip.mp4
        .header("upload-metadata", "filename Y2xpcC5tcDQ=")
        .send_empty()
        .unwrap();
    assert_eq!(made.status(), 201);
    let location = made.headers()["location"].to_str().unwrap().to_owned();
    let path = location.strip_prefix(&first.url).unwrap_or(&location);
    let patch = |url: &str, offset: usize, bytes: &[u8]| {
        let answer = agent
            .patch(format!("{url}{path}"))
            .header("authorization", client.bearer())
            .header("tus-resumable", "1.0.0")
            .header("upload-offset", offset.to_string())
            .header("content-type", "application/offset+octet-stream")
            .send(bytes)
            .unwrap();
        assert_eq!(answer.status(), 204);
        answer.headers()["upload-offset"]
            .to_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(patch(&first.url, 0, &clip[..half]), half.to_string());
    first.kill();
    let told = agent
        .head(format!("{}{path}", second.url))
        .header("authorization", client.bearer())
        .header("tus-resumable", "1.0.0")
        .call()
        .unwrap();
    assert_eq!(told.headers()["upload-offset"], half.to_string());
    let whole = clip.len().to_string();
    assert_eq!(patch(&second.url, half, &clip[half..]), whole);
    let videos = client.at(&second).videos();
    assert_eq!(videos.len(), 1, "{videos:?}");
    second.stop();
}
