//! Choosing a thumbnail: a child takes the picture, whatever the segment is like.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::processes::{self, is_alive};
use crate::support::server::{Server, on};
use crate::support::turn::turn;
use crate::support::{files, long_clip, scratch, short_clip, until};

const CHOOSE: &str = "mutation($id: ID!, $at: Float!) {
    chooseThumbnail(input: { id: $id, atSeconds: $at }) {
        video { thumbnailUrl state } userErrors { code } } }";

/// What comes of choosing.
fn choose(client: &Client, id: i64, at_s: f64) -> Value {
    let variables = json!({ "id": id.to_string(), "at": at_s });
    let answer = client.graphql(CHOOSE, &variables);
    assert_eq!(answer["errors"], Value::Null, "{answer}");
    answer["data"]["chooseThumbnail"].clone()
}

/// Chooses, which works, and gives the address of the picture.
pub(crate) fn chosen(client: &Client, id: i64, at_s: f64) -> String {
    let payload = choose(client, id, at_s);
    assert_eq!(payload["userErrors"], json!([]), "{payload}");
    let url = &payload["video"]["thumbnailUrl"];
    url.as_str().unwrap().to_owned()
}

pub(crate) fn refused(client: &Client, id: i64, at_s: f64) -> String {
    let payload = choose(client, id, at_s);
    let code = payload["userErrors"][0]["code"].as_str();
    code.unwrap_or_else(|| panic!("{payload}")).to_owned()
}

/// Small pictures of a file, from one a second on, in RGB.
fn pictures(input: &Path, arguments: &[&str]) -> Vec<Vec<u8>> {
    let done = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin"])
        .args(arguments)
        .arg("-i")
        .arg(input)
        .args([
            "-vf",
            "scale=64:36:flags=area,format=rgb24",
            "-an",
            "-frames:v",
            "1",
        ])
        .args(["-f", "rawvideo", "-"])
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{complaint}");
    let pictures = done.stdout.chunks_exact(64 * 36 * 3);
    pictures.map(<[u8]>::to_vec).collect()
}

/// Mean square difference.
fn difference(one: &[u8], other: &[u8]) -> f64 {
    let squares = one.iter().zip(other).map(|(a, b)| {
        let difference = f64::from(*a) - f64::from(*b);
        difference * difference
    });
    squares.sum::<f64>() / one.len() as f64
}

/// The picture shows what the clip shows at that moment, and no other whole second.
pub(crate) fn judge(client: &Client, url: &str, clip: &Path, at_s: u32, seconds: u32) {
    let answer = client.get(url);
    assert_eq!(answer.status, 200);
    let file = tempfile::NamedTempFile::with_suffix(".jpg").unwrap();
    fs::write(file.path(), &answer.body).unwrap();
    let picture = pictures(file.path(), &[]).remove(0);
    let score = |second: u32| {
        let frame = pictures(clip, &["-ss", &second.to_string()]).remove(0);
        difference(&picture, &frame)
    };
    let mut scores: Vec<(f64, u32)> = (0..seconds).map(|n| (score(n), n)).collect();
    scores.sort_by(|a, b| a.0.total_cmp(&b.0));
    assert_eq!(scores[0].1, at_s, "{scores:?}");
    assert!(scores[0].0 < 150.0, "{scores:?}");
}

/// The children that take pictures.
fn takers(server: &Server) -> Vec<i32> {
    // The other children work below `scratch`.
    let folder = server.path("stills").canonicalize().unwrap();
    let children = server.children().into_iter().map(|child| child.pid);
    children
        .filter(|pid| {
            let at = fs::read_link(processes::proc(*pid).join("cwd"));
            at.is_ok_and(|at| at.starts_with(&folder))
        })
        .collect()
}

pub(crate) fn assert_tidy(server: &Server) {
    until("nobody takes pictures", || {
        takers(server).is_empty().then_some(())
    });
    until("the scratch folder is empty", || {
        files(&server.path("stills")).is_empty().then_some(())
    });
}

