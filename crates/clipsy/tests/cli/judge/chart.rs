//! Reads the chart that is drawn in the fixtures: which picture is shown when, and in which colours.
//! `tools/fixtures/source.py` draws it.

use super::tree::{Rung, Tree};
use crate::support::inputs::{Band, Chart, Facts};
use crate::support::report::Report;
use crate::support::tools::{ffmpeg, text};

/// Pictures are read in this size, in which a bit of the number is 8 samples wide.
const SIDE: usize = 96;
const PATCHES: usize = 6;
const BITS: usize = 12;
/// How far one patch in one picture may be from what it is in most.
const OUTLIER: f64 = 10.0;

/// What the pictures of a rendition show.
struct Reading {
    /// Their numbers; none where a bit is neither black nor white.
    numbers: Vec<Option<u64>>,
    patches: Vec<[[u8; 3]; PATCHES]>,
}

/// How far sound may be from the source's clock and where that begins, in seconds of the video.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    pub(super) begins: f64,
    pub(super) within: f64,
}

/// Checks numbers and colours. The answer tells by which clock the sound is to be judged.
pub(super) fn check(tree: &Tree, facts: &Facts, report: &mut Report) -> Option<Clock> {
    let chart = facts.chart.as_ref()?;
    let mut clock = None;
    for (index, rung) in tree.rungs.iter().enumerate().rev() {
        let reading = match Reading::of(rung, chart) {
            Ok(reading) => reading,
            Err(problem) => {
                report.check(false, || problem);
                continue;
            }
        };
        if index + 1 == tree.rungs.len() {
            clock = Some(check_numbers(tree, facts, chart, &reading.numbers, report));
        }
        if let Some(patches) = &facts.patches {
            check_patches(tree, rung, facts, patches, &reading, report);
        }
    }
    clock
}

impl Reading {
    fn of(rung: &Rung, chart: &Chart) -> Result<Self, String> {
        let input = rung.joined();
        let exact = "flags=area+accurate_rnd+full_chroma_int+full_chroma_inp";
        let filter = format!("{}scale={SIDE}:{SIDE}:{exact},format=rgb24", to_bt709(rung));
        let args = ["-i", &input, "-map", "0:v:0", "-fps_mode", "passthrough"];
        let bytes = ffmpeg(args.into_iter().chain(["-vf", &filter, "-f", "rawvideo"]))?;
        let pictures = bytes.chunks_exact(SIDE * SIDE * 3);
        let (numbers, patches) = pictures.map(|picture| read(picture, chart.band)).unzip();
        Ok(Self { numbers, patches })
    }
}

/// What a screen does with other primaries than its own.
fn to_bt709(rung: &Rung) -> &'static str {
    let mut streams = rung.segments.iter().flat_map(|segment| &segment.streams);
    let wide =
        streams.any(|stream| ["bt2020", "smpte432"].contains(&text(&stream["color_primaries"])));
    if wide {
        "zscale=p=709:t=709:m=709:r=limited,format=yuv444p,"
    } else {
        ""
    }
}

fn read(picture: &[u8], band: Band) -> (Option<u64>, [[u8; 3]; PATCHES]) {
    let (top, height) = match band {
        Band::Whole => (0, SIDE),
        Band::Middle => (SIDE / 4, SIDE / 2),
        Band::Low => (SIDE * 3 / 4, SIDE / 4),
    };
    let at = |x: usize, y: usize| {
        let from = (y * SIDE + x) * 3;
        [picture[from], picture[from + 1], picture[from + 2]]
    };
    let patches = std::array::from_fn(|n| at(n * 16 + 8, top + height / 4));
    let mut number = Some(0);
    for bit in 0..BITS {
        let sum: u16 = at(bit * 8 + 4, top + height * 7 / 8)
            .into_iter()
            .map(u16::from)
            .sum();
        number = match sum / 3 {
            0..=75 => number,
            180.. => number.map(|number: u64| number | 1 << bit),
            _ => None,
        };
    }
    (number, patches)
}

