//! `clipsy doctor`, and what happens when encoders do not work.

use serde_json::Value;

use crate::support::clipsy::{clipsy, transcode};
use crate::support::inputs::fixture;
use crate::support::tools::text;
use crate::support::{repository, scratch};

/// An encoder that no machine has.
const IMAGINARY: &str = r#"
[[encoder]]
id = "imaginary"
label = "Imaginary encoder"
hardware = false
needs = { package = "gstreamer1.0-imaginary" }

[[encoder.variant]]
element = "clipsyimaginaryenc"
prepare = []
format = "I420"
"#;

const AUDIO: &str = r#"
[[audio_encoder]]
element = "avenc_aac"
format = "F32LE"
priming = 1024
"#;

fn report() -> Value {
    let done = clipsy(["doctor", "--json"]);
    assert_eq!(done.code(), Some(0), "{}", done.stderr);
    assert_eq!(done.stdout.len(), 1, "one JSON object");
    done.events().remove(0)
}

fn findings<'a>(report: &'a Value, list: &str) -> &'a [Value] {
    report[list].as_array().map_or(&[], Vec::as_slice)
}

#[test]
fn every_encoder_is_explained() {
    let report = report();
    assert!(
        text(&report["gstreamer"]).starts_with("GStreamer 1."),
        "{}",
        report["gstreamer"]
    );
    let ids: Vec<&str> = findings(&report, "encoders")
        .iter()
        .map(|f| text(&f["id"]))
        .collect();
    assert_eq!(ids, ["nvenc", "va", "x264-ladder", "software", "openh264"]);
    for finding in findings(&report, "encoders")
        .iter()
        .chain(findings(&report, "decoders"))
    {
        assert!(
            !text(&finding["label"]).is_empty() && !text(&finding["reason"]).is_empty(),
            "{finding}"
        );
        // What works needs no advice; what does not, does.
        assert_eq!(
            finding["works"] == true,
            text(&finding["advice"]).is_empty(),
            "{finding}"
        );
    }
    let software = findings(&report, "encoders")
        .iter()
        .find(|f| f["id"] == "software")
        .unwrap();
    assert_eq!(software["works"], true, "{software}");
    let first = findings(&report, "encoders")
        .iter()
        .find(|f| f["works"] == true)
        .unwrap();
    assert_eq!(report["selected"], first["id"]);
    for (list, id) in [
        ("decoders", "h264"),
        ("decoders", "h265"),
        ("parts", "hlssink2"),
        ("parts", "aac-encoder"),
    ] {
        let found = findings(&report, list).iter().find(|f| f["id"] == id);
        assert!(
            found.is_some_and(|f| f["works"] == true),
            "{list} {id}: {found:?}"
        );
    }
}

#[test]
fn people_read_the_same() {
    let report = report();
    let done = clipsy(["doctor"]);
    assert_eq!((done.code(), done.complaints()), (Some(0), Vec::new()));
    let text_form = done.stdout.join("\n");
    for list in ["encoders", "decoders", "parts"] {
        for finding in findings(&report, list) {
            for field in ["label", "advice"] {
                assert!(
                    text_form.contains(text(&finding[field])),
                    "{finding} is not in\n{text_form}"
                );
            }
        }
    }
    for label in ["NVIDIA NVENC", "VA-API", "x264", "OpenH264"] {
        assert!(text_form.contains(label), "{label} is not in\n{text_form}");
    }
}

#[test]
fn without_an_encoder_nothing_can_be_done() {
    let folder = scratch();
    let catalog = folder.path().join("encoders.toml");
    std::fs::write(&catalog, format!("{IMAGINARY}{AUDIO}")).unwrap();
    let catalog = catalog.to_str().unwrap();

    let done = clipsy(["doctor", "--json", "--encoders", catalog]);
    assert_eq!(
        (done.code(), done.error_code()),
        (Some(1), Ok("encoder_unavailable".into()))
    );
    let report = done.events().remove(0);
    assert_eq!(report["selected"], Value::Null);
    let finding = &report["encoders"][0];
    assert!(
        text(&finding["reason"]).contains("clipsyimaginaryenc"),
        "{finding}"
    );
    assert!(
        text(&finding["advice"]).contains("gstreamer1.0-imaginary"),
        "{finding}"
    );

    for encoder in ["auto", "imaginary"] {
        let out = folder.path().join("out");
        let more = ["--encoders", catalog, "--encoder", encoder];
        let done = transcode(&fixture("media-av1").path, &out, &more);
        assert_eq!(
            (done.code(), done.error_code()),
            (Some(1), Ok("encoder_unavailable".into())),
            "{encoder}"
        );
        assert!(
            done.stderr.contains("clipsyimaginaryenc"),
            "{}",
            done.stderr
        );
        assert!(!out.exists());
    }
}

#[test]
fn auto_passes_over_what_does_not_work_and_says_why() {
    let built_in = std::fs::read_to_string(repository("pipelines/encoders.toml")).unwrap();
    let folder = scratch();
    let (catalog, out) = (
        folder.path().join("encoders.toml"),
        folder.path().join("out"),
    );
    std::fs::write(&catalog, format!("{IMAGINARY}{built_in}")).unwrap();
    let more = ["--encoders", catalog.to_str().unwrap()];
    let done = transcode(&fixture("media-av1").path, &out, &more);
    done.summary();
    let events = done.events();
    let selected = events
        .iter()
        .find(|event| event["event"] == "encoder_selected")
        .unwrap();
    let passed = &selected["passed_over"][0];
    assert_eq!(passed["encoder"], "imaginary", "{selected}");
    assert!(
        text(&passed["reason"]).contains("clipsyimaginaryenc"),
        "{selected}"
    );
}

#[test]
fn a_chosen_encoder_is_used() {
    let folder = scratch();
    let done = transcode(
        &fixture("media-av1").path,
        &folder.path().join("out"),
        &["--encoder", "openh264"],
    );
    assert_eq!(done.summary()["encoder"], "openh264");
}