/// The largest rendition's segment `index`.
fn segment(server: &Server, video: &Value, index: usize) -> PathBuf {
    let rung = video["qualities"][0]["quality"].as_str();
    let rung = rung.unwrap_or_else(|| panic!("{video}"));
    let id = video["id"].as_i64().unwrap();
    server.path(&format!(
        "media/videos/processed/{id}/1/{rung}/segment_{index:05}.ts"
    ))
}

#[test]
fn the_chosen_moment_is_shown() {
    let _turn = turn();
    let folder = scratch();
    let server = on(&folder.path().join("state")).up();
    let client = Client::admin(&server);
    let id = client.upload(&short_clip());
    assert_eq!(refused(&client, id, 99_999_999_999.0), "out_of_range");
    let before = client.ready(id)["thumbnail"].clone();
    // In the middle of a segment, at the start of one, and in the last one.
    let mut urls = Vec::new();
    for at_s in [5, 2, 9] {
        let url = chosen(&client, id, f64::from(at_s));
        judge(&client, &url, &short_clip(), at_s, 10);
        assert_eq!(client.video(id)["thumbnail"], url.as_str());
        urls.push(url);
    }
    assert!(!urls.contains(&before.as_str().unwrap().to_owned()));
    assert_eq!(refused(&client, id, 12.0), "out_of_range");
    until("only the last one is left", || {
        (files(&server.path("media/videos/thumbnails")).len() == 1).then_some(())
    });
    assert_tidy(&server);

    // It outlives the server, and not its video.
    server.stop();
    let server = on(&folder.path().join("state")).up();
    let client = Client::admin(&server);
    judge(&client, &urls[2], &short_clip(), 9, 10);
    let path = format!("/api/videos/{id}/");
    assert_eq!(client.delete(&path).status, 204);
    assert_eq!(client.get(&urls[2]).status, 404);
    until("all files are gone", || {
        files(&server.path("media/videos")).is_empty().then_some(())
    });
    server.stop();
}

#[test]
fn a_picture_is_chosen_while_the_video_is_processed_and_stays() {
    let _turn = turn();
    let folder = scratch();
    let server = on(&folder.path().join("state")).up();
    let client = Client::admin(&server);
    let id = client.upload(&long_clip());
    client.playable(id);
    // It goes on, but stands still for us.
    let child = server.child("1-1");
    processes::kill(child.pid, Signal::STOP);
    let payload = choose(&client, id, 1.0);
    assert_eq!(payload["userErrors"], json!([]), "{payload}");
    assert_eq!(payload["video"]["state"], "PROCESSING");
    let url = payload["video"]["thumbnailUrl"].as_str().unwrap();
    assert_eq!(refused(&client, id, 54.0), "not_playable");
    processes::kill(child.pid, Signal::KILL);

    // The next attempt has a thumbnail of its own, which is not asked for.
    until("there is another attempt", || {
        client.video(id)["playable"]
            .as_bool()
            .unwrap()
            .then_some(())?;
        server
            .children()
            .iter()
            .any(|w| w.attempt == "1-2")
            .then_some(())
    });
    assert_eq!(client.video(id)["thumbnail"], url);
    let answer = client.post(&format!("/api/videos/{id}/cancel/"));
    assert_eq!(answer.status, 200);
    assert_eq!(client.video(id)["thumbnail"], url);
    assert_eq!(client.get(url).status, 200);
    server.stop();
}

#[test]
fn broken_segments_harm_nobody() {
    let _turn = turn();
    let folder = scratch();
    let server = on(&folder.path().join("state")).up();
    let client = Client::admin(&server);
    let id = client.upload(&short_clip());
    let video = client.ready(id);
    let url = chosen(&client, id, 1.0);
    let path = segment(&server, &video, 2);
    let whole = fs::read(&path).unwrap();
    // Cut in the middle, almost nothing, noise, another format that names files, and nothing.
    let noise: Vec<u8> = (0..200_000u32)
        .map(|n| (n.wrapping_mul(n) / 7 % 251) as u8)
        .collect();
    for bytes in [
        &whole[..whole.len() / 3],
        &whole[..188],
        &noise,
        b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/passwd\n",
        b"",
    ] {
        fs::remove_file(&path).unwrap();
        fs::write(&path, bytes).unwrap();
        assert_eq!(
            refused(&client, id, 5.9),
            "picture_failed",
            "{} bytes",
            bytes.len()
        );
    }
    fs::remove_file(&path).unwrap();
    assert_eq!(refused(&client, id, 5.9), "not_playable");
    std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
    assert_ne!(refused(&client, id, 5.9), "");

    // What was chosen before stands, and the next choice works.
    assert_eq!(client.video(id)["thumbnail"], url.as_str());
    assert_eq!(client.get(&url).status, 200);
    fs::remove_file(&path).unwrap();
    fs::write(&path, &whole).unwrap();
    judge(&client, &chosen(&client, id, 5.0), &short_clip(), 5, 10);
    assert_tidy(&server);
    server.stop();
}

