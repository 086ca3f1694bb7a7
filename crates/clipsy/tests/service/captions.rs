//! Captions of a real video, judged by programs of others: hls-parser, and hls.js in a real browser, which shows
//! each cue with the picture that it belongs to.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::client::Client;
use crate::support::server::on;
use crate::support::turn::turn;
use crate::support::{repository, scratch};

const PASSWORD: &str = "a password of my own";
/// How long the clip is, in seconds: segments of 2, 2, 2, 4, 10, 10, 10 and 5.
const LENGTH_S: u32 = 45;

/// A clip that is white in the first 0.2 s of each second, and black otherwise.
fn flashes(path: &Path) {
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i"])
        .arg("color=black:size=320x180:rate=25,drawbox=t=fill:color=white:enable='lt(mod(n,25),5)'")
        .args(["-f", "lavfi", "-i", "sine=sample_rate=48000"])
        .args(["-t", &LENGTH_S.to_string()])
        .args([
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-pix_fmt",
            "yuv420p",
        ])
        .args(["-c:a", "aac", "-b:a", "64k"])
        .arg(path)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
}

/// A caption for each second but the first.
fn subtitles() -> String {
    let time = |second: u32| format!("00:00:{second:02},000");
    let cue = |second| {
        format!(
            "{second}\n{} --> {}\nat {second}\n\n",
            time(second),
            time(second + 1)
        )
    };
    (1..LENGTH_S).map(cue).collect()
}

#[test]
fn captions_appear_with_their_pictures() {
    assert!(
        repository("web/dist/site/index.html").exists(),
        "the front end is not built: run `make test`, or `npm run build` in web/ and try again"
    );
    let _turn = turn();
    let folder = scratch();
    let server = on(&folder.path().join("state"))
        .env("CLIPSY_ADMIN_PASSWORD", PASSWORD)
        .up();
    let client = Client::of(&server, "admin", PASSWORD);
    let clip = folder.path().join("flashes.mp4");
    flashes(&clip);
    let id = client.upload(&clip);
    client.ready(id);
    let path = format!("/api/videos/{id}/captions/de.vtt?default=true");
    let set = client.put(&path, subtitles().as_bytes());
    assert_eq!(set.status, 200, "{}", set.text());
    let deaf = client.put(
        &format!("/api/videos/{id}/captions/en.vtt?kind=captions"),
        subtitles().as_bytes(),
    );
    assert_eq!(deaf.status, 200, "{}", deaf.text());
    let done = Command::new("node")
        .arg(repository("crates/clipsy/tests/service/captions.mjs"))
        .env("CLIPSY_URL", &server.url)
        .env("CLIPSY_TOOLS", repository("tools/js/package.json"))
        .env(
            "CLIPSY_HLS",
            repository("web/node_modules/hls.js/dist/hls.js"),
        )
        .env("CLIPSY_VIDEO", id.to_string())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    let complaints = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}\n{complaints}");
    print!("{said}");
}
