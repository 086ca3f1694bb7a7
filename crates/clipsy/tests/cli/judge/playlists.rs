//! Checks of the playlists: valid, exact, and the same in every rendition.

use serde_json::Value;

use super::tree::{Rung, Tree};
use crate::support::listing;
use crate::support::report::Report;
use crate::support::tools::{number, text, whole};

/// How far a stated bit rate may be from the one that is worked out from the files.
const BANDWIDTH_TOLERANCE: f64 = 0.1;
/// Playlists give microseconds.
const ROUNDING: f64 = 1.01e-6;

pub(super) fn check(tree: &Tree, report: &mut Report) {
    report.equal(
        "independent segments in the master",
        &tree.master["independentSegments"],
        &Value::Bool(true),
    );
    let state = tree.master["sessionDataList"]
        .as_array()
        .map_or(0, Vec::len);
    report.equal("session data in the final master", state, 0);
    for rung in &tree.rungs {
        check_playlist(tree, rung, report);
        check_variant(tree, rung, report);
    }
    check_cuts(tree, report);
    check_files(tree, report);
}

fn check_playlist(tree: &Tree, rung: &Rung, report: &mut Report) {
    let (name, list) = (&rung.name, &rung.playlist);
    report.equal(
        &format!("{name} playlist type"),
        text(&list["playlistType"]),
        "VOD",
    );
    report.equal(
        &format!("{name} ENDLIST"),
        &list["endlist"],
        &Value::Bool(true),
    );
    report.equal(
        &format!("{name} INDEPENDENT-SEGMENTS"),
        &list["independentSegments"],
        &Value::Bool(true),
    );
    report.check(list["start"].is_null(), || {
        format!("{name}: a finished playlist has an EXT-X-START")
    });

    let target = whole(&list["targetDuration"]).unwrap_or(0);
    let longest = rung.segments.iter().map(|s| s.duration).fold(0.0, f64::max);
    report.check(target as f64 >= longest.round(), || {
        format!("{name}: TARGETDURATION {target}, EXTINF {longest}")
    });
    report.check(target <= tree.segment_s + 1, || {
        format!("{name}: TARGETDURATION {target}")
    });

    let total: f64 = rung.segments.iter().map(|s| s.duration).sum();
    report.near(
        &format!("{name} sum of EXTINF"),
        total,
        tree.rate.seconds(rung.frames()),
        ROUNDING,
    );
    for (index, segment) in rung.segments.iter().enumerate() {
        let expected = tree.rate.seconds(segment.video.len() as u64);
        report.near(
            &format!("{name} EXTINF of segment {index}"),
            segment.duration,
            expected,
            ROUNDING,
        );
    }
    let entries = list["segments"].as_array().into_iter().flatten();
    let broken = entries
        .filter(|entry| entry["discontinuity"] == true || entry["gap"] == true)
        .count();
    report.equal(&format!("{name} discontinuities and gaps"), broken, 0);
}

fn check_variant(tree: &Tree, rung: &Rung, report: &mut Report) {
    let (name, variant, summary) = (&rung.name, &rung.variant, &rung.summary);
    let (width, height) = rung.size();
    report.equal(
        &format!("{name} RESOLUTION"),
        (
            whole(&variant["resolution"]["width"]),
            whole(&variant["resolution"]["height"]),
        ),
        (Some(width), Some(height)),
    );
    report.equal(
        &format!("{name} resolution in the summary"),
        text(&summary["resolution"]),
        &format!("{width}x{height}"),
    );
    let rate = number(&variant["frameRate"]).unwrap_or(0.0);
    report.near(
        &format!("{name} FRAME-RATE"),
        rate,
        tree.rate.as_f64(),
        0.000_51,
    );
    check_codecs(rung, report);

    let bytes: u64 = rung.segments.iter().map(|s| s.bytes).sum();
    let average = bytes as f64 * 8.0 / rung.segments.iter().map(|s| s.duration).sum::<f64>();
    let peak = peak(rung).max(average);
    let stated = (
        number(&variant["bandwidth"]).unwrap_or(0.0),
        number(&variant["averageBandwidth"]).unwrap_or(0.0),
    );
    report.check(stated.0 >= stated.1, || {
        format!("{name}: BANDWIDTH and AVERAGE-BANDWIDTH are {stated:?}")
    });
    report.near(
        &format!("{name} BANDWIDTH"),
        stated.0,
        peak,
        peak * BANDWIDTH_TOLERANCE,
    );
    report.near(
        &format!("{name} AVERAGE-BANDWIDTH"),
        stated.1,
        average,
        average * BANDWIDTH_TOLERANCE,
    );
    let kbps = number(&summary["bitrate"]).unwrap_or(0.0) * 1000.0;
    report.near(
        &format!("{name} bitrate in the summary"),
        kbps,
        average,
        average * BANDWIDTH_TOLERANCE + 1000.0,
    );
    report.equal(
        &format!("{name} file_size in the summary"),
        whole(&summary["file_size"]),
        Some(bytes),
    );
    let segments = rung.segments.len() as u64;
    report.equal(
        &format!("{name} segments in the summary"),
        whole(&summary["segments"]),
        Some(segments),
    );
    report.equal(
        &format!("{name} frames in the summary"),
        whole(&summary["frames"]),
        Some(rung.frames()),
    );
}

