//! The bucket goes away for a while: under a running job, and under uploads.

use clipsy_testkit::weed::{ACCESS_KEY, SECRET_KEY, Weed};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::sender::Sender;
use crate::support::client::Client;
use crate::support::processes::kill;
use crate::support::server::Start;
use crate::support::stack::{Stack, assert_whole, child_of};
use crate::support::until;

fn in_bucket(weed: &Weed, start: Start) -> Start {
    start
        .env("CLIPSY_MEDIA_URL", "s3://films/clips")
        .env("CLIPSY_S3_ENDPOINT", &weed.endpoint())
        .env("CLIPSY_S3_ACCESS_KEY", ACCESS_KEY)
        .env("CLIPSY_S3_SECRET_KEY", SECRET_KEY)
}

#[test]
fn an_outage_of_the_bucket_costs_no_job_and_no_byte() {
    let stack = Stack::start("60");
    let mut weed = Weed::start();
    let server = in_bucket(&weed, stack.serve("api-0")).up();
    let worker = in_bucket(&weed, stack.work("work-0")).up();
    let client = Client::admin(&server);
    let sender = Sender::new(&server, &client);
    let clip = std::fs::read(stack.clip()).unwrap();
    let half = clip.len() / 2;
    let first = client.upload(&stack.clip());
    let child = until("it has begun", || child_of(&worker, "1-1"));
    kill(child.pid, Signal::STOP);
    let path = sender.begin(clip.len());
    assert_eq!(sender.send(&path, 0, &clip[..half]), Ok(half));

    weed.stop();
    kill(child.pid, Signal::CONT);
    for process in [&server, &worker] {
        let told = until("it says that the bucket is away", || {
            let answer = client.at(process).get("/readyz");
            (answer.status == 503).then(|| answer.json())
        });
        assert_eq!(told["status"], "unavailable", "{told}");
        assert_eq!(told["media"], "failed", "{told}");
        assert_eq!(told["database"], "ok", "{told}");
        assert_eq!(client.at(process).get("/healthz").status, 200);
    }
    let away = (503, "store_unavailable".to_owned(), true);
    assert_eq!(
        sender.send(&path, half, &clip[half..]),
        Err(away.clone()),
        "the rest of an upload"
    );
    assert_eq!(sender.measure(&path), Err(away.clone()), "its length");
    assert_eq!(sender.refused_form(&clip), away, "a whole file");
    // Each time after the client of S3 has tried for long enough itself.
    until("the worker has tried several times", || {
        (worker.log().matches("publishing again").count() >= 2).then_some(())
    });
    let video = client.video(first);
    assert_eq!(video["status"], "processing", "{video}");
    assert_eq!(video["failure"], Value::Null);

    weed.run();
    for process in [&server, &worker] {
        until("it says that the bucket is back", || {
            (client.at(process).get("/readyz").status == 200).then_some(())
        });
    }
    let kept = sender.measure(&path).unwrap();
    assert!((half..=clip.len()).contains(&kept), "{kept} of {half}");
    let whole = sender.send(&path, kept, &clip[kept..]);
    assert_eq!(whole, Ok(clip.len()));
    assert_whole(&client, first);
    let second = until("there is a second video", || {
        let videos = client.videos();
        assert!(videos.len() <= 2, "{}", json!(videos));
        let other = videos.iter().find(|video| video["id"] != first)?;
        other["id"].as_i64()
    });
    assert_whole(&client, second);
    for id in [first, second] {
        let original = client.get(&format!("/api/videos/{id}/stream/"));
        assert!(original.body == clip, "the original of {id}");
    }
    let log = worker.log();
    assert_eq!(log.matches("attempt started").count(), 2, "{log}");
    worker.stop();
    server.stop();
}
