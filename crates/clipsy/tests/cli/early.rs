//! What a player sees while a transcode runs, and what the events tell.

use std::collections::HashMap;
use std::path::Path;

use rustix::process::Signal;
use serde_json::Value;

use crate::judge;
use crate::support::clipsy::Running;
use crate::support::inputs::{Facts, clip};
use crate::support::report::{Report, turn};
use crate::support::scratch;
use crate::support::tools::{ffprobe, hls, number, text, whole};

const SEGMENT_S: u64 = 2;

/// What was listed at one moment: by the path of the playlist, its target and its entries.
type Lists = HashMap<String, (Option<u64>, Vec<(String, u64)>)>;

#[test]
fn a_running_transcode_can_be_played() {
    let folder = scratch();
    let out = folder.path().join("out");
    let mut report = Report::default();
    let _turn = turn();

    let mut run = Running::transcode(&clip("trailer_bbb.mp4"), &out, &["--segment-seconds", "2"]);
    let playable = run.wait_for("playable");
    // The clock stands still while a test looks, so that a fast machine does not run away from it.
    run.signal(Signal::STOP);
    let first = growing(&out, text(&playable["master"]), &mut report);
    assert_eq!(first.len(), 3, "renditions in {:?}", first.keys());
    for (list, (_, entries)) in &first {
        for (uri, _) in entries {
            let decoded = ffprobe(
                &out.join(list).with_file_name(uri),
                &["-show_entries", "frame=pts"],
            );
            report.check(decoded.is_ok(), || {
                format!("{uri} of {list}: {:?}", decoded.err())
            });
        }
    }
    run.signal(Signal::CONT);

    let mut before = first.clone();
    let (mut events, mut looks) = (0u64, 0u64);
    while let Some(event) = run.next_event() {
        if event["event"] == "segment" {
            check_listed(&out, &event, &mut report);
            events += 1;
            // Of the last segments the next event may be the end.
            if events.is_multiple_of(5) && event["index"].as_u64() < Some(24) {
                run.signal(Signal::STOP);
                let now = growing(&out, "master.m3u8", &mut report);
                run.signal(Signal::CONT);
                check_growth(&before, &now, &mut report);
                before = now;
                looks += 1;
            }
        }
    }
    let done = run.finish();
    assert!(looks > 5, "only {looks} looks at the growing playlists");

    let facts = Facts::of_clip(1280, 720, "24/1", &[1323.0 / 24.0], true);
    if let Some(tree) = judge::output(&out, &done, &facts, SEGMENT_S, &mut report) {
        let last = tree.rungs.iter().map(|rung| {
            let entries = rung.segments.iter().map(|s| {
                let name = s
                    .path
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned();
                (name, s.bytes)
            });
            let target = whole(&rung.playlist["targetDuration"]);
            (
                text(&rung.summary["playlist_path"]).to_owned(),
                (target, entries.collect()),
            )
        });
        check_growth(&before, &last.collect(), &mut report);
        for (list, (_, entries)) in &first {
            let at_last = tree.rungs[0].segments.len();
            // The first segments are short and come quickly.
            report.check(entries.len() <= at_last * 2 / 3, || {
                format!("{list} was playable with {} segments", entries.len())
            });
        }
    }
    check_events(&done.events(), &mut report);
    report.settle("trailer_bbb");
}

/// The playlists while they grow; checks that they say so.
fn growing(out: &Path, master: &str, report: &mut Report) -> Lists {
    let lists = hls(&out.join(master)).unwrap();
    let master = &lists["master"];
    let state = &master["sessionDataList"][0];
    report.equal(
        "session data",
        (text(&state["id"]), text(&state["value"])),
        ("org.clipsy.state", "processing"),
    );
    for variant in master["variants"].as_array().into_iter().flatten() {
        report.check(text(&variant["codecs"]).starts_with("avc1."), || {
            format!("codecs of {}", variant["uri"])
        });
        report.check(variant["bandwidth"].as_u64() > Some(0), || {
            format!("bandwidth of {}", variant["uri"])
        });
    }
    let media = lists["media"].as_object().cloned().unwrap_or_default();
    let read = media.into_iter().map(|(uri, list)| {
        report.equal(
            "type of a growing playlist",
            text(&list["playlistType"]),
            "EVENT",
        );
        report.equal(
            "ENDLIST in a growing playlist",
            &list["endlist"],
            &Value::Bool(false),
        );
        report.equal(
            "first sequence number",
            list["mediaSequenceBase"].as_u64(),
            Some(0),
        );
        report.equal(
            "offset of EXT-X-START",
            number(&list["start"]["offset"]),
            Some(0.0),
        );
        let segments = list["segments"].as_array().cloned().unwrap_or_default();
        let entries = segments.iter().map(|segment| {
            let name = text(&segment["uri"]).to_owned();
            let size = std::fs::metadata(out.join(&uri).with_file_name(&name)).map(|m| m.len());
            report.check(size.is_ok(), || {
                format!("{name} is listed in {uri} but not there")
            });
            (name, size.unwrap_or(0))
        });
        let entries: Vec<_> = entries.collect();
        report.check(!entries.is_empty(), || {
            format!("{uri} is empty though playable")
        });
        (uri, (whole(&list["targetDuration"]), entries))
    });
    read.collect()
}

