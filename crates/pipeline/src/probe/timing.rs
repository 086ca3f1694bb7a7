//! What the timestamps of the first packets tell about the frame rate.

use clipsy_domain::frame_rate::FrameRate;

/// Frame rate of a stream and whether it varies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Timing {
    pub(super) rate: Option<FrameRate>,
    pub(super) variable: bool,
}

/// Judges `pts` (nanoseconds, in any order) against what the container or codec `declared`.
///
/// A declared rate wins if the timestamps agree with it, since they are often rounded to
/// milliseconds. A variable rate is represented by its most frequent one.
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
    if gaps.len() < 3 || (sparse && declared.is_some()) {
        return Timing {
            rate: declared.or_else(|| average(&gaps)),
            variable: false,
        };
    }
    // Field pictures come in pairs, of which often only one has a timestamp: do not count them.
    let variable = !interlaced && varies(&gaps);
    let rate = if variable {
        fastest_frequent(&gaps)
    } else {
        let measured = average(&gaps);
        let median = 1e9 / gaps[gaps.len() / 2].max(1) as f64;
        let near = |a: f64, b: f64| (a / b - 1.0).abs() < 0.02;
        match (declared, measured) {
            // A jump in the time stamps spoils their average, but not their median.
            (Some(d), _) if interlaced || near(d.as_f64(), median) => Some(d),
            (Some(d), Some(m)) if near(d.as_f64(), m.as_f64()) => Some(d),
            (d, m) => m.or(d),
        }
    };
    Timing {
        rate: rate.or(declared),
        variable,
    }
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

fn average(gaps: &[u64]) -> Option<FrameRate> {
    let total: u64 = gaps.iter().sum();
    if total == 0 {
        return None;
    }
    let fps = gaps.len() as f64 * 1e9 / total as f64;
    FrameRate::nearest_standard(fps, 0.005).or_else(|| FrameRate::approximate(fps))
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
            Timing {
                rate: rate(30_000, 1001),
                variable: false
            }
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
            Timing {
                rate: rate(30, 1),
                variable: true
            }
        );
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
        assert_eq!(
            judge(&[0], 1, None, false),
            Timing {
                rate: None,
                variable: false
            }
        );
        assert_eq!(judge(&[], 1, rate(24, 1), false).rate, rate(24, 1));
    }
}
