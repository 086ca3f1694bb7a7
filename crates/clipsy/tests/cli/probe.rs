//! `clipsy probe` against ffprobe, for every fixture that can be transcoded.

use std::path::Path;

use serde_json::Value;

use crate::judge::source;
use crate::support::clipsy::clipsy;
use crate::support::inputs::{Expect, Fixture, fixture, fixtures_where};
use crate::support::rate::Rate;
use crate::support::report::{Report, each};
use crate::support::tools::{ffprobe, number, text, whole};

fn probe(path: &Path) -> Result<Value, String> {
    let done = clipsy(["probe".as_ref(), path.as_os_str(), "--json".as_ref()]);
    if done.code() != Some(0) || done.stdout.len() != 1 {
        return Err(format!(
            "exit {:?}, {} lines, {}",
            done.code(),
            done.stdout.len(),
            done.stderr.trim()
        ));
    }
    Ok(done.events().remove(0))
}

fn judged(path: &Path) -> Vec<Value> {
    // Damaged and odd files make ffprobe complain; what it found all the same is what counts here.
    let mut found = ffprobe(path, &["-v", "quiet", "-show_streams", "-show_format"]).unwrap();
    found["streams"]
        .as_array_mut()
        .map(std::mem::take)
        .unwrap_or_default()
}

#[test]
fn streams_are_as_ffprobe_says() {
    let all = fixtures_where(|f| {
        f.facts.expect == Expect::Ok && !f.facts.undeclared && !f.name.starts_with("track-")
    });
    each(
        &all,
        |f| &f.name,
        |fixture, report| {
            let found = match probe(&fixture.path) {
                Ok(found) => found,
                Err(problem) => return report.check(false, || problem),
            };
            let streams = judged(&fixture.path);
            let of = |kind: &str| {
                streams
                    .iter()
                    .filter(|s| s["codec_type"] == kind)
                    .collect::<Vec<_>>()
            };
            let listed = |kind: &str| found["media"][kind].as_array().cloned().unwrap_or_default();
            let (videos, audios) = (listed("video"), listed("audio"));
            report.equal(
                "numbers of streams",
                (videos.len(), audios.len()),
                (of("video").len(), of("audio").len()),
            );
            for (found, judged) in videos.iter().zip(of("video")) {
                source::check_video(fixture, found, judged, report);
            }
            for (found, judged) in audios.iter().zip(of("audio")) {
                source::check_audio(found, judged, report);
            }
            check_media(fixture, &found, report);
        },
    );
}

fn check_media(fixture: &Fixture, found: &Value, report: &mut Report) {
    let media = &found["media"];
    report.check(!text(&media["container"]).is_empty(), || {
        "no container".into()
    });
    let size = std::fs::metadata(&fixture.path).unwrap().len();
    report.equal("size_bytes", media["size_bytes"].as_u64(), Some(size));
    let expected = fixture.facts.durations();
    if let [expected] = expected[..] {
        let found = number(&media["duration_s"]).unwrap_or(0.0);
        // Headers count the sound, too, whose blocks end a little later.
        report.near("duration", found, expected, 0.15);
    }
    let plan = &found["plan"];
    let rate = Rate::parse(text(&plan["frame_rate"]));
    let rates = fixture.facts.rates();
    report.check(
        rates.is_empty() || rate.is_some_and(|rate| rates.contains(&rate)),
        || format!("planned frame rate {rate:?}, expected one of {rates:?}"),
    );
    let top = &plan["rungs"][0];
    let even = |side: u64| side / 2 * 2;
    let (width, height) = (
        whole(&top["width"]).unwrap_or(0),
        whole(&top["height"]).unwrap_or(0),
    );
    report.check(
        width <= even(fixture.facts.width) && height <= even(fixture.facts.height),
        || format!("the ladder begins at {width}x{height}"),
    );
}