/// A segment is listed when its event says so.
fn check_listed(out: &Path, event: &Value, report: &mut Report) {
    let (rung, index) = (
        text(&event["rung"]),
        event["index"].as_u64().unwrap_or(u64::MAX),
    );
    let list = std::fs::read_to_string(out.join(rung).join("playlist.m3u8")).unwrap_or_default();
    let name = format!("segment_{index:05}.ts");
    report.check(list.contains(&name), || {
        format!("the event of {rung}/{name} came before it was listed")
    });
    let size = std::fs::metadata(out.join(rung).join(&name)).map_or(0, |m| m.len());
    report.equal(
        &format!("bytes of {rung}/{name}"),
        event["bytes"].as_u64(),
        Some(size),
    );
}

/// What was listed stays listed, with the same target and the same bytes.
fn check_growth(before: &Lists, now: &Lists, report: &mut Report) {
    for (uri, (target, entries)) in before {
        let Some((target_now, entries_now)) = now.get(uri) else {
            report.check(false, || format!("{uri} is gone"));
            continue;
        };
        report.equal(&format!("TARGETDURATION of {uri}"), target_now, target);
        report.check(entries_now.starts_with(entries), || {
            format!("{uri} had {entries:?}, now {entries_now:?}")
        });
    }
}

fn check_events(events: &[Value], report: &mut Report) {
    let kinds: Vec<&str> = events.iter().map(|event| text(&event["event"])).collect();
    let at = |kind: &str| kinds.iter().position(|k| *k == kind);
    let order: Vec<Option<usize>> = [
        "probed",
        "planned",
        "encoder_selected",
        "playable",
        "finished",
    ]
    .into_iter()
    .map(at)
    .collect();
    report.check(
        order.iter().all(Option::is_some) && order.is_sorted(),
        || format!("order of events: {order:?}"),
    );
    report.check(at("thumbnail").is_some(), || "no thumbnail event".into());

    let progress: Vec<&Value> = events
        .iter()
        .filter(|event| event["event"] == "progress")
        .collect();
    for pair in progress.windows(2) {
        let seq = |event: &Value| event["seq"].as_u64().unwrap_or(0);
        report.equal("seq", seq(pair[1]), seq(pair[0]) + 1);
        let percent = |event: &Value| event["percent"].as_f64().unwrap_or(-1.0);
        report.check(percent(pair[1]) >= percent(pair[0]), || {
            format!("the percentage falls: {} {}", pair[0], pair[1])
        });
        for (was, is) in renditions(pair[0]).iter().zip(renditions(pair[1])) {
            for field in ["percent", "frames", "bytes"] {
                let falls = is[field].as_f64() < was[field].as_f64();
                report.check(!falls, || {
                    format!(
                        "{field} of {} falls from {} to {}",
                        is["rung"], was[field], is[field]
                    )
                });
            }
        }
    }
    for event in &progress {
        let rungs: Vec<&str> = renditions(event).iter().map(|r| text(&r["rung"])).collect();
        report.equal(
            "renditions of a progress event",
            rungs,
            vec!["720p", "480p", "360p"],
        );
        for rendition in renditions(event) {
            let shown = ["percent", "frames", "fps", "speed", "bytes"]
                .into_iter()
                .all(|f| rendition[f].is_number());
            let whole =
                shown && rendition["encoder"] == "x264-ladder" && rendition.get("eta_s").is_some();
            report.check(whole, || {
                format!("a progress event lacks something: {rendition}")
            });
            let percent = rendition["percent"].as_f64().unwrap_or(-1.0);
            report.check((0.0..=100.0).contains(&percent), || {
                format!("a percentage of {percent}")
            });
        }
    }
    let wall = events
        .last()
        .and_then(|event| event["summary"]["wall_s"].as_f64())
        .unwrap_or(0.0);
    // One at the start and one at the end come in any case.
    let most = wall * 4.0 + 2.0;
    report.check(progress.len() as f64 <= most, || {
        format!("{} progress events in {wall} s", progress.len())
    });
    report.check(progress.len() > 4, || {
        format!("only {} progress events", progress.len())
    });
}

fn renditions(event: &Value) -> &[Value] {
    event["renditions"].as_array().map_or(&[], Vec::as_slice)
}
