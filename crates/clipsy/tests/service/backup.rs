//! `clipsy backup`, `restore` and `verify`: the original is destroyed, and the copy is put in its place.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use clipsy_testkit::Postgres;
use clipsy_testkit::weed::{ACCESS_KEY, SECRET_KEY, Weed};
use serde_json::Value;

use crate::flow::{judge, walk};
use crate::s3::in_bucket;
use crate::support::client::Client;
use crate::support::server::{Server, clipsy, on, run};
use crate::support::turn::turn;
use crate::support::{files, long_clip, scratch, short_clip};

/// Runs a command on the state folder `state`.
fn on_state(state: &Path, args: &[&str]) -> Output {
    let state = state.to_str().unwrap();
    run(args, &[("CLIPSY_STATE_DIR", state)])
}

#[track_caller]
fn done(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[track_caller]
fn done_json(output: &Output) -> Value {
    serde_json::from_str(&done(output)).unwrap()
}

#[track_caller]
fn refused(output: &Output, code: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.starts_with(&format!("error[{code}]")), "{said}");
}

fn stream_is(client: &Client, id: i64, clip: &Path) {
    let original = client.get(&format!("/api/videos/{id}/stream/"));
    assert!(original.body == fs::read(clip).unwrap());
}

#[test]
fn a_service_that_was_destroyed_comes_back() {
    let _turn = turn();
    let folder = scratch();
    let (state, backup) = (folder.path().join("state"), folder.path().join("backup"));
    let to = backup.to_str().unwrap();
    let server = on(&state).up();
    let client = Client::admin(&server);
    let short = client.upload(&short_clip());
    client.ready(short);
    let captions = format!("/api/videos/{short}/captions/de.vtt");
    let caption = |text: &str| format!("WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n{text}\n");
    let put = client.put(&captions, caption("first").as_bytes());
    assert_eq!(put.status, 200, "{}", put.text());
    let gone = client.upload(&short_clip());
    client.ready(gone);
    let long = client.upload(&long_clip());
    client.playable(long);

    // While it runs, and a video is being made.
    let first = done_json(&on_state(&state, &["backup", to, "--json"]));
    assert_eq!(first["videos"], 3);
    assert_eq!(first["missing"], Value::Array(Vec::new()));
    assert_eq!(first["new_files"], first["files"]);
    client.ready(long);
    let put = client.put(&captions, caption("second").as_bytes());
    assert_eq!(put.status, 200, "{}", put.text());
    assert_eq!(client.delete(&format!("/api/videos/{gone}/")).status, 204);

    let second = done_json(&on_state(&state, &["backup", to, "--json"]));
    assert_eq!(second["videos"], 2);
    let number = |of: &Value, name: &str| of[name].as_u64().unwrap();
    assert!(number(&second, "new_bytes") < number(&second, "bytes"));
    let kept = files(&backup.join("media/videos"));
    assert_eq!(kept.len() as u64, number(&second, "files"), "{kept:?}");
    let of_gone = format!("processed/{gone}/");
    assert!(!kept.iter().any(|file| file.contains(&of_gone)), "{kept:?}");
    let third = done_json(&on_state(&state, &["backup", to, "--json"]));
    // Playlists are always copied.
    assert!(number(&third, "new_bytes") < 100_000, "{third}");
    done(&on_state(&state, &["verify", "--backup", to]));

    let report = done_json(&on_state(&state, &["verify", "--hashes", "--json"]));
    assert_eq!(
        (&report["videos"], &report["hashed"]),
        (&2.into(), &2.into())
    );
    faults_are_found(&server, short);

    let (url, token) = (server.url.clone(), client.token().to_owned());
    server.kill();
    fs::remove_dir_all(&state).unwrap();
    done(&on_state(&state, &["restore", to]));
    refused(&on_state(&state, &["restore", to]), "database_not_empty");
    let server = on(&state).up();
    assert_ne!(server.url, url);
    // Who was signed in still is.
    let client = client.at(&server);
    assert_eq!(client.token(), token);
    judge(&server, &client, short, 10.0);
    judge(&server, &client, long, 55.1);
    stream_is(&client, long, &long_clip());
    assert_eq!(client.get(&captions).text(), caption("second"));
    done(&on_state(&state, &["verify", "--hashes"]));
    // Numbers of deleted videos are not given again.
    assert!(client.upload(&short_clip()) > long);
}

