//! Frame rates as exact fractions, worked out here a second time so that tests do not trust the
//! code they test.

/// Frames per second.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    num: u64,
    den: u64,
}

impl Rate {
    /// Reads `"24000/1001"` or `"25"`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (num, den) = text.split_once('/').unwrap_or((text, "1"));
        let rate = Self {
            num: num.parse().ok()?,
            den: den.parse().ok()?,
        };
        (rate.num > 0 && rate.den > 0).then_some(rate)
    }

    pub(crate) fn as_f64(self) -> f64 {
        self.num as f64 / self.den as f64
    }

    /// Time from the first frame to frame `index` in seconds.
    pub(crate) fn seconds(self, index: u64) -> f64 {
        (index * self.den) as f64 / self.num as f64
    }

    /// Index of the first frame at or after a time in whole seconds.
    pub(crate) fn first_frame_at(self, seconds: u64) -> u64 {
        (seconds * self.num).div_ceil(self.den)
    }

    /// The first frames at or after every `seconds`, below `frames`.
    pub(crate) fn marks(self, seconds: u64, frames: u64) -> Vec<u64> {
        let last = frames * self.den / (self.num * seconds);
        let marks = (0..=last).map(|k| self.first_frame_at(k * seconds));
        marks.filter(|index| *index < frames).collect()
    }
}

impl PartialEq for Rate {
    fn eq(&self, other: &Self) -> bool {
        self.num * other.den == other.num * self.den
    }
}
