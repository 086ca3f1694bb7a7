//! What may be kept for ever has an address that never stands for anything else: not on a server that
//! began anew, and not after a restore.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clipsy_testkit::weed::Weed;
use serde_json::Value;
use ureq::Agent;

use crate::flow::listed;
use crate::s3::in_bucket;
use crate::support::client::Client;
use crate::support::server::{Server, Start, on};
use crate::support::turn::turn;
use crate::support::{repository, scratch};
use crate::thumbnail;

/// Status, what is said about caching, and the text.
fn ask(server: &Server, path: &str) -> (u16, String, String) {
    let agent: Agent = Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .into();
    let url = format!("{}{path}", server.url);
    let mut answer = agent.get(url).call().unwrap();
    let cache = answer.headers()["cache-control"].to_str().unwrap();
    let cache = cache.to_owned();
    let bytes = answer.body_mut().read_to_vec().unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    (answer.status().as_u16(), cache, text)
}

/// The text of something that is asked for again each time.
fn revalidated(server: &Server, path: &str) -> String {
    let (status, cache, text) = ask(server, path);
    assert_eq!(status, 200, "{path}");
    assert!(cache.ends_with("no-cache"), "{path}: {cache}");
    text
}

/// Everything that a player or a page loads of a video and may keep for ever, as it finds it from
/// what `video` says.
fn kept(server: &Server, video: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let text = |name: &str| video[name].as_str().unwrap().to_owned();
    let master = text("hls_playlist");
    let beside = |path: &str, name: &str| format!("{}/{name}", path.rsplit_once('/').unwrap().0);
    for rung in listed(&revalidated(server, &master)) {
        let playlist = beside(&master, rung);
        let segments = revalidated(server, &playlist);
        found.extend(listed(&segments).iter().map(|name| beside(&playlist, name)));
    }
    let storyboard = text("storyboard");
    let (_, _, cues) = ask(server, &storyboard);
    let pictures = cues.lines().filter_map(|line| line.split_once("#xywh"));
    found.extend(pictures.map(|(name, _)| beside(&storyboard, name)));
    found.insert(storyboard);
    found.insert(text("thumbnail"));
    assert!(found.len() >= 4, "{found:?}");
    for path in &found {
        let (status, cache, _) = ask(server, path);
        assert_eq!(status, 200, "{path}");
        assert!(cache.ends_with("immutable"), "{path}: {cache}");
    }
    found
}

/// None of those addresses gives anything that is kept.
fn forgotten(server: &Server, paths: &BTreeSet<String>) {
    for path in paths {
        let (status, cache, _) = ask(server, path);
        // A poster picture of before is answered with that of now.
        let revalidated = path.contains("thumbnails") && cache == "no-cache";
        assert!(status == 404 || revalidated, "{path}: {status} {cache}");
    }
}

fn fixture(name: &str) -> PathBuf {
    repository(".media/fixtures").join(name)
}

/// A video, its addresses as made, and those after somebody chose a picture.
fn make(server: &Server, name: &str) -> (i64, BTreeSet<String>) {
    let client = Client::admin(server);
    let id = client.upload(&fixture(name));
    let mut found = kept(server, &client.ready(id));
    thumbnail::chosen(&client, id, 0.5);
    found.extend(kept(server, &client.video(id)));
    // Of a link, too: what is behind it is below a prefix of its own, with the same names.
    let link = client.post(&format!("/api/videos/{id}/playback/")).json();
    let prefix = link["prefix"].as_str().unwrap();
    let below = kept(server, &link);
    for path in below {
        let plain = path.replace(prefix, "/media");
        assert!(found.contains(&plain), "{plain}");
    }
    (id, found)
}

fn copy(from: &Path, to: &Path) {
    let done = Command::new("cp").arg("-a").args([from, to]).status();
    assert!(done.unwrap().success());
}

fn story(start: impl Fn(Start) -> Start) {
    let folder = scratch();
    let (state, backup) = (folder.path().join("state"), folder.path().join("backup"));
    let server = start(on(&state)).up();
    let listen = format!("127.0.0.1:{}", server.port());
    let up = || start(on(&state)).env("CLIPSY_LISTEN", &listen).up();
    let (first, red) = make(&server, "pixel-601-h264.mp4");
    server.stop();

    // Begun anew on the same port.
    fs::remove_dir_all(&state).unwrap();
    let server = up();
    forgotten(&server, &red);
    let (second, blue) = make(&server, "geometry-64x36.mp4");
    assert_eq!(first, second);
    assert!(red.is_disjoint(&blue));
    forgotten(&server, &red);
    server.stop();

    // Backed up, used, restored, used.
    copy(&state, &backup);
    let server = up();
    let (third, green) = make(&server, "pixel-601-h264.mp4");
    server.stop();
    fs::remove_dir_all(&state).unwrap();
    copy(&backup, &state);
    let server = up();
    forgotten(&server, &green);
    let (fourth, yellow) = make(&server, "geometry-64x36.mp4");
    assert_eq!(third, fourth);
    assert!(green.is_disjoint(&yellow));
    forgotten(&server, &green);
    // What was restored is what it was.
    let restored = kept(&server, &Client::admin(&server).video(second));
    assert!(restored.is_subset(&blue));
    server.stop();
}

#[test]
fn an_address_is_never_used_again() {
    let _turn = turn();
    story(|start| start);
}

#[test]
fn an_address_is_never_used_again_with_a_bucket() {
    let _turn = turn();
    // The bucket outlives what the state folder goes through.
    let weed = Weed::start();
    story(|start| in_bucket(&weed, start));
}
