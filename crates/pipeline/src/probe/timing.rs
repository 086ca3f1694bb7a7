//! What the timestamps of the first packets tell about the frame rate.

use clipsy_domain::frame_rate::FrameRate;

/// Frame rate of a stream and whether it varies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Timing {
    pub(super) rate: Option<FrameRate>,
    pub(super) variable: bool,
    /// By how many nanoseconds the second picture is late, if all keep to the rate but for jitter.
    pub(super) second_late_ns: i64,
}

impl Timing {
    fn new(rate: Option<FrameRate>, variable: bool) -> Self {
        Self {
            rate,
            variable,
            second_late_ns: 0,
        }
    }
}

/// Judges `pts` (nanoseconds, in any order) against what the container or codec `declared`.
///
/// A declared rate wins if the timestamps agree with it, since they are often rounded to
/// milliseconds. Jitter does not make a rate variable. A variable rate is represented by the
/// fastest that occurs often; one that is too slow to tell is left open.
pub(super) fn judge(
    pts: &[u64],
    packets: usize,
    declared: Option<FrameRate>,
    interlaced: bool,
) -> Timing {
    let mut sorted = pts.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut gaps: Vec<u64> = sorted.windows(2).map(|w| w[1] - w[0]).collect();
    gaps.sort_unstable();
    let declared = declared.map(|d| FrameRate::nearest_standard(d.as_f64(), 0.000_5).unwrap_or(d));
    // Where many packets have no time stamp of their own, the others tell nothing about the rate.
    let sparse = pts.len() * 10 < packets * 9;
    let silent = gaps.len() < 2 || (sparse && declared.is_some());
    // Field pictures come in pairs, of which often only one has a timestamp: do not count them.
    if !silent && !interlaced && varies(&gaps) {
        return irregular(&sorted, &gaps);
    }
    if silent || gaps.len() < 3 {
        return Timing::new(declared.or_else(|| average(&gaps)), false);
    }
    let measured = steady(&sorted)
        .and_then(|steady| rate_of(1e9 / steady.period_ns))
        // A few gaps that are longer say nothing about the others.
        .or_else(|| average(regular(&gaps)));
    let median = 1e9 / gaps[gaps.len() / 2].max(1) as f64;
    let near = |a: f64, b: f64| (a / b - 1.0).abs() < 0.02;
    // What a demuxer worked out from the same time stamps is coarser than what is measured here.
    let declared = declared.filter(|d| {
        measured.is_none()
            || interlaced
            || FrameRate::nearest_standard(d.as_f64(), 0.000_5).is_some()
    });
    let rate = match (declared, measured) {
        // A jump in the time stamps spoils their average, but not their median.
        (Some(d), _) if interlaced || near(d.as_f64(), median) => Some(d),
        (Some(d), Some(m)) if near(d.as_f64(), m.as_f64()) => Some(d),
        (d, m) => m.or(d),
    };
    Timing::new(rate.or(declared), false)
}

/// Uneven gaps come from pictures that were left out, from a clock that jitters, from film in
/// telecine, or from a rate that changes.
fn irregular(sorted: &[u64], gaps: &[u64]) -> Timing {
    let variable = |rate| Timing::new(rate, true);
    if let Some(rate) = fastest_frequent(gaps).filter(|rate| is_grid(gaps, *rate)) {
        return variable(Some(rate));
    }
    if let Some(steady) = steady(sorted) {
        return Timing {
            second_late_ns: steady.second_late_ns,
            ..Timing::new(rate_of(1e9 / steady.period_ns), false)
        };
    }
    let fastest = fastest_stretch(sorted);
    // A few pictures a minute tell nothing about the movement that may come.
    variable(fastest.filter(|fps| *fps >= 5.0).and_then(|fps| {
        FrameRate::nearest_standard(fps, 0.03).or_else(|| FrameRate::approximate(fps))
    }))
}

/// True if nearly all gaps are whole multiples of this rate's period.
fn is_grid(gaps: &[u64], rate: FrameRate) -> bool {
    let period = 1e9 / rate.as_f64();
    // Containers that count milliseconds move a gap by one.
    let tolerance = (0.12 * period).max(1.1e6) / period;
    let fits = gaps.iter().filter(|gap| {
        let periods = **gap as f64 / period;
        (periods - periods.round()).abs() <= tolerance
    });
    fits.count() * 20 >= gaps.len() * 19
}

