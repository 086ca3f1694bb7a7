//! What is heard: when beeps begin, how loud each side is, and that the sides are kept apart.

use std::f64::consts::TAU;

use super::chart::Clock;
use super::tree::{Frame, Tree};
use crate::support::inputs::{Facts, Levels};
use crate::support::report::Report;
use crate::support::tools::ffmpeg;

pub(super) const SAMPLE_RATE: f64 = 48_000.0;
const TICKS: f64 = 90_000.0;
/// Silence and a side that nothing was sent to, in dB of full scale: 40 below a beep.
const SILENT_DB: f64 = -49.0;
/// Between two sides of which each has its own, in dB.
const SEPARATION_DB: f64 = 40.0;

/// The sound of a rendition.
pub(super) struct Heard {
    left: Vec<f32>,
    right: Vec<f32>,
    /// Second of the video at which it begins.
    begins: f64,
}

pub(super) fn check(tree: &Tree, facts: &Facts, clock: Option<Clock>, report: &mut Report) {
    let judged = facts.sync || facts.levels.is_some() || facts.channels.is_some();
    if !facts.audio || !(judged || facts.tone_hz.is_some()) {
        return;
    }
    let heard = match Heard::of(tree) {
        Ok(heard) => heard,
        Err(problem) => return report.check(false, || problem),
    };
    if let Some(hz) = facts.tone_hz {
        check_tone(&heard, hz, facts.other_tone_hz, report);
    }
    if let Some((left, right)) = facts.panned_hz {
        check_sides(&heard, left, right, report);
    }
    let Some(clock) = clock else { return };
    if facts.sync || facts.still {
        check_beeps(&heard, facts, clock, tree.duration(), report);
    }
    if let Some(levels) = facts.levels {
        let at = heard.beeps();
        let windows: Vec<f64> = if facts.panned_hz.is_some() {
            vec![heard.seconds() / 2.0]
        } else {
            at
        };
        let mut found: Vec<[f64; 2]> = windows.iter().map(|at| heard.levels(*at)).collect();
        found.sort_by(|a, b| a[0].total_cmp(&b[0]));
        let usual = found
            .get(found.len() / 2)
            .copied()
            .unwrap_or([f64::NEG_INFINITY; 2]);
        check_level("beeps", usual, levels, facts.level_within(), report);
    }
    for (second, (left, right)) in (0u32..).zip(facts.channels.iter().flatten()) {
        let found = heard.levels(f64::from(second) + clock.begins);
        let expected = Levels {
            left: *left,
            right: *right,
        };
        check_level(
            &format!("channel {second}"),
            found,
            expected,
            facts.level_within(),
            report,
        );
    }
}

impl Heard {
    /// All renditions have the same sound, which is checked elsewhere.
    fn of(tree: &Tree) -> Result<Self, String> {
        let rung = &tree.rungs[tree.rungs.len() - 1];
        let input = rung.joined();
        let bytes = ffmpeg([
            "-i", &input, "-map", "0:a", "-ac", "2", "-ar", "48000", "-f", "f32le",
        ])?;
        let sample = |b: &[u8]| f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
        let (left, right) = bytes
            .chunks_exact(8)
            .map(|b| (sample(&b[..4]), sample(&b[4..])))
            .unzip();
        let start = |frame: Option<&Frame>| frame.map_or(0, |frame| frame.pts);
        let begins = (start(rung.audio().next()) - start(rung.video().next())) as f64 / TICKS;
        Ok(Self {
            left,
            right,
            begins,
        })
    }

    fn seconds(&self) -> f64 {
        self.left.len() as f64 / SAMPLE_RATE + self.begins
    }

    /// Seconds of the video at which something begins to be heard after silence.
    fn beeps(&self) -> Vec<f64> {
        const PAUSE: usize = 4800;
        let sides = self.left.iter().zip(&self.right);
        let loudness: Vec<f32> = sides.map(|(l, r)| l.abs().max(r.abs())).collect();
        let peak = loudness.iter().copied().fold(0.0, f32::max);
        let mut found = Vec::new();
        let mut last = None;
        for (at, _) in loudness
            .iter()
            .enumerate()
            .filter(|(_, l)| **l > (0.3 * peak).max(0.01))
        {
            if last.is_none_or(|last| at - last > PAUSE) {
                found.push(at as f64 / SAMPLE_RATE + self.begins);
            }
            last = Some(at);
        }
        found
    }