/// Every picture of the source is shown when it is due, give or take one of the result's.
fn check_numbers(
    tree: &Tree,
    facts: &Facts,
    chart: &Chart,
    numbers: &[Option<u64>],
    report: &mut Report,
) -> Clock {
    let timeline = facts.timeline();
    let step = tree.rate.seconds(1);
    let until = chart.until.unwrap_or(f64::MAX);
    let shown: Vec<(f64, Option<u64>)> = (0..)
        .zip(numbers)
        .map(|(index, number)| (tree.rate.seconds(index), *number))
        .filter(|(time, _)| *time < until - 2.0 * step)
        .collect();
    let same_rate = facts.chart_rate() == Some(tree.rate);
    let regular = facts.is_regular() && same_rate;

    let unread: Vec<f64> = shown
        .iter()
        .filter(|(_, number)| number.is_none())
        .map(|s| s.0)
        .collect();
    let may_be_unread = if facts.damaged { shown.len() / 2 } else { 0 };
    report.check(unread.len() <= may_be_unread, || {
        format!(
            "{} of {} pictures cannot be read: {}",
            unread.len(),
            shown.len(),
            some(&unread)
        )
    });

    let mut lags: Vec<f64> = shown
        .iter()
        .filter_map(|(time, number)| {
            let mut due = timeline.iter().filter(|(_, n)| Some(*n) == *number);
            due.next().map(|(due, _)| time - due)
        })
        .collect();
    lags.sort_by(f64::total_cmp);
    let median = lags.get(lags.len() / 2).copied();
    let begins = match median {
        Some(median) if facts.offset_any || (regular && median.abs() <= 1.5 * step) => median,
        _ => 0.0,
    };
    let moved = if facts.offset_any { begins } else { 0.0 };
    let slack = step + 0.0015;
    // The first picture stands in for those that are missing before it.
    let first = shown.iter().find_map(|(_, number)| *number);
    let first_due = timeline.iter().find(|(_, n)| Some(*n) == first);
    let first_due = first_due.map_or(0.0, |(due, _)| *due);
    let wrong: Vec<String> = shown
        .iter()
        .filter_map(|(time, number)| {
            let at = time - moved;
            let early = at < first_due - slack && *number == first;
            let late_start = early && (facts.offset_any || facts.video_start > 0.0);
            let fits = number.is_none_or(|n| late_start || is_due(&timeline, at, n, slack));
            (!fits).then(|| format!("{} at {time:.3}", number.unwrap_or(0)))
        })
        .collect();
    let may_be_wrong = if facts.damaged {
        shown.len() * 3 / 4
    } else {
        0
    };
    report.check(wrong.len() <= may_be_wrong, || {
        let (first, last) = (lags.first(), lags.last());
        format!(
            "{} of {} pictures are not due, lag {first:.3?} to {last:.3?} s, median {median:.3?}: {}",
            wrong.len(),
            shown.len(),
            some(&wrong)
        )
    });
    if !facts.damaged && chart.until.is_none() {
        check_all_shown(tree, facts, &timeline, &shown, (moved, first_due), report);
    }
    let within = facts.sync_within() + if regular { 0.0 } else { step };
    Clock { begins, within }
}

/// Whether this picture is shown at that time, give or take `slack`.
fn is_due(timeline: &[(f64, u64)], at: f64, number: u64, slack: f64) -> bool {
    let ends = timeline
        .iter()
        .skip(1)
        .map(|(time, _)| *time)
        .chain([f64::MAX]);
    timeline
        .iter()
        .zip(ends)
        .any(|((begin, n), end)| *n == number && begin - slack <= at && at <= end + slack)
}