/// A rate that was measured over many pictures.
fn rate_of(fps: f64) -> Option<FrameRate> {
    FrameRate::nearest_standard(fps, 0.001).or_else(|| FrameRate::approximate(fps))
}

/// Times that keep to a constant rate but for jitter.
struct Steady {
    period_ns: f64,
    second_late_ns: i64,
}

/// Finds the rate of times that keep to it but for less than half a period.
fn steady(sorted: &[u64]) -> Option<Steady> {
    // Any few times lie near some line.
    const ENOUGH: usize = 24;
    if sorted.len() < ENOUGH {
        return None;
    }
    let n = sorted.len() as f64;
    let (first, middle) = (sorted[0] as f64, (n - 1.0) / 2.0);
    let times = || sorted.iter().map(|t| *t as f64 - first);
    let mean = times().sum::<f64>() / n;
    // The least-squares line through (index, time).
    let (up, across) = times()
        .zip(0u32..)
        .fold((0.0, 0.0), |(up, across), (time, i)| {
            let x = f64::from(i) - middle;
            (up + x * (time - mean), across + x * x)
        });
    let period = up / across;
    let keeps = period > 0.0
        && times().zip(0u32..).all(|(time, i)| {
            let on_line = mean + period * (f64::from(i) - middle);
            (time - on_line).abs() < 0.45 * period
        });
    keeps.then(|| Steady {
        period_ns: period,
        second_late_ns: (sorted[1] as f64 - first - (mean + period * (1.0 - middle))) as i64,
    })
}

/// The highest rate that holds over eight pictures.
fn fastest_stretch(sorted: &[u64]) -> Option<f64> {
    const PICTURES: usize = 8;
    let stretch = (sorted.len() - 1).min(PICTURES);
    let shortest = sorted
        .windows(stretch + 1)
        .map(|w| w[stretch] - w[0])
        .min()?;
    (shortest > 0).then(|| stretch as f64 * 1e9 / shortest as f64)
}

fn varies(gaps: &[u64]) -> bool {
    let median = gaps[gaps.len() / 2];
    let tolerance = (median / 4).max(2_500_000);
    let off = gaps
        .iter()
        .filter(|g| g.abs_diff(median) > tolerance)
        .count();
    off * 50 > gaps.len()
}

/// The gaps that are about as long as the middle one, of all in order.
fn regular(gaps: &[u64]) -> &[u64] {
    let median = gaps[gaps.len() / 2];
    let first = gaps.partition_point(|g| *g * 4 < median * 3);
    let end = gaps.partition_point(|g| *g * 4 <= median * 5);
    &gaps[first..end.max(first + 1)]
}

fn average(gaps: &[u64]) -> Option<FrameRate> {
    let total: u64 = gaps.iter().sum();
    if total == 0 {
        return None;
    }
    let fps = gaps.len() as f64 * 1e9 / total as f64;
    // Containers count milliseconds. A rate that is really another one would lose or repeat a
    // picture every few seconds if it were taken for the standard one.
    let uncertain = (2e6 / total as f64).clamp(0.001, 0.02);
    FrameRate::nearest_standard(fps, uncertain).or_else(|| FrameRate::approximate(fps))
}

