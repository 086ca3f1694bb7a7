//! Runs that are stopped: asked to, or killed.

use std::path::Path;

use rustix::process::Signal;

use crate::judge;
use crate::support::clipsy::{Done, Running, transcode};
use crate::support::inputs::{clip, fixture};
use crate::support::report::{Report, turn};
use crate::support::tools::text;
use crate::support::{listing, scratch};

const OTHER: i32 = 1;

/// Starts a run of a minute of video, waits for an event and sends a signal.
fn stopped(out: &Path, event: &str, signal: Signal) -> Done {
    let mut run = Running::transcode(&clip("trailer_bbb.mp4"), out, &["--segment-seconds", "2"]);
    run.wait_for(event);
    run.signal(signal);
    run.finish()
}

fn assert_cancelled(done: &Done) {
    assert_eq!(done.code(), Some(OTHER), "{done:?}");
    assert_eq!(done.error_code(), Ok("cancelled".into()));
    let last = done.events().pop().unwrap();
    assert_eq!(
        (text(&last["event"]), text(&last["failure"]["code"])),
        ("failed", "cancelled")
    );
}

#[test]
fn a_cancelled_run_leaves_nothing() {
    let _turn = turn();
    for (event, signal) in [
        ("planned", Signal::TERM),
        ("playable", Signal::TERM),
        ("playable", Signal::INT),
    ] {
        let folder = scratch();
        let done = stopped(&folder.path().join("a/b"), event, signal);
        assert_cancelled(&done);
        assert_eq!(
            listing(folder.path()),
            Vec::<String>::new(),
            "after {event}, {signal:?}"
        );
    }
}

#[test]
fn a_cancelled_run_keeps_what_is_not_its_own() {
    let _turn = turn();
    let folder = scratch();
    let out = folder.path().join("out");
    let foreign = ["360p/notes.txt", "mine/segment_00000.txt", "notes.txt"];
    for name in foreign {
        let path = out.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, name).unwrap();
    }
    let before = listing(&out);
    assert_cancelled(&stopped(&out, "playable", Signal::TERM));
    assert_eq!(listing(&out), before);
    for name in foreign {
        assert_eq!(std::fs::read_to_string(out.join(name)).unwrap(), name);
    }
}

#[test]
fn a_killed_run_does_not_look_finished_and_can_be_run_again() {
    let _turn = turn();
    let folder = scratch();
    let out = folder.path().join("out");
    let done = stopped(&out, "playable", Signal::KILL);
    assert_eq!(done.killed_by(), Some(Signal::KILL.as_raw()));

    let playlists: Vec<String> = listing(&out)
        .into_iter()
        .filter(|name| name.contains(".m3u8"))
        .collect();
    assert_eq!(
        playlists,
        [
            "360p/playlist.m3u8",
            "480p/playlist.m3u8",
            "720p/playlist.m3u8",
            "master.m3u8"
        ]
    );
    for name in &playlists {
        let list = std::fs::read_to_string(out.join(name)).unwrap();
        assert!(
            !list.contains("#EXT-X-ENDLIST") && !list.contains("VOD"),
            "{name}:\n{list}"
        );
        if name == "master.m3u8" {
            assert!(
                list.contains("DATA-ID=\"org.clipsy.state\",VALUE=\"processing\""),
                "{list}"
            );
            assert!(!list.contains("AVERAGE-BANDWIDTH"), "{list}");
        }
    }

    // Another video into the same folder, with fewer renditions and segments.
    let next = fixture("media-h264");
    let done = transcode(&next.path, &out, &[]);
    let mut report = Report::default();
    judge::output(&out, &done, &next.facts, 10, &mut report);
    report.settle("the run after the kill");
}

#[test]
fn a_run_killed_early_has_no_master() {
    let _turn = turn();
    let folder = scratch();
    let out = folder.path().join("out");
    // The first progress comes long before the first segment.
    let done = stopped(&out, "progress", Signal::KILL);
    assert_eq!(done.killed_by(), Some(Signal::KILL.as_raw()));
    assert!(!out.join("master.m3u8").exists(), "{:?}", listing(&out));
}

#[test]
fn a_result_is_replaced_by_the_next() {
    let _turn = turn();
    let folder = scratch();
    let out = folder.path().join("out");
    transcode(
        &fixture("geometry-sar-64-45").path,
        &out,
        &["--segment-seconds", "2"],
    )
    .summary();
    let next = fixture("audio-none");
    let done = transcode(&next.path, &out, &[]);
    let mut report = Report::default();
    judge::output(&out, &done, &next.facts, 10, &mut report);
    report.settle("the second run");
}
