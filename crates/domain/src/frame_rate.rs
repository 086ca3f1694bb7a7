//! Exact frame rates and how a source's rate becomes the ladder's rate.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Frames per second as an exact fraction, e.g. 24000/1001. Written as `"24000/1001"` or `"25"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct FrameRate {
    num: u32,
    den: u32,
}

/// Standard rates of cameras, broadcast and film; a measured rate close to one is taken as it.
const STANDARD: [FrameRate; 17] = [
    FrameRate { num: 1, den: 1 },
    FrameRate { num: 5, den: 1 },
    FrameRate { num: 8, den: 1 },
    FrameRate { num: 10, den: 1 },
    FrameRate { num: 12, den: 1 },
    FrameRate { num: 25, den: 2 },
    FrameRate {
        num: 15_000,
        den: 1001,
    },
    FrameRate { num: 15, den: 1 },
    FrameRate { num: 20, den: 1 },
    FrameRate {
        num: 24_000,
        den: 1001,
    },
    FrameRate { num: 24, den: 1 },
    FrameRate { num: 25, den: 1 },
    FrameRate {
        num: 30_000,
        den: 1001,
    },
    FrameRate { num: 30, den: 1 },
    FrameRate { num: 48, den: 1 },
    FrameRate { num: 50, den: 1 },
    FrameRate { num: 60, den: 1 },
];

const NTSC_60: FrameRate = FrameRate {
    num: 60_000,
    den: 1001,
};

impl FrameRate {
    /// `num`/`den` frames per second in lowest terms; `None` if either is zero.
    pub fn new(num: u32, den: u32) -> Option<Self> {
        if num == 0 || den == 0 {
            return None;
        }
        let d = gcd(num, den);
        Some(Self {
            num: num / d,
            den: den / d,
        })
    }

    /// `fps` whole frames per second; 0 counts as 1.
    pub const fn whole(fps: u32) -> Self {
        Self {
            num: if fps == 0 { 1 } else { fps },
            den: 1,
        }
    }

    /// Numerator of the fraction in lowest terms.
    pub fn num(self) -> u32 {
        self.num
    }

    /// Denominator of the fraction in lowest terms.
    pub fn den(self) -> u32 {
        self.den
    }

    /// Frames per second, rounded to a float.
    pub fn as_f64(self) -> f64 {
        f64::from(self.num) / f64::from(self.den)
    }

    /// Time at which frame `index` starts, in nanoseconds, rounded down.
    pub fn frame_start_ns(self, index: u64) -> u64 {
        let ns = u128::from(index) * 1_000_000_000 * u128::from(self.den) / u128::from(self.num);
        u64::try_from(ns).unwrap_or(u64::MAX)
    }

    /// Index of the first frame that starts at or after `time_ns`.
    pub fn first_frame_at(self, time_ns: u64) -> u64 {
        let per = 1_000_000_000 * u128::from(self.den);
        let index = (u128::from(time_ns) * u128::from(self.num)).div_ceil(per);
        u64::try_from(index).unwrap_or(u64::MAX)
    }

    /// How many whole frames fit into `duration_ns`, rounded to the nearest.
    pub fn frames_in(self, duration_ns: u64) -> u64 {
        let per = 1_000_000_000 * u128::from(self.den);
        let n = (u128::from(duration_ns) * u128::from(self.num) + per / 2) / per;
        u64::try_from(n).unwrap_or(u64::MAX)
    }

    /// The standard rate within `tolerance` (relative) of `fps`, the closest one if several are.
    pub fn nearest_standard(fps: f64, tolerance: f64) -> Option<Self> {
        STANDARD
            .into_iter()
            .chain([NTSC_60])
            .map(|r| (r, (r.as_f64() - fps).abs() / r.as_f64()))
            .filter(|(_, error)| *error <= tolerance)
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .map(|(r, _)| r)
    }

    /// The nearest fraction for a non-standard rate, exact to a thousandth.
    pub fn approximate(fps: f64) -> Option<Self> {
        if !fps.is_finite() || fps <= 0.0 {
            return None;
        }
        Self::nearest_standard(fps, 0.000_5)
            .or_else(|| Self::new((fps * 1000.0).round() as u32, 1000))
    }