/// The highest standard rate that at least a tenth of the gaps are nearest to: slower ones are
/// where frames were left out, and movement must not be lost.
fn fastest_frequent(gaps: &[u64]) -> Option<FrameRate> {
    let mut votes: Vec<(FrameRate, usize)> = Vec::new();
    for rate in gaps
        .iter()
        .filter_map(|&g| FrameRate::nearest_standard(1e9 / g.max(1) as f64, 0.08))
    {
        match votes.iter_mut().find(|(other, _)| *other == rate) {
            Some((_, count)) => *count += 1,
            None => votes.push((rate, 1)),
        }
    }
    let often = gaps.len().div_ceil(10);
    let fastest =
        |a: &&(FrameRate, usize), b: &&(FrameRate, usize)| a.0.as_f64().total_cmp(&b.0.as_f64());
    let best = votes
        .iter()
        .filter(|(_, count)| *count >= often)
        .max_by(fastest)
        .map(|(rate, _)| *rate);
    best.or_else(|| average(gaps))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(fps: f64, count: u64) -> Vec<u64> {
        (0..count).map(|i| (i as f64 * 1e9 / fps) as u64).collect()
    }

    fn rate(num: u32, den: u32) -> Option<FrameRate> {
        FrameRate::new(num, den)
    }

    #[test]
    fn millisecond_timestamps_do_not_make_a_rate_variable() {
        let pts: Vec<u64> = grid(30_000.0 / 1001.0, 200)
            .iter()
            .map(|t| t / 1_000_000 * 1_000_000)
            .collect();
        assert_eq!(
            judge(&pts, 1, None, false),
            Timing::new(rate(30_000, 1001), false)
        );
        assert_eq!(
            judge(&pts, 1, rate(30_000, 1001), false).rate,
            rate(30_000, 1001)
        );
    }

    #[test]
    fn a_wrong_declaration_loses_against_the_timestamps() {
        assert_eq!(
            judge(&grid(25.0, 100), 1, rate(50, 1), false).rate,
            rate(25, 1)
        );
        assert_eq!(
            judge(&grid(50.0, 100), 1, rate(25, 1), true).rate,
            rate(25, 1),
            "field pictures"
        );
    }

    #[test]
    fn dropped_frames_make_it_variable_at_the_fastest_frequent_rate() {
        let pts: Vec<u64> = grid(30.0, 300)
            .into_iter()
            .enumerate()
            .filter(|(i, _)| i % 7 > 1)
            .map(|(_, t)| t)
            .collect();
        assert_eq!(
            judge(&pts, 1, rate(22, 1), false),
            Timing::new(rate(30, 1), true)
        );
    }

    #[test]
    fn a_clock_that_jitters_keeps_its_rate() {
        let jitter = |x: f64| 0.007 * (x * 2.3).sin() + 0.004 * (x * 0.31).sin();
        let phone: Vec<u64> = (0..240)
            .map(|i| {
                let x = f64::from(i);
                ((x * 1.0035 / 30.0 + jitter(x) + 1.0) * 1e9) as u64
            })
            .collect();
        let found = judge(&phone, 240, None, false);
        assert!(!found.variable);
        assert!((found.rate.unwrap().as_f64() - 30.0 / 1.0035).abs() < 0.01);
        let late = jitter(1.0) * 1e9;
        assert!(
            (found.second_late_ns as f64 - late).abs() < 1e6,
            "{found:?}"
        );
    }

    #[test]
    fn film_in_telecine_is_film() {
        // Two fields and three fields in turn.
        let mut at = 0.0;
        let telecined: Vec<u64> = (0..200)
            .map(|i| {
                let now = at;
                at += if i % 2 == 0 { 2.0 } else { 3.0 } * 1001.0 / 60_000.0;
                (now * 1e9) as u64
            })
            .collect();
        let found = judge(&telecined, 200, rate(30_000, 1001), false);
        assert_eq!((found.rate, found.variable), (rate(24_000, 1001), false));
    }

    #[test]
    fn a_rate_that_changes_is_the_faster_one_and_slides_have_none() {
        let mut pts = grid(15.0, 60);
        let end = pts[59];
        pts.extend(grid(29.0, 100).iter().map(|t| end + 70_000_000 + t));
        let found = judge(&pts, 160, None, false);
        assert!(found.variable);
        assert!(
            (found.rate.unwrap().as_f64() - 29.0).abs() < 1.0,
            "{found:?}"
        );
        let slides: Vec<u64> = [0, 2, 14, 31, 33, 60]
            .iter()
            .map(|s| s * 1_000_000_000)
            .collect();
        assert_eq!(judge(&slides, 6, rate(1, 5), false).rate, None);
        let few: Vec<u64> = [0, 2, 14].iter().map(|s| s * 1_000_000_000).collect();
        assert_eq!(judge(&few, 3, rate(1, 5), false), Timing::new(None, true));
    }

    #[test]
    fn sparse_time_stamps_do_not_beat_the_declaration() {
        let keyframes_only = grid(2.0, 20);
        assert_eq!(
            judge(&keyframes_only, 240, rate(24, 1), false).rate,
            rate(24, 1)
        );
    }

    #[test]
    fn few_packets_tell_nothing() {
        assert_eq!(judge(&[0], 1, None, false), Timing::new(None, false));
        assert_eq!(judge(&[], 1, rate(24, 1), false).rate, rate(24, 1));
    }
}