fn rungs(name: &str) -> Vec<String> {
    let found = probe(&fixture(name).path).unwrap();
    let rungs = found["plan"]["rungs"].as_array().unwrap().iter();
    rungs
        .map(|rung| {
            format!(
                "{} {}x{}",
                text(&rung["name"]),
                rung["width"],
                rung["height"]
            )
        })
        .collect()
}

#[test]
fn the_ladder_follows_from_the_upright_picture() {
    let four = [
        "1080p 1920x1080",
        "720p 1280x720",
        "480p 854x480",
        "360p 640x360",
    ];
    assert_eq!(rungs("geometry-1920x1080"), four);
    assert_eq!(rungs("geometry-3840x2160"), four);
    assert_eq!(
        rungs("geometry-1440x900"),
        [
            "1080p 1440x900",
            "720p 1152x720",
            "480p 768x480",
            "360p 576x360"
        ]
    );
    assert_eq!(
        rungs("geometry-sar-64-45"),
        ["720p 1024x576", "480p 854x480", "360p 640x360"]
    );
    assert_eq!(rungs("geometry-rotate-90"), ["360p 360x640"]);
    assert_eq!(rungs("geometry-64x36"), ["360p 64x36"]);
    assert_eq!(rungs("geometry-odd-427x239"), ["360p 426x238"]);
}

#[test]
fn tracks_have_languages_and_a_default() {
    let found = probe(&fixture("audio-two-tracks").path).unwrap();
    let tracks = found["media"]["audio"].as_array().unwrap();
    let of = |field: &str| {
        tracks
            .iter()
            .map(|track| track[field].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(of("default"), [false, true]);
    let languages: Vec<Value> = of("language");
    assert!(
        ["en", "eng"].contains(&text(&languages[0])),
        "{languages:?}"
    );
    assert!(
        ["de", "deu", "ger"].contains(&text(&languages[1])),
        "{languages:?}"
    );
}

#[test]
fn what_is_left_aside_is_told_with_the_reason() {
    let path = fixture("audio-two-tracks").path;
    let tracks = probe(&path).unwrap()["tracks"].clone();
    assert_eq!(tracks["video"]["index"], 0, "{tracks}");
    assert_eq!(tracks["audio"]["kind"], "audio", "{tracks}");
    assert_eq!(tracks["audio"]["index"], 1, "{tracks}");
    assert_eq!(tracks["left"].as_array().map(Vec::len), Some(1), "{tracks}");
    let left = &tracks["left"][0];
    assert_eq!(
        (&left["kind"], &left["index"], &left["reason"]),
        (&"audio".into(), &0.into(), &"not_default".into())
    );

    let done = clipsy(["probe".as_ref(), path.as_os_str()]);
    let lines: Vec<&str> = done.stdout.iter().map(|line| line.trim()).collect();
    for line in [
        "used       video 0, audio 1",
        "left aside audio 0: the file marks another one as the default",
    ] {
        assert!(lines.contains(&line), "{line} is not in {lines:#?}");
    }
}

#[test]
fn people_read_the_same() {
    let path = fixture("geometry-rotate-90").path;
    let done = clipsy(["probe".as_ref(), path.as_os_str()]);
    assert_eq!((done.code(), done.complaints()), (Some(0), Vec::new()));
    let text = done.stdout.join("\n");
    for part in [
        "H.264",
        "640x360",
        "turned by 90°",
        "25 fps",
        "AAC",
        "48000 Hz",
        "360x640",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn what_cannot_be_used_is_refused_in_the_same_words() {
    for (name, code) in [
        ("bad-text", "unsupported_container"),
        ("bad-audio-only-mp4", "no_video_stream"),
        ("bad-unknown-codec", "unsupported_codec"),
        ("limit-38-megapixels", "limits_exceeded"),
    ] {
        let done = clipsy([
            "probe".as_ref(),
            fixture(name).path.as_os_str(),
            "--json".as_ref(),
        ]);
        assert_eq!(
            (done.code(), done.error_code()),
            (Some(3), Ok(code.into())),
            "{name}"
        );
    }
}
