//! Checks of the sound: its form, that it has no holes, what is heard and when.

use std::f64::consts::TAU;

use super::tree::{Frame, Rung, Tree};
use crate::support::inputs::Facts;
use crate::support::report::Report;
use crate::support::tools::{ffmpeg, text, whole};

const SAMPLE_RATE: f64 = 48_000.0;
const TICKS: f64 = 90_000.0;
/// How far sound may begin or end from where it should, in seconds: blocks of AAC are 21 ms long,
/// and an encoder needs up to three of them to start.
const EDGE_S: f64 = 0.1;
/// The same where the tracks of the source are not equally long.
const UNEVEN_S: f64 = 0.6;
/// How far a sound may be from its picture, in seconds, where the source has pictures at a constant
/// rate.
const SYNC_S: f64 = 0.01;

pub(super) fn check(tree: &Tree, facts: &Facts, report: &mut Report) {
    for rung in &tree.rungs {
        check_streams(rung, facts, report);
        if facts.audio {
            check_times(tree, rung, facts, report);
        }
    }
    if let (Some(hz), Some(rung)) = (facts.tone_hz, tree.rungs.last()) {
        check_tone(rung, hz, facts.other_tone_hz, report);
    }
    if facts.sync {
        for rung in &tree.rungs {
            check_sync(tree, rung, facts, report);
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

/// The middle of the track is this tone and nothing else.
fn check_tone(rung: &Rung, hz: f64, other_hz: Option<f64>, report: &mut Report) {
    let samples = match decode(rung) {
        Ok(samples) => samples,
        Err(problem) => return report.check(false, || problem),
    };
    let second = SAMPLE_RATE as usize;
    let start = (samples.len() / 2).saturating_sub(second / 2);
    let middle = &samples[start..samples.len().min(start + second)];
    let share = share_of(middle, hz);
    report.check(share > 0.9, || {
        format!(
            "{}: a tone of {hz} Hz is {share:.3} of what is heard",
            rung.name
        )
    });
    if let Some(other) = other_hz {
        let share = share_of(middle, other);
        report.check(share < 0.01, || {
            format!(
                "{}: {other} Hz of another track is {share:.3} of it",
                rung.name
            )
        });
    }
}

/// The part of a signal's power that lies at one frequency, 0 to 1.
fn share_of(samples: &[f32], hz: f64) -> f64 {
    let (mut re, mut im, mut power) = (0.0, 0.0, 0.0);
    for (sample, index) in samples.iter().zip(0u32..) {
        let (sample, angle) = (
            f64::from(*sample),
            TAU * hz * f64::from(index) / SAMPLE_RATE,
        );
        re += sample * angle.cos();
        im += sample * angle.sin();
        power += sample * sample;
    }
    if power > 0.0 {
        2.0 * (re * re + im * im) / (power * samples.len() as f64)
    } else {
        0.0
    }
}

/// Every flash has its beep, where the two coincide in the source.
fn check_sync(tree: &Tree, rung: &Rung, facts: &Facts, report: &mut Report) {
    let name = &rung.name;
    let (flashes, beeps) = match (flashes(tree, rung), beeps(rung)) {
        (Ok(flashes), Ok(beeps)) => (flashes, beeps),
        (flashes, beeps) => {
            return report.check(false, || {
                format!("{name}: {:?} {:?}", flashes.err(), beeps.err())
            });
        }
    };
    let heard_from = facts.audio_start.unwrap_or(0.0);
    let expected = facts
        .durations()
        .into_iter()
        .fold(f64::MAX, f64::min)
        .min(8.0) as usize;
    report.check(flashes.len() >= expected, || {
        format!(
            "{name}: {} flashes, expected {expected}: {flashes:.3?}",
            flashes.len()
        )
    });
    // When the first picture is a flash, nobody can see when it began.
    for flash in flashes
        .iter()
        .filter(|flash| **flash > (heard_from - 0.1).max(0.0))
    {
        let off = beeps
            .iter()
            .map(|beep| beep - flash)
            .min_by(|a, b| a.abs().total_cmp(&b.abs()));
        report.check(off.is_some_and(|off| off.abs() <= SYNC_S), || {
            format!("{name}: the beep of the flash at {flash:.3} s is off by {off:.3?} s; beeps at {beeps:.3?}")
        });
    }
}

/// Times at which the picture turns white, in seconds from the first picture.
fn flashes(tree: &Tree, rung: &Rung) -> Result<Vec<f64>, String> {
    let input = rung.joined();
    let filter = "scale=1:1:flags=area,format=gray";
    let args = [
        "-i",
        &input,
        "-map",
        "0:v",
        "-fps_mode",
        "passthrough",
        "-vf",
        filter,
        "-f",
        "rawvideo",
    ];
    let luma = ffmpeg(args)?;
    let is_white = |index: usize| luma[index] > 127;
    let turns = (0..luma.len())
        .filter(|index| is_white(*index) && !index.checked_sub(1).is_some_and(is_white));
    Ok(turns.map(|index| tree.rate.seconds(index as u64)).collect())
}

/// Times at which a beep begins, in seconds from the first picture.
fn beeps(rung: &Rung) -> Result<Vec<f64>, String> {
    const WINDOW: usize = 240;
    let samples = decode(rung)?;
    let start = |frame: Option<&Frame>| frame.map_or(0, |frame| frame.pts);
    let ahead = (start(rung.audio().next()) - start(rung.video().next())) as f64 / TICKS;
    let loud: Vec<bool> = samples
        .chunks(WINDOW)
        .map(|window| window.iter().map(|s| s * s).sum::<f32>() / window.len() as f32 > 0.02)
        .collect();
    let begins =
        (0..loud.len()).filter(|at| loud[*at] && !loud[at.saturating_sub(20)..*at].contains(&true));
    Ok(begins
        .map(|at| (at * WINDOW) as f64 / SAMPLE_RATE + ahead)
        .collect())
}

/// The sound as samples of one channel.
fn decode(rung: &Rung) -> Result<Vec<f32>, String> {
    let input = rung.joined();
    let bytes = ffmpeg([
        "-i", &input, "-map", "0:a", "-ac", "1", "-ar", "48000", "-f", "f32le",
    ])?;
    Ok(bytes
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect())
}
