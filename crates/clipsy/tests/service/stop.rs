//! Servers that are asked to stop, and folders that have one already.

use std::process::Stdio;

use rustix::process::Signal;

use crate::flow::judge;
use crate::support::client::Client;
use crate::support::processes::is_alive;
use crate::support::server::on;
use crate::support::turn::turn;
use crate::support::{files, long_clip, scratch};

#[test]
fn a_server_that_is_asked_to_stop_puts_its_job_back() {
    let _turn = turn();
    let folder = scratch();
    let state = folder.path().join("state");
    // No bad end is allowed: putting back must not count as one.
    let start = || on(&state).args(&["--max-attempts", "1"]);
    let server = start().up();
    let client = Client::admin(&server);
    let id = client.upload(&long_clip());
    client.playable(id);
    let child = server.child("1-1");
    server.stop();
    assert!(!is_alive(child.pid));
    assert_eq!(files(&state.join("scratch")), Vec::<String>::new());
    let output = state.join(format!("media/videos/processed/{id}"));
    assert_eq!(files(&output), Vec::<String>::new());

    let server = start().up();
    server.child("1-2");
    server.signal(Signal::INT);
    assert!(server.end().success());

    let server = start().up();
    let client = Client::admin(&server);
    judge(&server, &client, id, 55.1);
    assert_eq!(client.videos().len(), 1);
    server.stop();
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let _turn = turn();
    let folder = scratch();
    let server = on(&folder.path().join("state")).up();
    let client = Client::admin(&server);
    client.upload(&long_clip());
    let child = server.child("1-1");
    server.signal(Signal::TERM);
    server.signal(Signal::TERM);
    let status = server.end();
    // It may have been done before the second one came.
    assert!(matches!(status.code(), Some(0 | 130)), "{status}");
    crate::support::until("the child has ended, too", || {
        (!is_alive(child.pid)).then_some(())
    });
}

#[test]
fn a_folder_has_one_server() {
    let folder = scratch();
    let state = folder.path().join("state");
    let server = on(&state).up();
    let second = on(&state).command().stdin(Stdio::null()).output().unwrap();
    let complaint = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(1), "{complaint}");
    let lines: Vec<&str> = complaint.lines().collect();
    let [line] = lines[..] else {
        panic!("expected one line: {complaint}");
    };
    assert!(line.starts_with("error[locked]: another server"), "{line}");
    assert!(line.contains(&server.pid().to_string()), "{line}");
    assert_eq!(Client::admin(&server).get("/healthz").status, 200);
    // The lock goes with the process, however it ends.
    server.kill();
    on(&state).up().stop();
}
