//! Uploads that nothing disturbs.

use serde_json::Value;

use crate::clients::{Which, run};
use crate::site::site;
use crate::support::server::on;
use crate::support::short_clip;
use crate::support::turn::turn;

#[test]
fn a_clip_becomes_a_video() {
    let _turn = turn();
    let site = site();
    let clip = short_clip();
    let job = site
        .send(&clip)
        .saying("title", "Fahrräder, 日本")
        .saying("description", "Two of them")
        .saying("visibility", "private");
    let told = run(Which::TusJs, &job);
    assert_eq!(told.answers("PATCH", 204), 1);
    let id = told.video();
    let video = site.client.ready(id);
    assert_eq!(video["title"], "Fahrräder, 日本");
    assert_eq!(video["description"], "Two of them");
    assert_eq!(video["visibility"], "private");
    site.holds(id, &clip);
    site.is_tidy();
    site.server.stop();
}

#[test]
fn in_one_piece_from_each_client() {
    let _turn = turn();
    let site = site();
    for (which, name) in [
        (Which::TusJs, "tus-js.mp4"),
        (Which::Tuspy, "tuspy.mp4"),
        (Which::Uppy, "uppy.mp4"),
    ] {
        let file = site.file(name, 30_000_001, 1);
        let job = site
            .send(&file)
            .with("folder", site.path(name).with_extension("d").to_str());
        let told = run(which, &job);
        assert_eq!(told.answers("PATCH", 204), 1, "{which:?}");
        assert!(told.resumed_at().is_empty(), "{which:?}");
        site.holds(told.video(), &file);
        let video = site.client.video(told.video());
        let stem = name.strip_suffix(".mp4").unwrap();
        assert_eq!(video["title"], stem, "{video}");
    }
    assert_eq!(site.client.videos().len(), 3);
    site.is_tidy();
    site.server.stop();
}

#[test]
fn in_chunks_with_checksums() {
    let _turn = turn();
    let site = site();
    let file = site.file("checked.mp4", 20_000_001, 2);
    let job = site
        .send(&file)
        .with("chunk", 3 << 20)
        .with("checksum", true);
    let told = run(Which::Tuspy, &job);
    assert_eq!(told.answers("PATCH", 204), 7);
    site.holds(told.video(), &file);
    site.server.stop();
}

#[test]
fn with_the_bytes_in_the_first_request() {
    let _turn = turn();
    let site = site();
    let file = site.file("at-once.mp4", 20_000_001, 3);
    let told = run(Which::TusJs, &site.send(&file).with("inCreation", true));
    assert_eq!(
        (told.answers("POST", 201), told.answers("PATCH", 204)),
        (1, 0)
    );
    site.holds(told.video(), &file);
    site.server.stop();
}

#[test]
fn with_a_length_that_is_told_last() {
    let _turn = turn();
    let site = site();
    let file = site.file("deferred.mp4", 20_000_001, 4);
    let job = site.send(&file).with("deferLength", true);
    let told = run(Which::TusJs, &job.with("chunk", 3 << 20));
    assert_eq!(told.answers("PATCH", 204), 7);
    site.holds(told.video(), &file);
    site.server.stop();
}

#[test]
fn the_same_file_twice_makes_two_videos() {
    let _turn = turn();
    let site = site();
    let file = site.file("again.mp4", 5_000_001, 5);
    // A memory that is shared must not make one upload of two.
    let memory = site.path("memory");
    let mut videos = Vec::new();
    for title in ["First", "Second"] {
        let job = site.send(&file).saying("title", title);
        let told = run(Which::TusJs, &job.with("memory", memory.to_str()));
        let video = site.client.video(told.video());
        assert_eq!(video["title"], title);
        site.holds(told.video(), &file);
        videos.push(video["id"].clone());
    }
    assert_ne!(videos[0], videos[1]);
    assert_eq!(site.originals().len(), 2);
    site.server.stop();
}

#[test]
fn a_file_above_the_limit_is_refused_before_it_is_sent() {
    let _turn = turn();
    let site = site();
    let state = site.server.state.clone();
    let file = site.file("large.mp4", 1_000_001, 6);
    site.server.stop();
    let server = on(&state).args(&["--max-upload-bytes", "1000000"]).up();
    let client = crate::support::client::Client::admin(&server);
    let job = crate::clients::Job::send(&file, &server.url, client.token());
    let mut running = crate::clients::start(Which::TusJs, &job);
    let end = running.wait("it gives up", |event| event["event"] == "failed");
    assert_eq!(end["status"], 413, "{end}");
    assert_eq!(client.videos(), Vec::<Value>::new());
    server.stop();
}
