//! Every input that must be transcoded, from the table of fixtures and from fetched clips.

use std::path::PathBuf;

use crate::judge::tree::Tree;
use crate::judge::{self, picture};
use crate::support::clipsy::{Done, transcode};
use crate::support::inputs::{Band, Expect, Facts, Fixture, clip, fixtures_where};
use crate::support::rate::Rate;
use crate::support::report::{Report, each};
use crate::support::tools::{ffprobe, number, text, whole};
use crate::support::{inputs, repository, scratch};

/// Beginnings of the names of fixtures; each group is a test.
const GROUPS: [&str; 11] = [
    "rate-",
    "media-",
    "geometry-",
    "interlaced-",
    "pixel-",
    "audio-",
    "time-ts-",
    "time-",
    "track-",
    "still-",
    "bad-",
];

fn must_work(prefix: &str) -> Vec<Fixture> {
    fixtures_where(|f| f.facts.expect == Expect::Ok && group(&f.name) == Some(prefix))
}

fn group(name: &str) -> Option<&'static str> {
    GROUPS.into_iter().find(|prefix| name.starts_with(prefix))
}

fn judge(fixture: &Fixture, report: &mut Report) -> Option<(Tree, Done)> {
    let folder = scratch();
    let out = folder.path().join("out");
    let done = transcode(&fixture.path, &out, &[]);
    let tree = judge::output(&out, &done, &fixture.facts, 10, report)?;
    if let Some(corners) = &fixture.facts.corners {
        picture::check_corners(&tree, corners, report);
    }
    // Whatever the range of the source, the result looks like the ungraded film.
    if fixture.name.starts_with("pixel-graded-") {
        let original = fixture.path.with_file_name("pixel-graded-sdr.mp4");
        picture::check_likeness(&tree, &original, report);
    } else if is_comparable(&fixture.facts) {
        picture::check_likeness(&tree, &fixture.path, report);
    }
    Some((tree, done))
}

/// Whether ffmpeg shows the same picture in the middle: not of a faster source, of one that is cut
/// or fitted into another size, or of high dynamic range.
fn is_comparable(facts: &Facts) -> bool {
    let one_rate = facts.rates().len() == 1 && facts.exact.is_none() && facts.is_regular();
    let whole = !facts.offset_any && facts.span().is_none() && !facts.damaged;
    // A chart that fills the picture is judged by itself.
    let same = facts
        .chart
        .as_ref()
        .is_some_and(|chart| chart.band != Band::Whole);
    one_rate && whole && same && facts.patches.is_some() && facts.durations().len() == 1
}

fn judge_all(prefix: &str) {
    each(
        &must_work(prefix),
        |f| &f.name,
        |fixture, report| drop(judge(fixture, report)),
    );
}

#[test]
fn every_fixture_is_in_a_group() {
    let left_out = fixtures_where(|f| f.facts.expect == Expect::Ok && group(&f.name).is_none());
    assert!(
        left_out.is_empty(),
        "{:?}",
        left_out.iter().map(|f| &f.name).collect::<Vec<_>>()
    );
}

#[test]
fn frame_rates() {
    judge_all("rate-");
}

#[test]
fn containers_and_codecs() {
    judge_all("media-");
}

#[test]
fn sizes_shapes_and_rotations() {
    judge_all("geometry-");
}

#[test]
fn interlaced() {
    each(
        &must_work("interlaced-"),
        |f| &f.name,
        |fixture, report| {
            let Some((_, done)) = judge(fixture, report) else {
                return;
            };
            let events = done.events();
            // What begins with pictures may not be known to go on with fields.
            if fixture.name == "interlaced-later" {
                return;
            }
            let planned = events.iter().find(|event| event["event"] == "planned");
            report.check(planned.is_some_and(|e| e["deinterlaced"] == true), || {
                "it was not deinterlaced".into()
            });
        },
    );
}

#[test]
fn pixel_formats_and_colours() {
    each(
        &must_work("pixel-"),
        |f| &f.name,
        |fixture, report| {
            let Some((tree, done)) = judge(fixture, report) else {
                return;
            };
            let kind = fixture.facts.hdr.as_str();
            report.equal(
                "hdr_source in the summary",
                text(&tree.summary["hdr_source"]),
                kind,
            );
            for event in done
                .events()
                .iter()
                .filter(|event| event["event"] == "planned")
            {
                report.equal("hdr_source when planned", text(&event["hdr_source"]), kind);
            }
        },
    );
}

