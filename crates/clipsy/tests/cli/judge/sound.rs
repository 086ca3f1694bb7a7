//! Checks of the sound: its form, that it has no holes, and that it begins and ends in time.

use super::heard::SAMPLE_RATE;
use super::tree::{Frame, Rung, Tree};
use crate::support::inputs::Facts;
use crate::support::report::Report;
use crate::support::tools::{text, whole};

const TICKS: f64 = 90_000.0;
/// How far sound may begin or end from where it should, in seconds: blocks of AAC are 21 ms long,
/// and an encoder needs up to three of them to start.
const EDGE_S: f64 = 0.1;
/// The same where the tracks of the source are not equally long.
const UNEVEN_S: f64 = 0.6;

pub(super) fn check(tree: &Tree, facts: &Facts, report: &mut Report) {
    for rung in &tree.rungs {
        check_streams(rung, facts, report);
        if facts.audio {
            check_times(tree, rung, facts, report);
        }
    }
}

fn check_streams(rung: &Rung, facts: &Facts, report: &mut Report) {
    for (index, segment) in rung.segments.iter().enumerate() {
        let about = |what: &str| format!("{} segment {index} {what}", rung.name);
        let audio: Vec<_> = segment
            .streams
            .iter()
            .filter(|s| s["codec_type"] == "audio")
            .collect();
        report.equal(
            &about("audio streams"),
            audio.len(),
            usize::from(facts.audio),
        );
        for stream in audio {
            let form = (text(&stream["codec_name"]), text(&stream["profile"]));
            report.equal(&about("audio codec"), form, ("aac", "LC"));
            let form = (whole(&stream["sample_rate"]), whole(&stream["channels"]));
            report.equal(
                &about("audio rate and channels"),
                form,
                (Some(48_000), Some(2)),
            );
        }
    }
}

/// Sound runs on without a hole from the first to the last segment and is as long as it should be.
fn check_times(tree: &Tree, rung: &Rung, facts: &Facts, report: &mut Report) {
    let name = &rung.name;
    let frames: Vec<&Frame> = rung.audio().collect();
    let (Some(first), Some(last)) = (frames.first(), frames.last()) else {
        return;
    };
    let hole = frames.windows(2).find(|pair| {
        let expected = pair[0].samples as f64 / SAMPLE_RATE * TICKS;
        ((pair[1].pts - pair[0].pts) as f64 - expected).abs() > 3.0
    });
    report.check(hole.is_none(), || {
        let (from, to) = hole.map_or((0, 0), |pair| (pair[0].pts, pair[1].pts));
        format!(
            "{name}: after the sound at {from} comes the one at {to}, {} samples long",
            frames[0].samples
        )
    });
    let video_start = rung.video().next().map_or(0, |frame| frame.pts) as f64 / TICKS;
    let start = first.pts as f64 / TICKS - video_start;
    let end = (last.pts as f64 / TICKS) + last.samples as f64 / SAMPLE_RATE - video_start;
    let latest = facts.audio_start.unwrap_or(0.0);
    report.check((-EDGE_S..=latest + EDGE_S).contains(&start), || {
        format!("{name}: sound begins at {start:.3} s of the video, expected 0 to {latest}")
    });
    // Silence follows on a short track, and a long one keeps the last picture: no segment is
    // without one of the two.
    let video_end = tree.duration();
    let edge = if facts.is_uneven() { UNEVEN_S } else { EDGE_S };
    report.near(&format!("{name} end of the sound"), end, video_end, edge);
    let others = |rung: &Rung| rung.audio().map(|frame| frame.pts).collect::<Vec<_>>();
    report.check(others(rung) == others(&tree.rungs[0]), || {
        format!("{name}: the sound is cut unlike the first's")
    });
}
