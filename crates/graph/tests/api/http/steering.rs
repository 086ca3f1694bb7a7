//! Editing, cancelling, retrying and deleting.

use clipsy_dispatch::{Message, Received};
use clipsy_domain::failure::{Failure, FailureCode, Stage};
use clipsy_domain::job::RetryPolicy;
use serde_json::{Value, json};

use crate::support::{Form, ORIGINAL, Server, wait_until};

const FORBIDDEN: &str = r#"{"detail":"You do not have permission to perform this action."}"#;

/// Makes a video's job fail for good, as its worker would.
fn fail(server: &Server, id: i64) {
    server.run(async {
        let db = &server.app.db;
        let job = db.job_of_asset(id).await.unwrap().unwrap();
        let job = db.claim_job(job.id, "w", 60_000).await.unwrap().unwrap();
        let failure = Failure::new(FailureCode::NoVideoStream, Stage::Probe, "only sound");
        let policy = RetryPolicy::default();
        db.fail_job(job.id, job.attempt, &failure, &policy)
            .await
            .unwrap();
    });
}

#[test]
fn what_is_left_away_stays_as_it_is() {
    let server = Server::start();
    let token = server.token("ann");
    let id = server.video(&token, "public");
    let path = format!("/api/videos/{id}/");
    let patch = |body: Value| server.call("PATCH", &path, &token, &body);
    let video = patch(json!({ "title": "  New  " })).json();
    assert_eq!(
        (&video["title"], &video["visibility"]),
        (&json!("New"), &json!("public"))
    );
    let video = patch(json!({ "description": "Text", "visibility": "unlisted" })).json();
    assert_eq!(video["title"], "New");
    assert_eq!(
        (&video["description"], &video["visibility"]),
        (&json!("Text"), &json!("unlisted"))
    );
    assert_eq!(
        patch(json!({ "description": "" })).json()["description"],
        ""
    );
    assert_eq!(
        patch(json!({ "id": 7, "views": 7, "status": "ready" })).json()["views"],
        0
    );
    patch(json!({ "title": "", "visibility": "secret" })).is_error(
        400,
        "invalid",
        r#"{"title":["This field may not be blank."],"visibility":["\"secret\" is not a valid choice."]}"#,
    );
    let long = json!({ "title": "x".repeat(256) });
    patch(long).is_error(
        400,
        "invalid",
        r#"{"title":["Ensure this field has no more than 255 characters."]}"#,
    );
    assert_eq!(patch(json!({ "title": "ж".repeat(255) })).status, 200);
}

#[test]
fn a_failed_video_says_why_and_can_be_tried_again() {
    let server = Server::start();
    let token = server.token("ann");
    let id = server.video(&token, "public");
    let retry = format!("/api/videos/{id}/retry/");
    server.call("POST", &retry, &token, &Value::Null).is_error(
        409,
        "not_retryable",
        r#"{"detail":"Only videos that failed or were cancelled can be processed again."}"#,
    );
    fail(&server, id);
    let path = format!("/api/videos/{id}/");
    let video = server.call("GET", &path, &token, &Value::Null).json();
    assert_eq!(video["status"], "failed");
    let mut failure = json!({
        "code": "no_video_stream",
        "message": "This file has no video in it.",
        "advice": "Choose a file that contains video; audio alone cannot be published.",
        "detail": "only sound",
        "retryable": false,
    });
    assert_eq!(video["failure"], failure);
    // What the programs said is nobody else's business, on no route.
    failure["detail"] = Value::Null;
    let bob = server.token("bob");
    for asker in ["", &bob] {
        let seen = |path: &str| server.call("GET", path, asker, &Value::Null).json();
        assert_eq!(seen(&path)["failure"], failure);
        assert_eq!(seen("/api/videos/")[0]["failure"], failure);
        assert_eq!(
            seen("/api/videos/?page=1")["results"][0]["failure"],
            failure
        );
    }
    server
        .call("POST", &retry, &bob, &Value::Null)
        .is_error(403, "permission_denied", FORBIDDEN);
    let video = server.call("POST", &retry, &token, &Value::Null);
    assert_eq!(video.status, 200);
    assert_eq!(
        (&video.json()["status"], &video.json()["failure"]),
        (&json!("pending"), &Value::Null)
    );
    // Two tickets were pushed: at the upload, and now.
    let jobs: Vec<i64> = server.run(async {
        let queue = &server.app.dispatch.queue;
        let mut jobs = vec![];
        for _ in 0..2 {
            jobs.push(queue.pull().await.unwrap().ticket.job_id);
        }
        jobs
    });
    assert_eq!(jobs.len(), 2);
}