/// No picture that stands for long enough is lost, and none stands for longer than it should.
fn check_all_shown(
    tree: &Tree,
    facts: &Facts,
    timeline: &[(f64, u64)],
    shown: &[(f64, Option<u64>)],
    (moved, first_due): (f64, f64),
    report: &mut Report,
) {
    let step = tree.rate.seconds(1);
    let (from, to) = (
        shown.first().map_or(0.0, |s| s.0) - moved,
        tree.duration() - moved,
    );
    let edge = if facts.loose_edges || facts.offset_any {
        2.5 * step
    } else {
        1.5 * step
    };
    let ends = timeline
        .iter()
        .skip(1)
        .map(|(time, _)| *time)
        .chain([f64::MAX]);
    let (mut lost, mut doubled) = (Vec::new(), Vec::new());
    for ((begin, number), end) in timeline.iter().copied().zip(ends) {
        let inside = begin >= (from + edge).max(first_due + 0.5 * step) && end <= to - edge;
        let times = shown.iter().filter(|(time, n)| {
            let at = time - moved;
            *n == Some(number) && (begin - 2.0 * step..=end + 2.0 * step).contains(&at)
        });
        let (count, stands) = (times.count() as f64, (end - begin) / step);
        let fewest = if facts.in_order {
            1.0
        } else {
            (stands + 0.01).floor() - 1.0
        };
        let most = if facts.in_order {
            1.0
        } else {
            (stands - 0.01).ceil() + 1.0
        };
        let (fewest, most) = if facts.is_regular() && (stands - 1.0).abs() < 0.001 {
            (1.0, 1.0)
        } else {
            (fewest, most)
        };
        // At a change of an edit list the same picture may be due twice in a row.
        let twice = timeline
            .iter()
            .filter(|(time, n)| *n == number && (time - begin).abs() < 4.0 * step)
            .count()
            > 1;
        if inside && count < fewest {
            lost.push(number);
        }
        if inside && !twice && count > most {
            doubled.push(number);
        }
    }
    report.check(lost.is_empty(), || {
        format!("{} pictures are lost: {}", lost.len(), some(&lost))
    });
    report.check(doubled.is_empty(), || {
        format!(
            "{} pictures stand too long: {}",
            doubled.len(),
            some(&doubled)
        )
    });
}

/// The patches have the colours that were drawn, in every picture.
fn check_patches(
    tree: &Tree,
    rung: &Rung,
    facts: &Facts,
    truth: &[[u8; 3]],
    reading: &Reading,
    report: &mut Report,
) {
    let chart = facts.chart.as_ref();
    let until = chart.and_then(|chart| chart.until).unwrap_or(f64::MAX);
    let read: Vec<&[[u8; 3]; PATCHES]> = reading
        .numbers
        .iter()
        .zip(&reading.patches)
        .zip((0..).map(|index| tree.rate.seconds(index) < until - 0.2))
        .filter(|((number, _), inside)| number.is_some() && *inside)
        .map(|((_, patches), _)| patches)
        .collect();
    let name = &rung.name;
    report.check(!read.is_empty(), || {
        format!("{name}: no chart in any picture")
    });
    if read.is_empty() {
        return;
    }
    let usual: [[u8; 3]; PATCHES] = std::array::from_fn(|patch| {
        std::array::from_fn(|part| {
            let mut all: Vec<u8> = read.iter().map(|patches| patches[patch][part]).collect();
            all.sort_unstable();
            all[all.len() / 2]
        })
    });
    if facts.damaged {
        return;
    }
    let off = difference(&usual, truth);
    report.check(off <= facts.patches_within(), || {
        format!("{name}: colours are {off} off: {usual:?}, drawn were {truth:?}")
    });
    let worst = read
        .iter()
        .map(|patches| difference(*patches, &usual))
        .fold(0.0, f64::max);
    report.check(worst <= facts.patches_within().max(OUTLIER), || {
        format!("{name}: in one picture colours are {worst} off from the others")
    });
}

/// The largest difference of a part of any patch, 0 to 255.
fn difference(found: &[[u8; 3]], expected: &[[u8; 3]]) -> f64 {
    let parts = found.iter().flatten().zip(expected.iter().flatten());
    parts
        .map(|(a, b)| f64::from(a.abs_diff(*b)))
        .fold(0.0, f64::max)
}

/// The first of many.
fn some<T: std::fmt::Debug>(all: &[T]) -> String {
    let dots = if all.len() > 6 { " …" } else { "" };
    format!("{:.3?}{dots}", &all[..all.len().min(6)])
}