    /// How loud each side is in the middle of a beep that begins there, in dB of the square mean.
    fn levels(&self, at: f64) -> [f64; 2] {
        let from = ((at + 0.02 - self.begins) * SAMPLE_RATE).max(0.0) as usize;
        [&self.left, &self.right].map(|side| {
            let part = side
                .get(from..side.len().min(from + 2880))
                .unwrap_or_default();
            let power =
                part.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / part.len().max(1) as f64;
            10.0 * power.max(1e-12).log10()
        })
    }

    /// One second in the middle of each side.
    fn middle(&self) -> [&[f32]; 2] {
        let second = SAMPLE_RATE as usize;
        let start = (self.left.len() / 2).saturating_sub(second / 2);
        [&self.left, &self.right].map(|side| &side[start..side.len().min(start + second)])
    }
}

fn check_level(what: &str, found: [f64; 2], expected: Levels, within: f64, report: &mut Report) {
    for (side, found, expected) in [
        ("left", found[0], expected.left),
        ("right", found[1], expected.right),
    ] {
        let holds = expected.map_or(found <= SILENT_DB, |level| (found - level).abs() <= within);
        report.check(holds, || {
            format!(
                "{what}: {found:.2} dB {side}, expected {expected:.2?} ± {within} (none: silence)"
            )
        });
    }
}

/// Every beep is heard when it is due, and nothing else is.
fn check_beeps(heard: &Heard, facts: &Facts, clock: Clock, until: f64, report: &mut Report) {
    let found = heard.beeps();
    let due: Vec<f64> = match facts.beeps() {
        Some(beeps) => beeps.iter().map(|at| at + clock.begins).collect(),
        // One in every second of a clock of which only a part is here.
        None => found
            .iter()
            .map(|at| (at - clock.begins).round() + clock.begins)
            .collect(),
    };
    let nearest = |all: &[f64], to: f64| {
        let off = all.iter().map(|at| at - to);
        off.min_by(|a, b| a.abs().total_cmp(&b.abs()))
    };
    let wrong: Vec<String> = due
        .iter()
        .filter(|at| (0.0..until - 0.11).contains(&(*at + clock.within)))
        .filter_map(|at| {
            let off = nearest(&found, *at);
            let fits = off.is_some_and(|off| off.abs() <= clock.within);
            (!fits && !facts.damaged).then(|| format!("{at:.3} off by {off:.3?}"))
        })
        .collect();
    report.check(wrong.is_empty(), || {
        format!(
            "{} of {} beeps are not heard with their pictures (± {:.3} s): {wrong:?}",
            wrong.len(),
            due.len(),
            clock.within
        )
    });
    let strange: Vec<f64> = found
        .iter()
        .copied()
        .filter(|at| nearest(&due, *at).is_none_or(|off| off.abs() > 0.3))
        .collect();
    let excused = facts.damaged || facts.loose_edges;
    report.check(strange.is_empty() || excused, || {
        format!("beeps where none are due: {strange:.3?}")
    });
    let fewest = (until / 2.0) as usize;
    let enough = facts.beeps().is_some() || found.len() >= fewest;
    report.check(enough, || format!("{} beeps in {until:.1} s", found.len()));
}

/// Each side has its own tone and nothing of the other's.
fn check_sides(heard: &Heard, left_hz: f64, right_hz: f64, report: &mut Report) {
    let [left, right] = heard.middle();
    for (side, samples, own, other) in [
        ("left", left, left_hz, right_hz),
        ("right", right, right_hz, left_hz),
    ] {
        let apart = 10.0 * (share_of(samples, own) / share_of(samples, other).max(1e-12)).log10();
        report.check(apart >= SEPARATION_DB, || {
            format!("{other} Hz of the other side is only {apart:.1} dB below what is heard {side}")
        });
    }
}

/// The middle of the track is this tone and nothing else.
fn check_tone(heard: &Heard, hz: f64, other_hz: Option<f64>, report: &mut Report) {
    for samples in heard.middle() {
        let share = share_of(samples, hz);
        report.check(share > 0.9, || {
            format!("a tone of {hz} Hz is {share:.3} of what is heard")
        });
        if let Some(other) = other_hz {
            let share = share_of(samples, other);
            report.check(share < 0.01, || {
                format!("{other} Hz of another track is {share:.3} of it")
            });
        }
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