#[test]
fn cancelling_tells_the_worker_whose_attempt_it_is() {
    let server = Server::start();
    let token = server.token("ann");
    let id = server.video(&token, "public");
    server.make_playable(id);
    let mut events = server.app.dispatch.events.subscribe();
    let cancel = format!("/api/videos/{id}/cancel/");
    let answer = server.call("POST", &cancel, &token, &Value::Null);
    assert_eq!(answer.status, 200);
    let video = answer.json();
    assert_eq!(
        (&video["status"], &video["state"]),
        (&json!("failed"), &json!("cancelled"))
    );
    assert_eq!(video["hls_playlist"], Value::Null);
    let Some(Received::Message(message)) = server.run(events.next()) else {
        panic!("nothing was told");
    };
    assert_eq!(
        *message,
        Message::CancelJob {
            job_id: 1,
            attempt: 1
        }
    );
    // Players stop at once.
    server
        .get(&format!("/media/videos/processed/{id}/master.m3u8"))
        .is_not_found();
    server.call("POST", &cancel, &token, &Value::Null).is_error(
        409,
        "not_cancellable",
        r#"{"detail":"This video is not waiting and not being processed."}"#,
    );
}

#[test]
fn deleting_leaves_nothing() {
    let server = Server::start();
    let token = server.token("ann");
    let id = server.video(&token, "public");
    server.make_playable(id);
    let master = format!("/media/videos/processed/{id}/master.m3u8");
    assert_eq!(server.get(&master).status, 200);
    let path = format!("/api/videos/{id}/");
    let bob = server.token("bob");
    server
        .call("DELETE", &path, &bob, &Value::Null)
        .is_error(403, "permission_denied", FORBIDDEN);
    let mut events = server.app.dispatch.events.subscribe();
    let answer = server.call("DELETE", &path, &token, &Value::Null);
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    for path in [&path, &master, &format!("{path}stream/")] {
        server.get(path).is_not_found();
    }
    server
        .call("DELETE", &path, &token, &Value::Null)
        .is_not_found();
    assert_eq!(server.get("/api/videos/").text(), "[]");
    for expected in [
        Message::CancelJob {
            job_id: 1,
            attempt: 1,
        },
        Message::AssetDeleted { asset_id: id },
    ] {
        let Some(Received::Message(message)) = server.run(events.next()) else {
            panic!("nothing was told");
        };
        assert_eq!(*message, expected);
    }
    wait_until("all files are deleted", || {
        server.stored("videos").is_empty()
    });
}

#[test]
fn an_admin_may_do_everything() {
    let server = Server::start();
    let id = server.video(&server.token("ann"), "private");
    let root = server.token("root");
    let path = format!("/api/videos/{id}/");
    let answer = server.call("PATCH", &path, &root, &json!({ "title": "By root" }));
    assert_eq!(answer.json()["title"], "By root");
    assert_eq!(
        answer.json()["owner"],
        json!({ "id": 3, "username": "ann" })
    );
    assert_eq!(
        server.call("DELETE", &path, &root, &Value::Null).status,
        204
    );
}

#[test]
fn progress_is_shown_while_it_goes_on() {
    let server = Server::start();
    let token = server.token("ann");
    server.upload(
        &token,
        &Form::new().text("title", "x").file("x.mp4", ORIGINAL),
    );
    server.make_playable(1);
    server.run(async {
        let update = |rung: &str, percent| clipsy_storage::RenditionUpdate {
            rung: rung.into(),
            percent: Some(percent),
            file_size: Some(10),
            encoder: Some("software".into()),
        };
        let updates = [update("1080p", 40.0), update("720p", 60.5)];
        assert!(server.app.db.record_progress(1, 1, &updates).await.unwrap());
    });
    let video = server.get("/api/videos/1/").json();
    assert_eq!(
        (&video["status"], &video["playable"]),
        (&json!("processing"), &json!(true))
    );
    assert_eq!(video["progress"]["percent"], 40.0);
    assert_eq!(
        video["progress"]["renditions"][1],
        json!({ "quality": "720p", "percent": 60.5, "encoder": "software", "done": false })
    );
}