#[test]
fn sound() {
    judge_all("audio-");
}

#[test]
fn timestamps_of_transport_streams() {
    judge_all("time-ts-");
}

#[test]
fn timestamps() {
    judge_all("time-");
}

#[test]
fn choice_of_tracks() {
    judge_all("track-");
}

#[test]
fn one_picture_and_sound() {
    judge_all("still-");
}

#[test]
fn damage_that_can_be_played() {
    each(
        &must_work("bad-"),
        |f| &f.name,
        |fixture, report| {
            let Some((tree, _)) = judge(fixture, report) else {
                return;
            };
            report.check(tree.duration() > 1.0, || {
                format!("only {} s came out", tree.duration())
            });
        },
    );
}

/// A clip as it came from elsewhere. What to expect is read from it with ffprobe.
struct Clip {
    name: String,
    path: PathBuf,
}

/// Clips of a minute in many containers. The other endings of the same name hold the same bytes or
/// streams, or are formats that Clipsy need not know; see `refuse`.
const CLIPS: [&str; 14] = [
    "bigbuckbunny.mp4",
    "bikes.mp4",
    "demo.3gp",
    "demo.asf",
    "demo.avi",
    "demo.flv",
    "demo.mkv",
    "demo.mov",
    "demo.mp4",
    "demo.mpg",
    "demo.ogv",
    "demo.vob",
    "demo.webm",
    "demo.wmv",
];

#[test]
fn fetched_clips() {
    let clips: Vec<Clip> = CLIPS
        .into_iter()
        .map(|name| Clip {
            name: name.into(),
            path: clip(name),
        })
        .collect();
    each(
        &clips,
        |clip| &clip.name,
        |clip, report| {
            let facts = facts_of(clip);
            let folder = scratch();
            let out = folder.path().join("out");
            let done = transcode(&clip.path, &out, &[]);
            let Some(tree) = judge::output(&out, &done, &facts, 10, report) else {
                return;
            };
            // ffmpeg cannot decode most pictures of this one.
            if clip.name != "demo.ogv" {
                picture::check_likeness(&tree, &clip.path, report);
            }
        },
    );
}

fn facts_of(clip: &Clip) -> Facts {
    let wanted = "format=duration:stream=codec_type,width,height,r_frame_rate,nb_read_packets";
    let found = ffprobe(&clip.path, &["-count_packets", "-show_entries", wanted]).unwrap();
    let of = |kind: &str| {
        found["streams"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|s| s["codec_type"] == kind)
    };
    let video = of("video").unwrap();
    let rate = text(&video["r_frame_rate"]);
    let of_pictures = Rate::parse(rate)
        .unwrap()
        .seconds(whole(&video["nb_read_packets"]).unwrap());
    let durations: Vec<f64> = number(&found["format"]["duration"])
        .into_iter()
        .chain([of_pictures])
        .collect();
    let side = |name: &str| whole(&video[name]).unwrap();
    Facts::of_clip(
        side("width"),
        side("height"),
        rate,
        &durations,
        of("audio").is_some(),
    )
}

#[test]
fn segments_of_another_length() {
    let fixture = inputs::fixture("rate-30000-1001-long");
    each(
        &[fixture],
        |f| &f.name,
        |fixture, report| {
            let folder = scratch();
            let out = folder.path().join("out");
            let done = transcode(&fixture.path, &out, &["--segment-seconds", "4"]);
            judge::output(&out, &done, &fixture.facts, 4, report);
        },
    );
}

#[test]
fn a_ladder_file_decides_what_is_made() {
    let ladder = std::fs::read_to_string(repository("pipelines/ladder.toml")).unwrap();
    let (settings, _) = ladder.split_once("[[rung]]").unwrap();
    let folder = scratch();
    let (file, out) = (folder.path().join("ladder.toml"), folder.path().join("out"));
    std::fs::write(
        &file,
        format!("{settings}[[rung]]\nname = \"tiny\"\nshort_side = 120\nmax_kbps = 150\n"),
    )
    .unwrap();
    let done = transcode(
        &inputs::fixture("media-h264").path,
        &out,
        &["--ladder", file.to_str().unwrap()],
    );
    let summary = done.summary();
    assert_eq!(summary["renditions"].as_array().unwrap().len(), 1);
    assert_eq!(summary["renditions"][0]["quality"], "tiny");
    assert_eq!(summary["renditions"][0]["resolution"], "214x120");
    assert!(out.join("tiny/playlist.m3u8").exists());
}
