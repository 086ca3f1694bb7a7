//! The NVIDIA path, over the emulated driver of `tools/nvidia-emulator`: `GStreamer`'s own plug-in runs,
//! and what it asks of the driver is counted.

mod card;
mod faults;

use serde_json::Value;

use crate::judge;
use crate::support::inputs::fixture;
use crate::support::report::each;
use crate::support::tools::text;
use crate::support::{inputs, scratch};
use card::{Card, Counters};

/// Most copies from the card that the stills may take: both planes of the thumbnail and of the tiles,
/// of which every second one may be dropped later.
fn stills(summary: &Value) -> u64 {
    2 * (2 * summary["storyboard_tiles"].as_u64().unwrap_or(0) + 2)
}

fn path(events: &[Value]) -> Vec<&str> {
    let selected = events
        .iter()
        .rev()
        .find(|event| event["event"] == "encoder_selected");
    let list = selected.and_then(|event| event["path"].as_array());
    list.into_iter().flatten().map(text).collect()
}

/// The CUDA encoder by the name that this version has for it.
fn nvenc(card: &Card) -> &'static str {
    if card.has("nvcudah264enc") {
        "nvcudah264enc"
    } else {
        "nvh264enc"
    }
}

#[test]
fn pictures_stay_on_the_card() {
    let card = Card::new();
    let encoder = nvenc(&card);
    for name in ["media-h264", "media-hevc", "media-vp9"] {
        let folder = scratch();
        let source = fixture(name);
        let (done, counters) = card.transcode(&source.path, folder.path(), &[]);
        assert_eq!(done.code(), Some(0), "{name}: {}", done.stderr);
        let events = done.events();
        assert_eq!(
            path(&events),
            ["nvdec", "cudaconvertscale", encoder],
            "{name}"
        );
        let summary = done.summary();
        assert_eq!(text(&summary["encoder"]), "nvenc", "{name}");
        let counters = counters.expect("the driver was used");
        assert_clean(name, &counters);
        assert_eq!(
            counters.get("host_to_device_pictures"),
            0,
            "{name}: pictures went to the card"
        );
        assert!(
            counters.get("device_to_host_pictures") <= stills(&summary),
            "{name}: {counters:?}"
        );
    }
}

/// Nothing is left open, and nothing was used wrongly.
fn assert_clean(name: &str, counters: &Counters) {
    assert_eq!(counters.get("misuse"), 0, "{name}: {counters:?}");
    for what in ["open_encode_sessions", "open_decoders"] {
        assert_eq!(counters.get(what), 0, "{name}: {what} {counters:?}");
    }
}

#[test]
fn a_decoder_on_the_cpu_costs_one_copy_a_picture() {
    let card = Card::new();
    let folder = scratch();
    let source = fixture("media-h264");
    let (done, counters) = card.transcode(&source.path, folder.path(), &["--decoder", "software"]);
    let summary = done.summary();
    let frames = summary["renditions"][0]["frames"].as_u64().unwrap();
    assert_eq!(
        path(&done.events()),
        ["cudaupload", "cudaconvertscale", nvenc(&card)]
    );
    let copies = counters.unwrap().get("host_to_device_pictures");
    // Three planes at most, however many renditions.
    assert!(
        (frames..=3 * frames).contains(&copies),
        "{copies} of {frames}"
    );
}

/// What comes out of the card is judged like what comes out of the CPU.
#[test]
fn pictures_are_right() {
    const NAMES: [&str; 12] = [
        "media-h264",
        "media-hevc",
        "media-vp9",
        "media-h264-ts",
        "geometry-rotate-90",
        "geometry-odd",
        "interlaced-576i25",
        "pixel-hdr-hlg",
        "pixel-full-range",
        "pixel-10-bit",
        "rate-slides",
        "bad-size-change",
    ];
    let card = Card::new();
    let all = inputs::fixtures_where(|f| NAMES.contains(&f.name.as_str()));
    assert!(all.len() > 6, "{}", all.len());
    each(
        &all,
        |f| &f.name,
        |fixture, report| {
            let folder = scratch();
            let out = folder.path().join("out");
            let (done, _) = card.transcode(&fixture.path, &out, &[]);
            judge::output(&out, &done, &fixture.facts, 10, report);
            report.equal("encoder", text(&done.summary()["encoder"]), "nvenc");
        },
    );
}

#[test]
fn doctor_counts_sessions_and_proves_decoders() {
    let card = Card::new().with("SESSIONS", "3").with("PROBES_FREE", "1");
    let done = card.clipsy(["doctor", "--json"]);
    let report = &done.events()[0];
    let finding = |list: &str, id: &str| -> Value {
        let all = report[list].as_array().unwrap();
        all.iter().find(|f| f["id"] == id).unwrap().clone()
    };
    // The ladder takes four.
    let nvenc = finding("encoders", "nvenc");
    assert_eq!(nvenc["works"], false, "{nvenc}");
    for codec in ["h264", "h265", "vp9"] {
        let decoder = finding("decoders", &format!("nvdec-{codec}"));
        assert_eq!(decoder["works"], true, "{decoder}");
    }
    let card = Card::new().with("SESSIONS", "6").with("PROBES_FREE", "1");
    let done = card.clipsy(["doctor", "--json"]);
    let report = &done.events()[0];
    let nvenc = report["encoders"].as_array().unwrap();
    let nvenc = nvenc.iter().find(|f| f["id"] == "nvenc").unwrap();
    assert_eq!(nvenc["works"], true, "{nvenc}");
    assert_eq!(nvenc["sessions"]["opened"], 6, "{nvenc}");
}

#[test]
fn doctor_proves_each_card() {
    // Sessions are counted by card; the second one has no encoder that works.
    let card = Card::new()
        .with("CARDS", "2")
        .with("PROBES_FREE", "1")
        .with("SESSIONS_0", "5")
        .with("GREEN_1", "1");
    let done = card.clipsy(["doctor", "--json"]);
    let report = &done.events()[0];
    let cards = report["cards"].as_array().unwrap();
    assert_eq!(cards.len(), 2, "{report}");
    let nvenc = |card: &Value| -> Value {
        let all = card["encoders"].as_array().unwrap();
        all.iter().find(|f| f["id"] == "nvenc").unwrap().clone()
    };
    assert_eq!(nvenc(&cards[0])["sessions"]["opened"], 5, "{report}");
    assert_eq!(nvenc(&cards[1])["works"], false, "{report}");
}