/// Whatever is missing, shorter, other or too much is told.
fn faults_are_found(server: &Server, id: i64) {
    let media = server.path("media/videos");
    let list = files(&media);
    let path = |end: &str| -> PathBuf {
        let of = format!("processed/{id}/");
        let found = list
            .iter()
            .find(|file| file.contains(&of) && file.ends_with(end));
        media.join(found.unwrap().trim_start_matches('/'))
    };
    let originals: Vec<PathBuf> = fs::read_dir(media.join("originals"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    let found = || {
        let output = on_state(&server.state, &["verify", "--hashes", "--json"]);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let faults = report["faults"].as_array().unwrap();
        if !faults.is_empty() {
            refused(&output, "faults");
        }
        let told = |fault: &Value| {
            let key = fault["key"].as_str().unwrap().to_owned();
            (fault["trouble"].as_str().unwrap().to_owned(), key)
        };
        faults.iter().map(told).collect::<Vec<_>>()
    };
    // Copies, since the backup may be another name of the same bytes.
    let with = |path: &Path, change: &dyn Fn(&mut Vec<u8>)| {
        let before = fs::read(path).unwrap();
        let mut after = before.clone();
        change(&mut after);
        fs::remove_file(path).unwrap();
        fs::write(path, after).unwrap();
        let seen = found();
        fs::remove_file(path).unwrap();
        fs::write(path, before).unwrap();
        seen
    };
    let key = |path: &Path| {
        let below = path.strip_prefix(&media).unwrap();
        format!("videos/{}", below.to_str().unwrap())
    };
    let told = |trouble: &str, path: &Path| vec![(trouble.to_owned(), key(path))];

    let original = &originals[0];
    let flipped = with(original, &|bytes| bytes[1000] ^= 1);
    assert_eq!(flipped, told("hash", original));
    assert_eq!(
        with(original, &|bytes| bytes.truncate(9)),
        told("size", original)
    );
    for end in [
        "segment_00001.ts",
        "thumbnail.jpg",
        "storyboard_000.jpg",
        "playlist.m3u8",
    ] {
        let file = path(end);
        let aside = media.join("aside");
        fs::rename(&file, &aside).unwrap();
        let seen = found();
        fs::rename(&aside, &file).unwrap();
        assert_eq!(seen, told("missing", &file));
    }
    let captions = list.iter().find(|file| file.contains("captions/"));
    let captions = media.join(captions.unwrap().trim_start_matches('/'));
    let aside = media.join("aside");
    fs::rename(&captions, &aside).unwrap();
    let seen = found();
    fs::rename(&aside, &captions).unwrap();
    assert_eq!(seen, told("missing", &captions));
    assert_eq!(
        with(&captions, &|bytes| bytes.truncate(9)),
        told("size", &captions)
    );
    for stray in [
        "originals/0123.mp4",
        "thumbnails/77_c0.jpg",
        "captions/77_t0.vtt",
    ] {
        let file = media.join(stray);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, b"x").unwrap();
        let seen = found();
        fs::remove_file(&file).unwrap();
        assert_eq!(seen, told("unowned", &file));
    }
    for stray in ["processed/9999".to_owned(), format!("processed/{id}/77")] {
        let folder = media.join(&stray);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("master.m3u8"), b"x").unwrap();
        let seen = found();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(seen, [("unowned".to_owned(), format!("videos/{stray}/"))]);
    }
    assert_eq!(found(), []);
}