    /// The rate a ladder is encoded at: the source's own, or for faster sources the source's
    /// divided by the smallest whole number that brings it to `max` frames per second or less,
    /// so that every kept frame is a source frame (120 becomes 60, 90 becomes 45). Rates below ten
    /// are multiplied by the smallest whole number that brings them there, since encoders and
    /// players need more than a few frames per keyframe; repeated frames cost next to nothing.
    #[must_use]
    pub fn for_ladder(self, max: u32) -> Self {
        const LEAST: u64 = 10;
        let factor = (LEAST * u64::from(self.den)).div_ceil(u64::from(self.num));
        if factor > 1 {
            let num = u32::try_from(factor)
                .ok()
                .and_then(|f| self.num.checked_mul(f));
            return num
                .and_then(|num| Self::new(num, self.den))
                .unwrap_or(Self::whole(10));
        }
        let limit = u64::from(max.max(1)) * u64::from(self.den);
        let divisor = u32::try_from(u64::from(self.num).div_ceil(limit))
            .unwrap_or(1)
            .max(1);
        Self::new(self.num, self.den.saturating_mul(divisor)).unwrap_or(self)
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

impl fmt::Display for FrameRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.den == 1 {
            write!(f, "{}", self.num)
        } else {
            write!(f, "{}/{}", self.num, self.den)
        }
    }
}

impl From<FrameRate> for String {
    fn from(rate: FrameRate) -> Self {
        rate.to_string()
    }
}

impl TryFrom<String> for FrameRate {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (num, den) = text.split_once('/').unwrap_or((&text, "1"));
        num.trim()
            .parse()
            .ok()
            .zip(den.trim().parse().ok())
            .and_then(|(n, d)| Self::new(n, d))
            .ok_or_else(|| format!("{text:?} is not a frame rate"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(num: u32, den: u32) -> FrameRate {
        FrameRate::new(num, den).unwrap()
    }

    #[test]
    fn is_kept_in_lowest_terms() {
        assert_eq!(rate(50, 2), rate(25, 1));
        assert_eq!(FrameRate::new(0, 1), None);
        assert_eq!(FrameRate::new(1, 0), None);
    }

    #[test]
    fn round_trips_as_text() {
        for r in [rate(24_000, 1001), rate(25, 1)] {
            assert_eq!(FrameRate::try_from(r.to_string()), Ok(r));
        }
        assert!(FrameRate::try_from("x/1".to_owned()).is_err());
        assert!(FrameRate::try_from("0".to_owned()).is_err());
    }

    #[test]
    fn ladder_rate_divides_fast_sources_evenly() {
        assert_eq!(rate(24_000, 1001).for_ladder(60), rate(24_000, 1001));
        assert_eq!(rate(60, 1).for_ladder(60), rate(60, 1));
        assert_eq!(rate(120, 1).for_ladder(60), rate(60, 1));
        assert_eq!(rate(120_000, 1001).for_ladder(60), rate(60_000, 1001));
        assert_eq!(rate(90, 1).for_ladder(60), rate(45, 1));
        assert_eq!(rate(240, 1).for_ladder(60), rate(60, 1));
        assert_eq!(rate(1, 1).for_ladder(60), rate(10, 1));
        assert_eq!(rate(15, 2).for_ladder(60), rate(15, 1));
        assert_eq!(rate(1, 3).for_ladder(60), rate(10, 1));
    }

    #[test]
    fn frame_grid_is_exact_over_hours() {
        let r = rate(30_000, 1001);
        assert_eq!(r.first_frame_at(0), 0);
        assert_eq!(r.first_frame_at(2_000_000_000), 60);
        assert_eq!(r.frame_start_ns(60), 2_002_000_000);
        // 12 hours: 1 294 705.29 frames have started; no rounding may creep in.
        assert_eq!(r.first_frame_at(12 * 3_600_000_000_000), 1_294_706);
        assert_eq!(r.frames_in(r.frame_start_ns(1_294_706)), 1_294_706);
    }

    #[test]
    fn measured_rates_snap_to_the_standard_ones() {
        assert_eq!(FrameRate::approximate(29.970_03), Some(rate(30_000, 1001)));
        assert_eq!(FrameRate::approximate(23.976), Some(rate(24_000, 1001)));
        assert_eq!(FrameRate::approximate(59.94), Some(rate(60_000, 1001)));
        assert_eq!(FrameRate::approximate(18.5), Some(rate(37, 2)));
        assert_eq!(FrameRate::approximate(0.0), None);
        assert_eq!(FrameRate::approximate(f64::NAN), None);
    }
}
