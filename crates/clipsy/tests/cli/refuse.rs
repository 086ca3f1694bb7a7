//! Inputs, folders and arguments that must be refused: with one line, the right code, and nothing
//! left behind.

use std::path::Path;

use crate::judge;
use crate::support::clipsy::{Done, clipsy, transcode};
use crate::support::inputs::{Expect, Facts, clip, fixture, fixtures_where};
use crate::support::report::{Report, each, turn};
use crate::support::tools::text;
use crate::support::{listing, scratch};

/// The input was refused.
const INPUT: i32 = 3;
/// The command line is wrong.
const USAGE: i32 = 2;
/// Anything else.
const OTHER: i32 = 1;

fn check_refusal(done: &Done, out: &Path, exit: i32, codes: &[String], report: &mut Report) {
    report.equal("exit code", done.code(), Some(exit));
    match done.error_code() {
        Ok(code) => report.check(codes.contains(&code), || {
            format!("code {code}, expected {codes:?}: {}", done.stderr)
        }),
        Err(problem) => report.check(false, || problem),
    }
    let last = done.events().pop().unwrap_or_default();
    report.equal("last event", text(&last["event"]), "failed");
    let failure = &last["failure"];
    report.equal(
        "code of the event",
        Ok(text(&failure["code"]).to_owned()),
        done.error_code(),
    );
    report.check(done.stderr.contains(text(&failure["message"])), || {
        format!("{failure} and {}", done.stderr)
    });
    report.equal(
        "retryable",
        &failure["retryable"],
        &serde_json::Value::Bool(false),
    );
    report.check(!out.exists(), || {
        format!("the output folder is left with {:?}", listing(out))
    });
}

#[test]
fn bad_inputs() {
    let refused = fixtures_where(|f| f.facts.expect == Expect::Error);
    each(
        &refused,
        |f| &f.name,
        |fixture, report| {
            let folder = scratch();
            let out = folder.path().join("a/b");
            let done = transcode(&fixture.path, &out, &[]);
            check_refusal(&done, &out, INPUT, &fixture.facts.codes, report);
            report.equal("what is left", listing(folder.path()), Vec::new());
        },
    );
}

#[test]
fn a_refusal_names_what_was_found() {
    for (name, word) in [
        ("bad-unknown-codec", "zzz1"),
        ("bad-unknown-codec-mkv", "V_MPEG4/ISO/ZZZ"),
        ("bad-audio-only-mp3", "audio"),
        ("limit-17-audio-tracks", "18"),
        ("limit-38-megapixels", "37.7"),
        ("limit-300-fps", "300"),
        ("limit-13-hours", "46800"),
    ] {
        let folder = scratch();
        let done = transcode(&fixture(name).path, &folder.path().join("out"), &[]);
        assert!(
            done.stderr.contains(word),
            "{name}: {:?} does not say {word}",
            done.stderr
        );
    }
}

#[test]
fn inputs_that_may_be_refused() {
    let either = fixtures_where(|f| f.facts.expect == Expect::Either);
    each(
        &either,
        |f| &f.name,
        |fixture, report| {
            let folder = scratch();
            let out = folder.path().join("out");
            let done = transcode(&fixture.path, &out, &[]);
            if done.code() == Some(0) {
                judge::output(&out, &done, &fixture.facts, 10, report);
            } else {
                check_refusal(&done, &out, INPUT, &fixture.facts.codes, report);
            }
        },
    );
}

#[test]
fn formats_that_need_not_be_known() {
    let names = ["demo.gif", "demo.m1v", "demo.rm", "demo.swf"];
    let codes = [
        "unsupported_container",
        "unsupported_codec",
        "no_video_stream",
    ]
    .map(str::to_owned);
    each(
        &names,
        |name| name,
        |name, report| {
            let folder = scratch();
            let out = folder.path().join("out");
            let done = transcode(&clip(name), &out, &[]);
            if done.code() == Some(0) {
                // Some of these tell no length, and ffprobe reads them differently.
                let silent = ["demo.gif", "demo.m1v"].contains(name);
                let audio = !silent && !done.warnings().contains(&"audio_dropped".to_owned());
                let mut facts = Facts::of_clip(176, 144, "24/1", &[], audio);
                facts.may_warn.push("audio_dropped".into());
                judge::output(&out, &done, &facts, 10, report);
            } else {
                check_refusal(&done, &out, INPUT, &codes, report);
            }
        },
    );
}