/// Has somebody choose until a child is caught at it, which is then stopped.
fn caught(server: &Server) -> i32 {
    until("a child is caught", || {
        let pid = takers(server).into_iter().next()?;
        processes::kill(pid, Signal::STOP);
        is_alive(pid).then_some(pid)
    })
}

#[test]
fn a_picture_that_nobody_waits_for_is_not_taken() {
    let _turn = turn();
    let folder = scratch();
    let server = on(&folder.path().join("state")).up();
    let client = Client::admin(&server);
    let id = client.upload(&short_clip());
    let before = client.ready(id)["thumbnail"].clone();
    let variables = json!({ "id": id.to_string(), "at": 9.0 });

    // Whoever asked has gone away.
    let connection = client.begin_graphql(CHOOSE, &variables);
    let pid = caught(&server);
    drop(connection);
    until("the child has ended", || (!is_alive(pid)).then_some(()));
    assert_tidy(&server);
    assert_eq!(client.video(id)["thumbnail"], before);
    assert!(
        !server.log().contains("it took too long"),
        "{}",
        server.log()
    );

    // The server is going.
    let connection = client.begin_graphql(CHOOSE, &variables);
    let pid = caught(&server);
    let state = server.path("");
    server.stop();
    assert!(!is_alive(pid));
    drop(connection);
    assert_eq!(files(&state.join("stills")), Vec::<String>::new());
    let thumbnails = state.join("media/videos/thumbnails");
    assert_eq!(files(&thumbnails), Vec::<String>::new());
}

#[test]
fn a_picture_of_ones_own_is_made_a_poster_by_a_child() {
    let _turn = turn();
    let folder = scratch();
    let server = on(&folder.path().join("state")).up();
    let client = Client::admin(&server);
    let id = client.upload(&short_clip());
    let path = format!("/api/videos/{id}/thumbnail/");
    // What the clip shows after four seconds, larger than a poster.
    let picture = folder.path().join("own.png");
    let done = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-ss", "4", "-i"])
        .arg(short_clip())
        .args(["-vf", "scale=1920:-2", "-frames:v", "1"])
        .arg(&picture)
        .status()
        .unwrap();
    assert!(done.success());
    let picture = fs::read(&picture).unwrap();
    let answer = client.put(&path, &picture);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let url = answer.json()["thumbnail"].as_str().unwrap().to_owned();
    judge(&client, &url, &short_clip(), 4, 10);
    assert_ne!(client.get(&url).body, picture, "it is kept as it came");

    // Cut, a header that lies, and noise behind a good start.
    let mut huge = picture.clone();
    huge[16..24].fill(0x7f);
    let mut noise = picture[..100].to_vec();
    noise.extend((0..200_000_u32).map(|n| (n.wrapping_mul(n) / 7 % 251) as u8));
    for bytes in [
        &picture[..90],
        &huge,
        &noise,
        b"#EXTM3U\nfile:///etc/passwd\n",
    ] {
        assert_eq!(
            client.put(&path, bytes).status,
            400,
            "{} bytes",
            bytes.len()
        );
    }
    // What stood before stands, also when the video is made.
    assert_eq!(client.ready(id)["thumbnail"], url.as_str());
    let reset = client.delete(&path);
    assert_eq!(reset.status, 200);
    assert_ne!(reset.json()["thumbnail"], url.as_str());
    assert_tidy(&server);
    server.stop();
}
