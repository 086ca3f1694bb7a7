//! Checks of the pictures' stream: the right shape, one rate, aligned in every rendition.

use super::tree::{Rung, Tree};
use crate::support::inputs::Facts;
use crate::support::report::Report;
use crate::support::tools::{text, whole};

/// Short sides of the shipped ladder.
const SHORT_SIDES: [u64; 4] = [1080, 720, 480, 360];
/// Seconds from one IDR to the next.
const GOP_S: u64 = 2;
/// Ticks of a transport stream in a second.
const TICKS: f64 = 90_000.0;

pub(super) fn check(tree: &Tree, facts: &Facts, report: &mut Report) {
    check_length(tree, facts, report);
    let found: Vec<(u64, u64)> = tree.rungs.iter().map(Rung::size).collect();
    report.equal(
        "sizes of the renditions",
        found,
        ladder(facts.width, facts.height),
    );
    check_colours(tree, report);
    for rung in &tree.rungs {
        check_stream(rung, report);
        check_times(tree, rung, report);
        check_refreshes(tree, rung, report);
    }
}

fn check_length(tree: &Tree, facts: &Facts, report: &mut Report) {
    let rates = facts.rates();
    report.check(rates.is_empty() || rates.contains(&tree.rate), || {
        format!(
            "frame rate: found {:?}, expected one of {rates:?}",
            tree.rate
        )
    });
    report.check(tree.rate.as_f64() <= 60.0, || {
        format!("frame rate: {:?} is above 60", tree.rate)
    });
    // Sound that starts before the pictures, and last pictures of unknown length, add one or two.
    let slack = if facts.is_exact {
        0.0
    } else {
        2.0 * tree.rate.seconds(1)
    };
    let tolerance = slack + 0.001;
    let found = tree.duration();
    if let Some(exact) = facts.exact {
        report.equal("pictures", tree.frames(), exact);
    }
    if let Some((shortest, longest)) = facts.span() {
        report.check((shortest..=longest).contains(&found), || {
            format!("duration: found {found:.3} s, expected {shortest} to {longest}")
        });
    }
    let durations = facts.durations();
    report.check(
        durations.is_empty() || durations.iter().any(|d| (d - found).abs() <= tolerance),
        || {
            format!(
                "duration: found {found:.3} s in {} pictures, expected {durations:?}",
                tree.frames()
            )
        },
    );
    let stated = tree.summary["duration_s"].as_f64().unwrap_or(0.0);
    report.near("duration in the summary", stated, found, 1e-5);
    for rung in &tree.rungs {
        report.equal(
            &format!("{} pictures", rung.name),
            rung.frames(),
            tree.frames(),
        );
        report.equal(
            &format!("{} pictures in the stream", rung.name),
            rung.video.pictures,
            tree.frames(),
        );
    }
}

/// The sizes that the rules in docs/ARCHITECTURE.md give for an upright picture of square pixels.
fn ladder(width: u64, height: u64) -> Vec<(u64, u64)> {
    let even = |side: u64| side / 2 * 2;
    let (short, long) = (width.min(height), width.max(height));
    let mut sizes = Vec::new();
    let kept = SHORT_SIDES.iter().position(|side| *side <= short);
    let clearly_above = kept.is_none_or(|at| at > 0 && short * 100 > SHORT_SIDES[at] * 115);
    if clearly_above {
        sizes.push((even(short), even(long)));
    }
    for side in &SHORT_SIDES[kept.unwrap_or(SHORT_SIDES.len())..] {
        let scaled = long as f64 * *side as f64 / short as f64;
        sizes.push((*side, (scaled / 2.0).round() as u64 * 2));
    }
    if width < height {
        sizes
    } else {
        sizes
            .into_iter()
            .map(|(short, long)| (long, short))
            .collect()
    }
}

