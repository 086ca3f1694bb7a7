//! Players in a real browser: our own after hours in which nobody touched it, and one on somebody
//! else's page.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use chrono::TimeDelta;
use clipsy_domain::media_key;
use clipsy_storage::Finished;

use crate::support::{Server, password_of};

/// Longer than what hls.js loads ahead, which is ten minutes.
const LENGTH_S: u32 = 900;

/// A path below the repository's root.
fn repository(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

/// Makes a video of ann's, with real pictures and sound in one rendition.
fn video(server: &Server, visibility: &str) -> i64 {
    let id = server.video(&server.token("ann"), visibility);
    server.make_playable(id);
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new("ffmpeg")
        .args([
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            "testsrc=size=320x180:rate=5",
        ])
        .args(["-f", "lavfi", "-i", "sine=sample_rate=48000"])
        .args(["-t", &LENGTH_S.to_string()])
        .args([
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-g",
            "50",
            "-pix_fmt",
            "yuv420p",
        ])
        .args(["-c:a", "aac", "-b:a", "32k", "-f", "hls", "-hls_time", "10"])
        .args([
            "-hls_playlist_type",
            "vod",
            "-hls_segment_filename",
            "segment_%05d.ts",
        ])
        .arg("playlist.m3u8")
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    server.run(async {
        let (db, media) = (&server.app.db, &server.app.media);
        let job = db.job_of_asset(id).await.unwrap().unwrap();
        let prefix = media_key::output_prefix(id, job.attempt);
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            let key = format!("{prefix}720p/{name}");
            media.put_file(&key, &path).await.unwrap();
        }
        let master = "#EXTM3U\n#EXT-X-VERSION:3\n\
            #EXT-X-STREAM-INF:BANDWIDTH=300000,RESOLUTION=320x180,CODECS=\"avc1.42c00d,mp4a.40.2\"\n\
            720p/playlist.m3u8\n";
        let key = format!("{prefix}{}", media_key::MASTER);
        media.put(&key, master.into()).await.unwrap();
        let made = Finished {
            renditions: Vec::new(),
            duration_s: Some(f64::from(LENGTH_S)),
            has_thumbnail: true,
            has_storyboard: false,
        };
        assert!(db.finish_job(job.id, job.attempt, &made).await.unwrap());
    });
    id
}

#[test]
fn a_video_paused_for_hours_plays_on_where_one_seeks() {
    assert!(
        repository("web/dist/site/index.html").exists(),
        "the front end is not built: run `make test`, or `npm run build` in web/ and try again"
    );
    let server = Server::start();
    // The browser has a clock of its own.
    let ahead = chrono::Utc::now().timestamp_millis() - crate::support::START_MS;
    server.clock.advance(TimeDelta::milliseconds(ahead));
    let id = video(&server, "private");
    let mut visit = Command::new("node")
        .arg(repository("crates/graph/tests/player/pause.mjs"))
        .env("CLIPSY_URL", format!("http://{}", server.address))
        .env("CLIPSY_TOOLS", repository("tools/js/package.json"))
        .env("CLIPSY_VIDEO", id.to_string())
        .env("CLIPSY_PASSWORD", password_of("ann"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(visit.stdout.take().unwrap()).lines();
    let line = told.next().unwrap().unwrap();
    assert_eq!(line, "paused");
    server.clock.advance(TimeDelta::hours(4));
    writeln!(visit.stdin.as_mut().unwrap(), "four hours later").unwrap();
    let rest: Vec<String> = told.map_while(Result::ok).collect();
    let status = visit.wait().unwrap();
    assert!(status.success(), "{rest:?}");
}

#[test]
fn a_page_of_another_origin_plays_and_asks() {
    let port = clipsy_testkit::free_port();
    let server = Server::start_with(|settings| {
        settings.allowed_origins = vec![format!("http://127.0.0.1:{port}")];
    });
    let id = video(&server, "public");
    let done = Command::new("node")
        .arg(repository("crates/graph/tests/player/elsewhere.mjs"))
        .env("CLIPSY_URL", format!("http://{}", server.address))
        .env("CLIPSY_TOOLS", repository("tools/js/package.json"))
        .env(
            "CLIPSY_HLS",
            repository("web/node_modules/hls.js/dist/hls.js"),
        )
        .env("CLIPSY_VIDEO", id.to_string())
        .env("CLIPSY_TOKEN", server.token("ann"))
        .env("CLIPSY_PORT", port.to_string())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let complaints = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{complaints}");
}
