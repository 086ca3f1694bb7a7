//! What a worker does to rows and tells.

use clipsy_dispatch::Message;
use clipsy_domain::failure::{Failure, FailureCode, Stage};
use clipsy_domain::job::{Job, RetryPolicy};
use clipsy_domain::notes::Notes;
use clipsy_domain::progress::{Event, RenditionProgress};
use clipsy_storage::{Finished, NewRendition};

use crate::support::Server;

pub(crate) fn claim(server: &Server, asset: i64) -> Job {
    server.run(async {
        let db = &server.app.db;
        let job = db.job_of_asset(asset).await.unwrap().unwrap();
        let job = db.claim_job(job.id, "test", 60_000).await.unwrap().unwrap();
        tell(server, changed(&job)).await;
        job
    })
}

pub(crate) fn plan(server: &Server, job: &Job) {
    server.run(async {
        let db = &server.app.db;
        let held = db
            .record_media(job.id, job.attempt, Some(100.0), 1280, 720, Some(25.0))
            .await;
        assert!(held.unwrap());
        let held = db
            .record_renditions(job.id, job.attempt, &renditions(0))
            .await;
        assert!(held.unwrap());
        tell(server, changed(job)).await;
    });
}

/// Writes down what the attempt noted about the source.
pub(crate) fn note(server: &Server, job: &Job, notes: &Notes) {
    server.run(async {
        let db = &server.app.db;
        let held = db.record_notes(job.id, job.attempt, notes).await;
        assert!(held.unwrap());
        tell(server, changed(job)).await;
    });
}

/// Tells how far an attempt is, which nobody has to believe.
pub(crate) fn progress(server: &Server, job: &Job, attempt: i64, percent: f64) {
    let rendition = |rung: &str, percent: f64| RenditionProgress {
        rung: rung.into(),
        percent: Some(percent),
        frames: 100,
        fps: 50.0,
        speed: 2.0,
        eta_s: Some(7.5),
        bytes: 12_345,
        encoder: "software".into(),
    };
    let event = Event::Progress {
        seq: 1,
        percent: Some(percent),
        renditions: vec![rendition("720p", percent), rendition("360p", percent)],
    };
    server.run(tell(
        server,
        Message::Progress {
            asset_id: job.asset_id,
            job_id: job.id,
            attempt,
            event,
        },
    ));
}

pub(crate) fn fail(server: &Server, job: &Job, code: FailureCode) {
    server.run(async {
        let mut failure = Failure::new(code, Stage::Transcode, "signal 9 below /srv/clipsy");
        failure.log = vec!["last words".into()];
        let policy = RetryPolicy {
            first_backoff_ms: 0,
            ..RetryPolicy::default()
        };
        let db = &server.app.db;
        let after = db.fail_job(job.id, job.attempt, &failure, &policy).await;
        assert!(after.unwrap().is_some());
        tell(server, changed(job)).await;
    });
}

pub(crate) fn finish(server: &Server, job: &Job) {
    server.run(async {
        let made = Finished {
            renditions: renditions(1_000),
            duration_s: Some(100.0),
            has_thumbnail: true,
            has_storyboard: true,
        };
        let db = &server.app.db;
        assert!(db.finish_job(job.id, job.attempt, &made).await.unwrap());
        tell(server, changed(job)).await;
    });
}

pub(crate) async fn tell(server: &Server, message: Message) {
    server.app.dispatch.events.publish(message).await;
}

pub(crate) fn changed(job: &Job) -> Message {
    Message::JobChanged {
        asset_id: job.asset_id,
        job_id: job.id,
    }
}

fn renditions(bytes: i64) -> Vec<NewRendition> {
    [720, 360]
        .map(|height| NewRendition {
            rung: format!("{height}p"),
            width: height * 16 / 9,
            height,
            bitrate: height,
            file_size: bytes,
            codecs: None,
            encoder: None,
        })
        .to_vec()
}
