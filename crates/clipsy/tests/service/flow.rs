//! From the upload to the player.

use std::process::Command;

use serde_json::Value;

use crate::support::client::Client;
use crate::support::server::{Server, on};
use crate::support::turn::turn;
use crate::support::{files, long_clip, repository, scratch, short_clip, until};

/// What `ffprobe` says of an address, without any complaint.
fn ffprobe(url: &str) -> Value {
    let done = Command::new("ffprobe")
        .args(["-v", "error", "-of", "json", "-show_streams"])
        .args(["-show_format", "-count_packets", url])
        .output()
        .unwrap();
    let complaints = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(
        done.status.success() && complaints.is_empty(),
        "{url}: {complaints}"
    );
    serde_json::from_slice(&done.stdout).unwrap()
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .or_else(|| value.as_str()?.parse().ok())
        .unwrap_or_else(|| panic!("{value} is no number"))
}

/// Addresses that a playlist names.
pub(crate) fn listed(playlist: &str) -> Vec<&str> {
    let lines = playlist.lines().map(str::trim);
    lines
        .filter(|l| !l.is_empty() && !l.starts_with('#'))
        .collect()
}

/// The playlists that players find are there, and so are the last segments that they list, at most
/// `most` of each. Says how many that are.
pub(crate) fn walk(client: &Client, video: &Value, most: usize) -> usize {
    let master = video["hls_playlist"].as_str().unwrap();
    let (folder, _) = master.rsplit_once('/').unwrap();
    let playlists = client.get(master).text();
    let mut found = 0;
    for name in listed(&playlists) {
        let playlist = client.get(&format!("{folder}/{name}"));
        assert_eq!(playlist.status, 200, "{name}");
        let (rung, _) = name.rsplit_once('/').unwrap();
        for segment in listed(&playlist.text()).into_iter().rev().take(most) {
            let answer = client.get(&format!("{folder}/{rung}/{segment}"));
            assert_eq!(answer.status, 200, "{rung}/{segment}");
            assert_eq!(answer.body.first(), Some(&0x47), "{rung}/{segment}");
            found += 1;
        }
    }
    found
}

/// The video is complete, and independent tools can play it.
pub(crate) fn judge(server: &Server, client: &Client, id: i64, seconds: f64) {
    let video = client.ready(id);
    assert_eq!(video["playable"], true);
    assert_eq!(video["failure"], Value::Null);
    let master = client.get(video["hls_playlist"].as_str().unwrap()).text();
    assert!(!master.contains("processing"), "{master}");
    let qualities = video["qualities"].as_array().unwrap();
    assert!(!qualities.is_empty());
    assert_eq!(listed(&master).len(), qualities.len());
    for quality in qualities {
        let path = quality["playlist_path"].as_str().unwrap();
        let playlist = client.get(path).text();
        assert!(
            playlist.trim_end().ends_with("#EXT-X-ENDLIST"),
            "{playlist}"
        );
        let judged = ffprobe(&format!("{}{path}", server.url));
        let found = number(&judged["format"]["duration"]);
        assert!(
            (found - seconds).abs() < 0.5,
            "{path}: {found} s of {seconds} s"
        );
        let streams = judged["streams"].as_array().unwrap();
        let picture = streams.iter().find(|s| s["codec_type"] == "video").unwrap();
        assert_eq!(picture["codec_name"], "h264");
        let size = format!("{}x{}", picture["width"], picture["height"]);
        assert_eq!(quality["resolution"], size.as_str());
        let (folder, _) = path.rsplit_once('/').unwrap();
        let bytes: usize = listed(&playlist)
            .iter()
            .map(|name| client.get(&format!("{folder}/{name}")).body.len())
            .sum();
        assert_eq!(quality["file_size"], bytes);
    }
    let thumbnail = client.get(video["thumbnail"].as_str().unwrap());
    assert_eq!(thumbnail.body.get(..2), Some(&[0xff, 0xd8][..]));
    let storyboard = client.get(video["storyboard"].as_str().unwrap()).text();
    assert!(storyboard.starts_with("WEBVTT"), "{storyboard}");
}

#[test]
fn a_video_is_playable_before_it_is_ready() {
    let _turn = turn();
    let folder = scratch();
    let server = on(&folder.path().join("state")).up();
    let client = Client::admin(&server);
    let clip = long_clip();
    let id = client.upload(&clip);
    let first = client.video(id);
    assert!(
        ["pending", "processing"].contains(&first["status"].as_str().unwrap()),
        "{first}"
    );

    let early = client.playable(id);
    assert!(walk(&client, &early, usize::MAX) > 0);
    let master = client.get(early["hls_playlist"].as_str().unwrap()).text();
    assert!(master.contains("VALUE=\"processing\""), "{master}");
    let child = server.child("1-1");

    // Whatever a playlist lists at any time can be fetched.
    let mut looks = 0;
    until("the video is ready", || {
        let video = client.video(id);
        walk(&client, &video, 2);
        looks += 1;
        (video["status"] == "ready").then_some(())
    });
    assert!(looks > 1);

    judge(&server, &client, id, 55.1);
    let whole = client.video(id);
    assert_eq!(whole["qualities"].as_array().unwrap().len(), 3);
    assert!(walk(&client, &whole, usize::MAX) >= 3 * 27);
    let original = client.get(&format!("/api/videos/{id}/stream/"));
    assert_eq!(original.body, std::fs::read(&clip).unwrap());
    assert!(!crate::support::processes::is_alive(child.pid));
    assert_eq!(files(&server.path("scratch")), Vec::<String>::new());
    server.stop();
}

#[test]
fn what_cannot_be_used_fails_with_a_reason_and_the_next_video_is_done() {
    let _turn = turn();
    let folder = scratch();
    let server = on(&folder.path().join("state")).up();
    let client = Client::admin(&server);
    let bad = client.upload(&repository(".media/fixtures/bad-text.mp4"));
    let no_video = client.upload(&repository(".media/fixtures/bad-audio-only-mp4.mp4"));
    let good = client.upload(&short_clip());

    for (id, code) in [
        (bad, "unsupported_container"),
        (no_video, "no_video_stream"),
    ] {
        let video = client.wait(id, "failed", |video| video["status"] == "failed");
        let failure = &video["failure"];
        assert_eq!(failure["code"], code, "{failure}");
        assert_eq!(failure["retryable"], false, "{failure}");
        for field in ["message", "advice"] {
            let sentence = failure[field].as_str().unwrap();
            assert!(sentence.ends_with('.') && sentence.len() > 20, "{sentence}");
        }
        assert_eq!(video["hls_playlist"], Value::Null);
        assert_eq!(video["playable"], false);
        let output = server.path(&format!("media/videos/processed/{id}"));
        assert_eq!(files(&output), Vec::<String>::new());
    }
    judge(&server, &client, good, 10.0);
    server.stop();
}