/// Renditions that call the same samples by other names change colour when a player switches.
fn check_colours(tree: &Tree, report: &mut Report) {
    const NAMES: [&str; 4] = [
        "color_range",
        "color_space",
        "color_transfer",
        "color_primaries",
    ];
    let colours = |rung: &Rung| {
        let streams = rung.segments.iter().flat_map(|segment| &segment.streams);
        let videos = streams.filter(|stream| stream["codec_type"] == "video");
        let mut found: Vec<String> = videos
            .map(|video| NAMES.map(|name| text(&video[name])).join("/"))
            .collect();
        found.dedup();
        found
    };
    for rung in &tree.rungs {
        report.equal(
            &format!("{} colours", rung.name),
            colours(rung),
            colours(&tree.rungs[0]),
        );
    }
}

fn check_stream(rung: &Rung, report: &mut Report) {
    let name = &rung.name;
    for (index, segment) in rung.segments.iter().enumerate() {
        let videos: Vec<_> = segment
            .streams
            .iter()
            .filter(|s| s["codec_type"] == "video")
            .collect();
        let [video] = videos[..] else {
            report.check(false, || {
                format!("{name} segment {index}: {} video streams", videos.len())
            });
            continue;
        };
        let about = |what: &str| format!("{name} segment {index} {what}");
        report.equal(&about("codec"), text(&video["codec_name"]), "h264");
        report.equal(&about("pixel format"), text(&video["pix_fmt"]), "yuv420p");
        report.equal(
            &about("field order"),
            text(&video["field_order"]),
            "progressive",
        );
        // ffprobe leaves the aspect out or says 0:1 when the stream says nothing, which is square.
        let aspect = text(&video["sample_aspect_ratio"]);
        report.check(["1:1", "0:1", ""].contains(&aspect), || {
            format!("{}: {aspect}", about("sample aspect"))
        });
        let size = (whole(&video["width"]), whole(&video["height"]));
        report.equal(
            &about("size"),
            size,
            (Some(rung.size().0), Some(rung.size().1)),
        );
        let interlaced = segment
            .video
            .iter()
            .filter(|frame| frame.is_interlaced)
            .count();
        report.equal(&about("interlaced pictures"), interlaced, 0);
        let first = segment.video.first().is_some_and(|frame| frame.is_key);
        report.check(first, || about("does not start with a key frame"));
    }
}

/// Presentation times run evenly through all segments, and begin at the same tick everywhere.
fn check_times(tree: &Tree, rung: &Rung, report: &mut Report) {
    let name = &rung.name;
    let first = |rung: &Rung| rung.video().next().map(|frame| frame.pts);
    report.equal(
        &format!("{name} first video PTS"),
        first(rung),
        first(&tree.rungs[0]),
    );
    let start = first(rung).unwrap_or(0) as f64;
    let uneven = rung.video().zip(0u64..).find(|(frame, index)| {
        let expected = start + tree.rate.seconds(*index) * TICKS;
        (frame.pts as f64 - expected).abs() > 1.5
    });
    report.check(uneven.is_none(), || {
        let (frame, index) = uneven.map_or((0, 0), |(frame, index)| (frame.pts, index));
        let expected = start + tree.rate.seconds(index) * TICKS;
        format!("{name}: picture {index} has the PTS {frame}, expected {expected:.1}")
    });
    let firsts = |rung: &Rung| -> Vec<Option<i64>> {
        rung.segments
            .iter()
            .map(|s| s.video.first().map(|frame| frame.pts))
            .collect()
    };
    report.equal(
        &format!("{name} first PTS of each segment"),
        firsts(rung),
        firsts(&tree.rungs[0]),
    );
}

/// An IDR is at the first picture at or after every mark, and nowhere else.
fn check_refreshes(tree: &Tree, rung: &Rung, report: &mut Report) {
    let name = &rung.name;
    let marks = tree.rate.marks(GOP_S, rung.frames());
    report.equal(
        &format!("{name} IDR positions"),
        rung.video.idr.clone(),
        marks.clone(),
    );
    let keys: Vec<u64> = rung
        .video()
        .zip(0..)
        .filter(|(frame, _)| frame.is_key)
        .map(|(_, index)| index)
        .collect();
    report.equal(&format!("{name} key frames"), keys, marks);
}