#[test]
fn limits_can_be_set() {
    let folder = scratch();
    let out = folder.path().join("out");
    let path = fixture("media-h264").path;
    for limit in [
        ["--max-megapixels", "0.1"],
        ["--max-fps", "20"],
        ["--max-tracks", "1"],
        ["--max-hours", "0.001"],
    ] {
        let mut report = Report::default();
        check_refusal(
            &transcode(&path, &out, &limit),
            &out,
            INPUT,
            &["limits_exceeded".to_owned()],
            &mut report,
        );
        report.settle(limit[0]);
    }
}

#[test]
fn limits_hold_for_what_no_header_tells() {
    // Nothing in this file says how long it is.
    let folder = scratch();
    let out = folder.path().join("out");
    let _turn = turn();
    let done = transcode(
        &fixture("time-mkv-pipe").path,
        &out,
        &["--max-hours", "0.0005"],
    );
    let mut report = Report::default();
    check_refusal(
        &done,
        &out,
        INPUT,
        &["limits_exceeded".to_owned()],
        &mut report,
    );
    report.settle("time-mkv-pipe");
}

#[test]
fn a_missing_input_is_a_usage_error() {
    let folder = scratch();
    let out = folder.path().join("out");
    let missing = folder.path().join("missing.mp4");
    let done = transcode(&missing, &out, &[]);
    assert_eq!(
        (done.code(), done.error_code()),
        (Some(USAGE), Ok("usage".into()))
    );
    assert!(done.stderr.contains("missing.mp4"), "{}", done.stderr);
    assert!(!out.exists());
}

#[test]
fn a_folder_is_no_input() {
    let folder = scratch();
    let out = folder.path().join("out");
    let done = transcode(folder.path(), &out, &[]);
    assert_eq!(
        (done.code(), done.error_code()),
        (Some(INPUT), Ok("unsupported_container".into()))
    );
    assert!(!out.exists());
}

#[test]
fn an_output_folder_that_cannot_be_made() {
    let folder = scratch();
    let file = folder.path().join("file");
    std::fs::write(&file, b"mine").unwrap();
    let done = transcode(&fixture("media-h264").path, &file.join("out"), &[]);
    assert_eq!(done.code(), Some(OTHER));
    assert_eq!(done.error_code(), Ok("internal".into()));
    assert!(done.stderr.contains("file"), "{}", done.stderr);
    assert_eq!(std::fs::read(&file).unwrap(), b"mine");
}

#[test]
fn wrong_arguments() {
    let folder = scratch();
    let out = folder.path().join("out");
    let broken = folder.path().join("broken.toml");
    std::fs::write(&broken, "[video]\ngop_s = \"two\"\n").unwrap();
    let broken = broken.to_str().unwrap();
    let input = fixture("media-h264").path;
    for (args, word) in [
        (["--encoder", "nosuch"], "nosuch"),
        (["--segment-seconds", "5"], "--segment-seconds"),
        (["--segment-seconds", "0"], "--segment-seconds"),
        (["--ladder", broken], "--ladder"),
        (["--ladder", "/nonexistent"], "--ladder"),
        (["--encoders", broken], "--encoders"),
    ] {
        let done = transcode(&input, &out, &args);
        assert_eq!(done.code(), Some(USAGE), "{args:?}: {}", done.stderr);
        assert_eq!(done.error_code(), Ok("usage".into()), "{args:?}");
        assert!(done.stderr.contains(word), "{args:?}: {}", done.stderr);
        assert!(!out.exists(), "{args:?} left {:?}", listing(&out));
    }
}

#[test]
fn people_get_the_same_line_as_programs() {
    let folder = scratch();
    let out = folder.path().join("out");
    let input = fixture("bad-text").path;
    let done = clipsy([
        "transcode".as_ref(),
        input.as_os_str(),
        "--out".as_ref(),
        out.as_os_str(),
    ]);
    assert_eq!(done.code(), Some(INPUT));
    assert_eq!(done.error_code(), Ok("unsupported_container".into()));
    assert_eq!(done.stdout, Vec::<String>::new());
}

#[test]
fn a_finished_result_survives_a_refusal() {
    let folder = scratch();
    let out = folder.path().join("out");
    transcode(&fixture("media-av1").path, &out, &[]).summary();
    let before = listing(&out);
    let done = transcode(&fixture("bad-text").path, &out, &[]);
    assert_eq!(done.code(), Some(INPUT));
    assert_eq!(listing(&out), before);
}