/// The names of the codecs follow from the parameter sets in the stream.
fn check_codecs(rung: &Rung, report: &mut Report) {
    let name = &rung.name;
    let Some([profile, flags, level]) = rung.video.profiles.first() else {
        report.check(false, || format!("{name}: no parameter sets in the stream"));
        return;
    };
    report.check(
        rung.video
            .profiles
            .iter()
            .all(|p| *p == rung.video.profiles[0]),
        || {
            format!(
                "{name}: the parameter sets differ: {:x?}",
                rung.video.profiles
            )
        },
    );
    let mut expected = format!("avc1.{profile:02x}{flags:02x}{level:02x}");
    if rung.audio().next().is_some() {
        expected += ",mp4a.40.2";
    }
    report.equal(
        &format!("{name} CODECS"),
        text(&rung.variant["codecs"]).to_lowercase(),
        expected,
    );
    report.equal(
        &format!("{name} codecs in the summary"),
        &rung.summary["codecs"],
        &rung.variant["codecs"],
    );
    for stream in rung
        .segments
        .iter()
        .flat_map(|s| &s.streams)
        .filter(|s| s["codec_type"] == "video")
    {
        report.equal(
            &format!("{name} level"),
            whole(&stream["level"]),
            Some(u64::from(*level)),
        );
    }
}

/// Peak segment bit rate as RFC 8216 defines it in section 4.1, worked out from the files.
fn peak(rung: &Rung) -> f64 {
    let target = number(&rung.playlist["targetDuration"]).unwrap_or(0.0);
    let segments = &rung.segments;
    let runs = (0..segments.len())
        .flat_map(|start| (start + 1..=segments.len()).map(move |end| start..end));
    let rates = runs.filter_map(|run| {
        let seconds: f64 = segments[run.clone()].iter().map(|s| s.duration).sum();
        let bytes: u64 = segments[run].iter().map(|s| s.bytes).sum();
        (0.5 * target..=1.5 * target)
            .contains(&seconds)
            .then_some(bytes as f64 * 8.0 / seconds)
    });
    rates.fold(0.0, f64::max)
}

/// A rest that is shorter than this may stay in the last full segment.
const SHORT_REST_S: f64 = 0.5;

/// Lengths of the first segments in seconds, as the ladder has them; the others are longer.
const FIRST_SEGMENTS_S: [u64; 4] = [2, 2, 2, 4];

/// Where segments begin: the first at the ends of those, the others after a full one each.
fn begins(tree: &Tree) -> Vec<u64> {
    let mut seconds = vec![0];
    let mut end = 0;
    for length in FIRST_SEGMENTS_S {
        if end + length > tree.segment_s || length == tree.segment_s {
            break;
        }
        end += length;
        seconds.push(end);
    }
    let frames = tree.frames();
    while tree.rate.first_frame_at(end) < frames {
        end += tree.segment_s;
        seconds.push(end);
    }
    let begins = seconds.into_iter().map(|s| tree.rate.first_frame_at(s));
    begins.filter(|begin| *begin < frames).collect()
}

/// Every rendition is cut at the same pictures: the first at or after each mark.
fn check_cuts(tree: &Tree, report: &mut Report) {
    let mut marks = begins(tree);
    if let [.., _, last] = marks[..]
        && tree.rate.seconds(tree.frames() - last) < SHORT_REST_S
        && tree.rungs[0].segments.len() < marks.len()
    {
        marks.pop();
    }
    marks.push(tree.frames());
    let expected: Vec<u64> = marks.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for rung in &tree.rungs {
        let found: Vec<u64> = rung.segments.iter().map(|s| s.video.len() as u64).collect();
        report.equal(
            &format!("{} pictures in each segment", rung.name),
            found,
            expected.clone(),
        );
    }
    let durations = |rung: &Rung| {
        rung.segments
            .iter()
            .map(|s| s.duration.to_string())
            .collect::<Vec<_>>()
    };
    let targets = |rung: &Rung| whole(&rung.playlist["targetDuration"]);
    for rung in &tree.rungs[1..] {
        let first = &tree.rungs[0];
        report.equal(
            &format!("EXTINF in {} and {}", rung.name, first.name),
            durations(rung),
            durations(first),
        );
        report.equal(
            &format!("targets of {} and {}", rung.name, first.name),
            targets(rung),
            targets(first),
        );
    }
}

/// The folder holds what the playlists and the summary name, and nothing else.
fn check_files(tree: &Tree, report: &mut Report) {
    let mut expected: Vec<String> = ["master", "thumbnail", "storyboard"]
        .iter()
        .map(|key| text(&tree.summary[*key]).to_owned())
        .filter(|path| !path.is_empty())
        .collect();
    for rung in &tree.rungs {
        expected.push(format!("{}/", rung.name));
        expected.push(text(&rung.summary["playlist_path"]).to_owned());
        let below = |path: &std::path::Path| {
            path.strip_prefix(&tree.folder)
                .map(|p| p.display().to_string())
        };
        expected.extend(
            rung.segments
                .iter()
                .filter_map(|segment| below(&segment.path).ok()),
        );
    }
    expected.sort();
    let found: Vec<String> = listing(&tree.folder)
        .into_iter()
        .filter(|name| !(name.starts_with("storyboard_") && name.ends_with("jpg")))
        .collect();
    report.equal("files", found, expected);
}
