//! Power cuts, crashes and inputs that take their process down.

use std::cell::RefCell;
use std::process::Command;

use rustix::process::Signal;

use crate::flow::judge;
use crate::support::client::Client;
use crate::support::processes::{is_alive, kill};
use crate::support::server::on;
use crate::support::turn::turn;
use crate::support::{files, long_clip, scratch, short_clip, until};

#[test]
fn a_server_that_is_killed_does_the_job_again() {
    let _turn = turn();
    let folder = scratch();
    let state = folder.path().join("state");
    let server = on(&state).up();
    let client = Client::admin(&server);
    let id = client.upload(&long_clip());
    let early = client.playable(id);
    let child = server.child("1-1");
    server.kill();
    until("the child has ended, too", || {
        (!is_alive(child.pid)).then_some(())
    });

    // A restart is no fault of the video, so that one bad end allowed is enough.
    let server = on(&state).args(&["--max-attempts", "1"]).up();
    let client = Client::admin(&server);
    // What the first attempt made is not on show any more.
    let master = client.get(early["hls_playlist"].as_str().unwrap());
    if master.status != 404 {
        assert_eq!(client.video(id)["playable"], true, "{}", master.text());
    }
    server.child("1-2");
    judge(&server, &client, id, 55.1);
    assert_eq!(client.videos().len(), 1);
    let output = server.path(&format!("media/videos/processed/{id}"));
    until("only the second attempt's files are left", || {
        let left = files(&output);
        left.iter().all(|name| name.starts_with("2/")).then_some(())
    });
    assert_eq!(files(&server.path("media/uploads")), Vec::<String>::new());
    assert_eq!(files(&server.path("scratch")), Vec::<String>::new());
    server.stop();
}

#[test]
fn a_child_that_is_killed_is_followed_by_another() {
    let _turn = turn();
    let folder = scratch();
    let server = on(&folder.path().join("state")).up();
    let client = Client::admin(&server);
    let id = client.upload(&long_clip());
    client.playable(id);
    kill(server.child("1-1").pid, Signal::KILL);
    server.child("1-2");
    judge(&server, &client, id, 55.1);
    let output = files(&server.path(&format!("media/videos/processed/{id}")));
    assert!(
        output.iter().all(|name| name.starts_with("2/")),
        "{output:?}"
    );
    assert!(server.log().contains("signal 9"), "{}", server.log());
    server.stop();
}

#[test]
fn an_input_that_kills_its_process_fails_and_the_queue_goes_on() {
    let _turn = turn();
    let folder = scratch();
    let server = on(&folder.path().join("state"))
        .args(&["--max-attempts", "3", "--jobs", "1"])
        .up();
    let client = Client::admin(&server);
    let poison = client.upload(&long_clip());
    let next = client.upload(&short_clip());
    let killed = RefCell::new(Vec::new());
    client.wait(poison, "failed", |video| {
        for child in server.children() {
            if child.attempt.starts_with("1-") && !killed.borrow().contains(&child.attempt) {
                kill(child.pid, Signal::KILL);
                killed.borrow_mut().push(child.attempt);
            }
        }
        video["status"] == "failed"
    });
    let mut killed = killed.into_inner();
    killed.sort();
    assert_eq!(killed, ["1-1", "1-2", "1-3"]);
    let failure = client.video(poison)["failure"].clone();
    assert_eq!(failure["code"], "crashed", "{failure}");
    let detail = failure["detail"].as_str().unwrap();
    assert!(detail.contains("signal 9"), "{detail}");
    judge(&server, &client, next, 10.0);
    let output = server.path(&format!("media/videos/processed/{poison}"));
    assert_eq!(files(&output), Vec::<String>::new());
    server.stop();
}

#[test]
fn a_job_that_takes_too_long_is_ended() {
    let _turn = turn();
    let folder = scratch();
    let server = on(&folder.path().join("state"))
        .args(&["--max-job-hours", "0.0005"])
        .up();
    let client = Client::admin(&server);
    let id = client.upload(&long_clip());
    let video = client.wait(id, "failed", |video| video["status"] == "failed");
    assert_eq!(video["failure"]["code"], "limits_exceeded", "{video}");
    assert_eq!(server.children(), []);
    let output = server.path(&format!("media/videos/processed/{id}"));
    until("its output is gone", || {
        files(&output).is_empty().then_some(())
    });
    server.stop();
}

#[test]
fn a_stopped_server_whose_claim_ran_out_meanwhile_does_no_harm() {
    let _turn = turn();
    let folder = scratch();
    let server = on(&folder.path().join("state")).up();
    let client = Client::admin(&server);
    let id = client.upload(&long_clip());
    client.playable(id);
    // Somebody else takes the job, as another node on the same database would.
    let database = server.path("clipsy.db");
    let taken = Command::new("python3")
        .arg("-c")
        .arg(
            "import sqlite3, sys\n\
             db = sqlite3.connect(sys.argv[1], timeout=30)\n\
             db.execute(\"UPDATE jobs SET attempt = attempt + 1, worker = 'other', \
             lease_until = 0 WHERE id = 1\")\n\
             db.commit()",
        )
        .arg(&database)
        .status()
        .unwrap();
    assert!(taken.success());
    // The server finds out, lets go, and takes the abandoned claim up itself.
    let video = client.ready(id);
    assert_eq!(video["failure"], serde_json::Value::Null);
    judge(&server, &client, id, 55.1);
    let output = server.path(&format!("media/videos/processed/{id}"));
    until("the lost attempt's files are gone", || {
        let left = files(&output);
        left.iter()
            .all(|name| !name.starts_with("1/"))
            .then_some(())
    });
    server.stop();
}