#[test]
fn a_database_server_and_a_bucket_come_back() {
    let _turn = turn();
    let folder = scratch();
    let (state, backup) = (folder.path().join("state"), folder.path().join("backup"));
    let to = backup.to_str().unwrap();
    let (postgres, weed) = (Postgres::start(), Weed::start());
    let up = |state: &Path, postgres: &Postgres, weed: &Weed| {
        in_bucket(weed, on(state)).env("CLIPSY_DATABASE_URL", &postgres.url())
    };
    let command = |state: &Path, postgres: &Postgres, weed: &Weed, args: &[&str]| {
        let (state, url, endpoint) = (state.to_str().unwrap(), postgres.url(), weed.endpoint());
        run(
            args,
            &[
                ("CLIPSY_STATE_DIR", state),
                ("CLIPSY_DATABASE_URL", &url),
                ("CLIPSY_MEDIA_URL", "s3://films/clips"),
                ("CLIPSY_S3_ENDPOINT", &endpoint),
                ("CLIPSY_S3_ACCESS_KEY", ACCESS_KEY),
                ("CLIPSY_S3_SECRET_KEY", SECRET_KEY),
            ],
        )
    };
    let server = up(&state, &postgres, &weed).up();
    let client = Client::admin(&server);
    let id = client.upload(&short_clip());
    client.ready(id);
    let saved = done_json(&command(
        &state,
        &postgres,
        &weed,
        &["backup", to, "--json"],
    ));
    assert_eq!(
        (&saved["videos"], &saved["database"]),
        (&1.into(), &"postgres".into())
    );
    let again = done_json(&command(
        &state,
        &postgres,
        &weed,
        &["backup", to, "--json"],
    ));
    assert!(again["new_bytes"].as_u64().unwrap() < 100_000, "{again}");
    server.kill();
    drop((postgres, weed));

    // Not into a database of the other kind, nor beside what is there.
    let other = folder.path().join("other");
    refused(&on_state(&other, &["restore", to]), "other_database");
    let (postgres, weed) = (Postgres::start(), Weed::start());
    fs::remove_dir_all(&state).unwrap();
    done(&command(&state, &postgres, &weed, &["restore", to]));
    refused(
        &command(&state, &postgres, &weed, &["restore", to]),
        "database_not_empty",
    );
    let server = up(&state, &postgres, &weed).up();
    let client = client.at(&server);
    judge(&server, &client, id, 10.0);
    stream_is(&client, id, &short_clip());
    done(&command(&state, &postgres, &weed, &["verify", "--hashes"]));
    // Rows get new numbers.
    assert!(client.upload(&short_clip()) > id);
}

#[test]
fn what_was_killed_is_done_again() {
    let _turn = turn();
    let folder = scratch();
    let (state, backup) = (folder.path().join("state"), folder.path().join("backup"));
    let to = backup.to_str().unwrap();
    let server = on(&state).up();
    let client = Client::admin(&server);
    let id = client.upload(&short_clip());
    client.ready(id);
    done(&on_state(&state, &["backup", to]));
    let killed = |args: &[&str], state: &Path, after: Duration| {
        let mut command = clipsy();
        let command = command.args(args).env("CLIPSY_STATE_DIR", state);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(after);
        let _ = child.kill();
        child.wait().unwrap();
    };
    // The earlier backup is whole at any moment.
    let other = client.upload(&short_clip());
    client.ready(other);
    for after in [20, 40, 60, 80, 120, 160] {
        killed(&["backup", to], &state, Duration::from_millis(after));
        done(&on_state(&state, &["verify", "--backup", to]));
        let place = folder.path().join(format!("at-{after}"));
        done(&on_state(&place, &["restore", to]));
        done(&on_state(&place, &["verify", "--hashes"]));
    }
    done(&on_state(&state, &["backup", to]));
    server.kill();
    fs::remove_dir_all(&state).unwrap();
    for after in [20, 40, 60, 80] {
        killed(&["restore", to], &state, Duration::from_millis(after));
    }
    // The last of them may have been quick enough.
    let last = on_state(&state, &["restore", to]);
    if !last.status.success() {
        refused(&last, "database_not_empty");
    }
    let server = on(&state).up();
    let client = client.at(&server);
    let videos: Vec<Value> = client.videos();
    assert_eq!(videos.len(), 2);
    for video in &videos {
        assert!(walk(&client, video, 100) > 0);
    }
    done(&on_state(&state, &["verify", "--hashes"]));
}

#[test]
fn places_that_hold_something_else_are_refused() {
    let _turn = turn();
    let folder = scratch();
    let (state, backup) = (folder.path().join("state"), folder.path().join("backup"));
    let to = backup.to_str().unwrap();
    refused(&on_state(&state, &["backup", to]), "no_database");
    refused(&on_state(&state, &["verify"]), "no_database");
    assert!(!state.join("clipsy.db").exists());
    refused(&on_state(&state, &["restore", to]), "no_backup");
    let server = on(&state).up();
    done(&on_state(&state, &["backup", to]));
    // While the service runs on it.
    refused(&on_state(&state, &["restore", to]), "locked");
    server.stop();
    let new = folder.path().join("new");
    let stray = new.join("media/videos/originals/1.mp4");
    fs::create_dir_all(stray.parent().unwrap()).unwrap();
    fs::write(&stray, b"x").unwrap();
    refused(&on_state(&new, &["restore", to]), "media_not_empty");
    fs::remove_file(&stray).unwrap();
    fs::write(backup.join("backup.json"), r#"{"format": 2}"#).unwrap();
    refused(&on_state(&new, &["restore", to]), "backup_form");
}
