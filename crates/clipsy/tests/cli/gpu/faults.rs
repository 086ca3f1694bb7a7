//! Cards that fail: each fault has its event, and the video is made all the same.

use serde_json::Value;

use super::card::Card;
use super::path;
use crate::judge;
use crate::support::clipsy::Done;
use crate::support::inputs::fixture;
use crate::support::report::Report;
use crate::support::scratch;
use crate::support::tools::text;

/// The judged result of a transcode on `card`. `warnings` are those that it must give.
fn made(card: &Card, more: &[&str], warnings: &[&str]) -> Done {
    let mut source = fixture("media-h264");
    let folder = scratch();
    let out = folder.path().join("out");
    let (done, _) = card.transcode(&source.path, &out, more);
    assert_eq!(done.code(), Some(0), "{}", done.stderr);
    source.facts.warnings = warnings.iter().map(|w| (*w).to_owned()).collect();
    let mut report = Report::default();
    judge::output(&out, &done, &source.facts, 10, &mut report);
    report.settle(&source.name);
    done
}

fn events<'a>(all: &'a [Value], kind: &str) -> Vec<&'a Value> {
    all.iter().filter(|event| event["event"] == kind).collect()
}

/// `nvenc` is passed over before the job, for this reason, and the CPU encodes.
#[track_caller]
fn assert_passed_over(card: &Card, reason: &str) {
    let done = made(card, &[], &[]);
    let all = done.events();
    let selected = events(&all, "encoder_selected");
    assert_eq!(selected.len(), 1, "{selected:?}");
    assert_eq!(text(&selected[0]["encoder"]), "software");
    let told = text(&selected[0]["passed_over"][0]["reason"]);
    assert!(told.contains(reason), "{told}");
}

/// `nvenc` fails in mid-run and x264 makes the whole result.
#[track_caller]
fn assert_falls_back(card: &Card, more: &[&str], reason: &str) {
    let done = made(card, more, &[]);
    let all = done.events();
    let fallback = events(&all, "encoder_fallback");
    assert_eq!(fallback.len(), 1, "{all:?}");
    assert_eq!(
        [text(&fallback[0]["from"]), text(&fallback[0]["to"])],
        ["nvenc", "software"]
    );
    let told = text(&fallback[0]["reason"]);
    assert!(told.contains(reason), "{told}");
}

#[test]
fn too_few_sessions() {
    let card = Card::new().with("SESSIONS", "2").with("PROBES_FREE", "1");
    let source = fixture("media-h264");
    let folder = scratch();
    // One rendition needs one session: two are enough.
    let (done, _) = card.transcode(&source.path, folder.path(), &[]);
    let count = done.summary()["renditions"].as_array().unwrap().len();
    let expected = if count > 2 { "software" } else { "nvenc" };
    assert_eq!(text(&done.summary()["encoder"]), expected);
}

#[test]
fn a_session_that_is_refused() {
    let card = Card::new().with("FAIL_OPEN", "all");
    assert_passed_over(&card, "");
}

#[test]
fn keyframes_that_are_not_made() {
    assert_passed_over(&Card::new().with("IGNORE_IDR", "1"), "keyframes");
}

#[test]
fn green_pictures() {
    assert_passed_over(&Card::new().with("GREEN", "1"), "came back changed");
}

#[test]
fn torn_pictures() {
    assert_passed_over(&Card::new().with("TORN", "1"), "came back changed");
}

#[test]
fn a_driver_that_crashes() {
    assert_passed_over(&Card::new().with("ABORT_ON_OPEN", "1"), "crashed");
}

#[test]
fn pictures_that_are_too_small() {
    let card = Card::new()
        .with("MIN_WIDTH", "2000")
        .with("MIN_HEIGHT", "1200");
    assert_passed_over(&card, "must be");
}

#[test]
fn an_encoder_that_fails_in_mid_run() {
    let card = Card::new().with("FAIL_AFTER", "30");
    assert_falls_back(&card, &[], "encoder");
    // Also where it is the CPU that decodes.
    let card = Card::new().with("FAIL_AFTER", "30");
    assert_falls_back(&card, &["--decoder", "software"], "encoder");
}

#[test]
fn an_encoder_that_hangs_in_mid_run() {
    let card = Card::new().with("HANG_AFTER", "30");
    assert_falls_back(&card, &["--stall-timeout", "3"], "encoder is at a stop");
}

#[test]
fn a_decoder_that_fails_in_mid_run() {
    let card = Card::new().with("DECODE_FAIL_AFTER", "30");
    let done = made(&card, &[], &["decoder_fallback"]);
    assert_eq!(text(&done.summary()["encoder"]), "nvenc");
}

#[test]
fn a_decoder_that_hangs_in_mid_run() {
    let card = Card::new().with("DECODE_HANG_AFTER", "30");
    let done = made(&card, &["--stall-timeout", "3"], &["decoder_fallback"]);
    assert_eq!(text(&done.summary()["encoder"]), "nvenc");
}

#[test]
fn no_scaler() {
    let done = made(&Card::new().without("nvrtc"), &[], &["scaler_fallback"]);
    let all = done.events();
    assert_eq!(text(&done.summary()["encoder"]), "nvenc");
    assert!(path(&all).contains(&"clipsyscale"), "{:?}", path(&all));
    let warning = events(&all, "warning")[0];
    assert!(
        text(&warning["message"]).contains("libnvrtc.so"),
        "{warning}"
    );
}

#[test]
fn no_device_and_no_encoder() {
    assert_passed_over(&Card::new().with("NO_DEVICE", "1"), "GStreamer has no");
    // The driver complains on standard error, which is not judged here.
    let card = Card::new().with("NO_ENCODER", "1");
    let folder = scratch();
    let (done, _) = card.transcode(&fixture("media-h264").path, folder.path(), &[]);
    let all = done.events();
    assert_eq!(path(&all)[0], "nvdec", "the card still decodes");
    assert_eq!(text(&done.summary()["encoder"]), "software");
}

#[test]
fn a_card_that_encodes_fields_is_asked_for_pictures() {
    let card = Card::new().with("FIELDS", "1");
    if card.version() < (1, 22, 2) {
        assert_passed_over(&card, "no progressive pictures");
    } else {
        let done = made(&card, &[], &[]);
        assert_eq!(text(&done.summary()["encoder"]), "nvenc");
    }
}
