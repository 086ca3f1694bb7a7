//! People delete, cancel and try again while a video is being processed.

use crate::flow::judge;
use crate::support::client::Client;
use crate::support::processes::is_alive;
use crate::support::server::{Server, on};
use crate::support::turn::turn;
use crate::support::{files, long_clip, scratch, until};

/// Nothing is left of the process that was at it.
fn assert_gone(server: &Server, pid: i32) {
    until("the process has ended", || (!is_alive(pid)).then_some(()));
    until("its scratch folder is gone", || {
        files(&server.path("scratch")).is_empty().then_some(())
    });
}

#[test]
fn a_video_that_is_deleted_while_it_is_processed_leaves_nothing() {
    let _turn = turn();
    let folder = scratch();
    let server = on(&folder.path().join("state")).up();
    let client = Client::admin(&server);
    let id = client.upload(&long_clip());
    let early = client.playable(id);
    let child = server.child("1-1");
    let answer = client.delete(&format!("/api/videos/{id}/"));
    assert_eq!(answer.status, 204, "{}", answer.text());
    assert_eq!(client.get(&format!("/api/videos/{id}/")).status, 404);
    assert_eq!(
        client.get(early["hls_playlist"].as_str().unwrap()).status,
        404
    );
    assert_gone(&server, child.pid);
    until("all files are gone", || {
        let (videos, uploads) = (server.path("media/videos"), server.path("media/uploads"));
        (files(&videos).is_empty() && files(&uploads).is_empty()).then_some(())
    });
    assert_eq!(client.videos().len(), 0);

    // The next video gets a number of its own and is done as usual.
    let next = client.upload(&crate::support::short_clip());
    assert!(next > id);
    judge(&server, &client, next, 10.0);
    server.stop();
}

#[test]
fn a_cancelled_video_can_be_tried_again() {
    let _turn = turn();
    let folder = scratch();
    let server = on(&folder.path().join("state")).up();
    let client = Client::admin(&server);
    let id = client.upload(&long_clip());
    let early = client.playable(id);
    let child = server.child("1-1");
    let answer = client.post(&format!("/api/videos/{id}/cancel/"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let video = client.video(id);
    assert_eq!(
        (&video["status"], &video["state"], &video["playable"]),
        (&"failed".into(), &"cancelled".into(), &false.into())
    );
    assert_eq!(
        client.get(early["hls_playlist"].as_str().unwrap()).status,
        404
    );
    assert_gone(&server, child.pid);
    let output = server.path(&format!("media/videos/processed/{id}"));
    until("its output is gone", || {
        files(&output).is_empty().then_some(())
    });
    // The original stays, so that it can be tried again.
    assert_eq!(files(&server.path("media/videos/originals")).len(), 1);

    let answer = client.post(&format!("/api/videos/{id}/retry/"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    judge(&server, &client, id, 55.1);
    assert_eq!(client.videos().len(), 1);
    server.stop();
}

#[test]
fn a_proof_that_nobody_waits_for_any_more_is_ended() {
    let _turn = turn();
    let folder = scratch();
    let server = on(&folder.path().join("state")).up();
    let client = Client::admin(&server);
    let id = client.upload(&long_clip());
    // A folder that is new remembers no proofs, so there is a process beside the first.
    until("something is being proven", || {
        (server.children().len() > 1).then_some(())
    });
    let answer = client.post(&format!("/api/videos/{id}/cancel/"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    until("its scratch folder is gone", || {
        let mut jobs = std::fs::read_dir(server.path("scratch")).unwrap();
        jobs.next().is_none().then_some(())
    });
    assert_eq!(server.children(), []);
    server.stop();
}

#[test]
fn a_video_that_waits_is_cancelled_without_being_started() {
    let _turn = turn();
    let folder = scratch();
    let server = on(&folder.path().join("state")).args(&["--jobs", "1"]).up();
    let client = Client::admin(&server);
    let first = client.upload(&long_clip());
    let second = client.upload(&long_clip());
    server.child("1-1");
    assert_eq!(client.video(second)["status"], "pending");
    let answer = client.post(&format!("/api/videos/{second}/cancel/"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    client.delete(&format!("/api/videos/{first}/"));
    let third = client.upload(&crate::support::short_clip());
    judge(&server, &client, third, 10.0);
    assert_eq!(client.video(second)["state"], "cancelled");
    assert!(!server.log().contains("job_id=2 asset_id=2 attempt=1"));
    server.stop();
}
