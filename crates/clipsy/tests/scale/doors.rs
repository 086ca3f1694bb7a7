//! What a service of several processes shows and refuses.

use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::scratch;
use crate::support::server::{Server, run};
use crate::support::stack::{Stack, assert_whole};
use crate::support::until;

fn ask(server: &Server, client: &Client, query: &str) -> Value {
    let agent: ureq::Agent = ureq::Agent::config_builder().build().into();
    let mut answer = agent
        .post(format!("{}/graphql", server.url))
        .header("authorization", client.bearer())
        .send_json(json!({ "query": query }))
        .unwrap();
    answer.body_mut().read_json().unwrap()
}

#[test]
fn every_server_sees_all_workers_and_holds_the_queue() {
    let stack = Stack::start("60");
    let pair = stack.pair();
    let client = pair.admin();
    for server in &pair.servers {
        until("it sees both workers and their encoders", || {
            let told = ask(
                server,
                &client,
                "{ workers { slots busy encoders } queue { concurrency } encoders { id } }",
            );
            let workers = told["data"]["workers"].as_array().unwrap().clone();
            let tried = workers.iter().all(|worker| {
                worker["encoders"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|e| e == "software")
            });
            let all = workers.len() == 2 && tried && told["data"]["queue"]["concurrency"] == 2;
            all.then_some(())
        });
    }
    for worker in &pair.workers {
        let health = client.at(worker).get("/healthz");
        assert_eq!(health.status, 200);
        let ready = client.at(worker).get("/readyz");
        assert_eq!((ready.status, &ready.json()["queue"]), (200, &json!("ok")));
        let sandbox = until("the worker has tried its sandbox", || {
            let ready = client.at(worker).get("/readyz").json();
            ready["sandbox"].as_str().map(str::to_owned)
        });
        assert!(
            sandbox.starts_with("Landlock and seccomp hold"),
            "{sandbox}"
        );
    }
    // Paused at one server, it is paused for all workers.
    let told = ask(
        &pair.servers[0],
        &client,
        "mutation { pauseQueue { __typename } }",
    );
    assert_eq!(told["errors"], Value::Null, "{told}");
    let other = client.at(&pair.servers[1]);
    let id = other.upload(&stack.clip());
    assert_eq!(other.get("/readyz").json()["queue"], "paused");
    assert_eq!(other.video(id)["status"], "pending");
    let told = ask(
        &pair.servers[1],
        &client,
        "mutation { resumeQueue { __typename } }",
    );
    assert_eq!(told["errors"], Value::Null, "{told}");
    assert_whole(&other, id);

    // A cancel and a delete at one server reach the worker that is at it.
    let id = client.upload(&stack.clip());
    let (at, child) = pair.hold("2-1");
    let answer = other.post(&format!("/api/videos/{id}/cancel/"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    until("its process has ended", || {
        (!crate::support::processes::is_alive(child.pid)).then_some(())
    });
    let answer = client.post(&format!("/api/videos/{id}/retry/"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let _ = at;
    assert_whole(&client, id);
    assert_eq!(other.delete(&format!("/api/videos/{id}/")).status, 204);
    until("all its files are gone", || {
        crate::support::files(&stack.output(id))
            .is_empty()
            .then_some(())
    });
    for server in pair.servers.into_iter().chain(pair.workers) {
        server.stop();
    }
}

#[test]
fn a_server_that_starts_leaves_what_others_receive_alone() {
    let stack = Stack::start("60");
    let first = stack.serve("api-0").up();
    let client = Client::admin(&first);
    // An upload that is under way: its head is there, its end is not.
    let mut sender = std::net::TcpStream::connect(("127.0.0.1", first.port())).unwrap();
    let boundary = "x";
    let clip = std::fs::read(stack.clip()).unwrap();
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nx\r\n\
         --{boundary}\r\nContent-Disposition: form-data; name=\"video_file\"; filename=\"x.mp4\"\r\n\
         Content-Type: video/mp4\r\n\r\n"
    );
    let tail = format!("\r\n--{boundary}--\r\n");
    let length = head.len() + clip.len() + tail.len();
    let request = format!(
        "POST /api/videos/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: {}\r\n\
         Content-Type: multipart/form-data; boundary={boundary}\r\nContent-Length: {length}\r\n\r\n{head}",
        client.bearer()
    );
    std::io::Write::write_all(&mut sender, request.as_bytes()).unwrap();
    let half = clip.len() / 2;
    std::io::Write::write_all(&mut sender, &clip[..half]).unwrap();
    until("the first server has begun to store it", || {
        (!crate::support::files(&stack.media().join("uploads")).is_empty()).then_some(())
    });
    let second = stack.serve("api-1").up();
    std::io::Write::write_all(&mut sender, &clip[half..]).unwrap();
    std::io::Write::write_all(&mut sender, tail.as_bytes()).unwrap();
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut sender, &mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    assert_eq!(client.at(&second).videos().len(), 1);
    second.stop();
    first.stop();
}

#[test]
fn what_cannot_work_is_refused() {
    let folder = scratch();
    let state = folder.path().join("state");
    let state = state.to_str().unwrap();
    let nats = [("CLIPSY_NATS_URL", "nats://127.0.0.1:1")];
    for (args, env, problem) in [
        (
            &["serve", "--state-dir", state][..],
            &nats[..],
            "needs PostgreSQL",
        ),
        (&["work", "--state-dir", state], &nats, "needs PostgreSQL"),
        (
            &["work", "--state-dir", state],
            &[],
            "--nats-url is missing",
        ),
        (
            &["work", "--state-dir", state, "--nats-user", "ann"],
            &nats,
            "needs PostgreSQL",
        ),
        (
            &["work", "--state-dir", state, "--lease-seconds", "1"],
            &nats,
            "--lease-seconds",
        ),
    ] {
        let done = run(args, env);
        let complaint = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(2), "{args:?}: {complaint}");
        assert!(complaint.contains(problem), "{args:?}: {complaint}");
    }
}
