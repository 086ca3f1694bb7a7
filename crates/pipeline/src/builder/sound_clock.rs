//! When sound is heard: a gapless stream of samples out of buffers with times.
//!
//! One rule: the container's clock is right. A sample is heard at the running time that its buffer
//! carries; what is missing is silence, and what comes twice, or before zero, is left out. Times
//! are rounded, though, to a millisecond by many containers, and jump about by more in bad ones. So
//! a buffer that is a little off follows the one before it without a seam, and only an error that
//! stays is mended, by playing a little faster or slower until it is gone. Where all times have
//! been in order, less is taken for an error of the times and more for sound that is missing.

use std::collections::VecDeque;

/// Errors above this are jumps, mended at once. Below, people do not notice a shift between sound
/// and picture (ITU-R BT.1359).
const JUMP_NS: i64 = 40_000_000;
/// The same where the times before were in order: half a packet of most codecs.
const CLEAN_JUMP_NS: i64 = 8_000_000;
/// The same where the stream says itself that it does not go on.
const SEAM_NS: i64 = 5_000_000;
/// Times are in order if so many of the last ones differ by no more than this.
const CLEAN_NS: i64 = 3_000_000;
const ENOUGH_TIMES: usize = 8;
/// Errors up to this are rounding.
const ROUNDING_NS: i64 = 4_000_000;
/// How long an error has to stay.
const PATIENCE_NS: i64 = 500_000_000;
/// One frame in so many is added or taken away while an error is mended; 7 cents of a semitone.
const STRETCH: i64 = 256;

/// Counts the frames that were given out, and says where the next ones go.
#[derive(Debug)]
pub(super) struct SoundClock {
    rate: i64,
    /// Running time at which counting began.
    base_ns: i64,
    /// Frames since then.
    count: i64,
    started: bool,
    /// A whole buffer was left out, and the next one may have to be cut as well.
    cutting: bool,
    /// Error and length of the last buffers.
    errors: VecDeque<(i64, i64)>,
    watched_ns: i64,
    /// Frames that are still to be added or, below zero, taken away.
    debt: i64,
}

/// What to do with a buffer.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Placement {
    /// Frames of silence in front of it.
    pub(super) silence: u64,
    /// Frames at its beginning that are left out.
    pub(super) skip: usize,
    /// Frames by which it is made longer or shorter.
    pub(super) bend: i64,
    /// There is a seam in front of it.
    pub(super) seam: bool,
}

impl SoundClock {
    /// A clock at zero for `rate` frames a second.
    pub(super) fn new(rate: u32) -> Self {
        Self {
            rate: i64::from(rate.max(1)),
            base_ns: 0,
            count: 0,
            started: false,
            cutting: false,
            errors: VecDeque::new(),
            watched_ns: 0,
            debt: 0,
        }
    }

    /// Goes on with another rate from where it is.
    pub(super) fn set_rate(&mut self, rate: u32) {
        self.base_ns = self.now_ns();
        self.count = 0;
        self.debt = 0;
        self.rate = i64::from(rate.max(1));
    }

    /// Where the next frame goes. `fresh` says that the stream does not claim to go on here.
    pub(super) fn place(&mut self, start_ns: Option<i64>, frames: usize, fresh: bool) -> Placement {
        let error = start_ns.map_or(0, |start| start - self.now_ns());
        let allowed = match (self.started, fresh) {
            (false, _) => 0,
            (true, _) if self.cutting => 0,
            (true, true) => SEAM_NS,
            (true, false) if self.is_clean() => CLEAN_JUMP_NS,
            (true, false) => JUMP_NS,
        };
        let placement = if error.abs() > allowed {
            self.forget();
            self.jump(error, frames)
        } else {
            Placement {
                bend: self.bend(error, i64::try_from(frames).unwrap_or(i64::MAX)),
                ..Placement::default()
            }
        };
        self.cutting = frames > 0 && placement.skip == frames;
        self.started |= !self.cutting;
        let kept = i64::try_from(frames - placement.skip).unwrap_or(i64::MAX);
        let silence = i64::try_from(placement.silence).unwrap_or(i64::MAX);
        self.count += silence + kept + placement.bend;
        placement
    }

    fn jump(&self, error: i64, frames: usize) -> Placement {
        let off = self.frames_in(error);
        Placement {
            silence: u64::try_from(off).unwrap_or(0),
            skip: usize::try_from(-off).unwrap_or(0).min(frames),
            bend: 0,
            seam: self.started,
        }
    }

    /// How much to bend a buffer with a small error.
    fn bend(&mut self, error: i64, frames: i64) -> i64 {
        if self.debt == 0 {
            let length = frames.saturating_mul(1_000_000_000) / self.rate;
            self.errors.push_back((error, length));
            self.watched_ns += length;
            if self.watched_ns < PATIENCE_NS {
                return 0;
            }
            let (low, high) = self.spread();
            if low > ROUNDING_NS || high < -ROUNDING_NS {
                self.debt = self.frames_in(low.midpoint(high));
                self.errors.clear();
                self.watched_ns = 0;
            } else {
                while self.watched_ns >= PATIENCE_NS
                    && let Some((_, length)) = self.errors.pop_front()
                {
                    self.watched_ns -= length;
                }
                return 0;
            }
        }
        // Too short a buffer to bend without being heard waits for a longer one.
        let most = if frames < STRETCH / 4 {
            0
        } else {
            (frames / STRETCH).max(1)
        };
        let bend = self.debt.clamp(-most, most);
        self.debt -= bend;
        bend
    }

    fn is_clean(&self) -> bool {
        let (low, high) = self.spread();
        self.errors.len() >= ENOUGH_TIMES && high - low <= CLEAN_NS
    }

    /// The least and the greatest of the last errors.
    fn spread(&self) -> (i64, i64) {
        let errors = || self.errors.iter().map(|(error, _)| *error);
        (errors().min().unwrap_or(0), errors().max().unwrap_or(0))
    }

    fn forget(&mut self) {
        self.errors.clear();
        self.watched_ns = 0;
        self.debt = 0;
    }

    fn now_ns(&self) -> i64 {
        self.base_ns + scale(self.count, 1_000_000_000, self.rate)
    }

    fn frames_in(&self, ns: i64) -> i64 {
        scale(ns, self.rate, 1_000_000_000)
    }
}

/// `value * by / per`, rounded to the nearest.
fn scale(value: i64, by: i64, per: i64) -> i64 {
    let product = i128::from(value) * i128::from(by);
    let per = i128::from(per);
    i64::try_from((product + per / 2).div_euclid(per)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;
    const NOTHING: Placement = Placement {
        silence: 0,
        skip: 0,
        bend: 0,
        seam: false,
    };

    /// Plays buffers of 1024 frames that start at `times`; what is done, and how far off the end is.
    fn play(times: impl IntoIterator<Item = i64>) -> (Vec<Placement>, i64) {
        let mut clock = SoundClock::new(48_000);
        let mut end = 0;
        let placements = times
            .into_iter()
            .map(|time| {
                end = time + scale(1024, 1_000_000_000, 48_000);
                clock.place(Some(time), 1024, false)
            })
            .collect();
        (placements, clock.now_ns() - end)
    }

    fn even(n: i64) -> i64 {
        scale(n * 1024, 1_000_000_000, 48_000)
    }

    #[test]
    fn rounded_times_and_jitter_are_left_alone() {
        let rounded = (0..170_000).map(|n| even(n) / MS * MS);
        let jitter = (0..170_000).map(|n| (even(n) + (n * 7919 % 13 - 6) * 2 * MS).max(0));
        let (done, off) = play(rounded);
        assert!(done.iter().all(|p| *p == NOTHING));
        assert!(off.abs() <= MS, "{off}");
        assert!(play(jitter).0[1..].iter().all(|p| *p == NOTHING));
    }

    #[test]
    fn a_gap_is_silence_and_an_overlap_is_left_out() {
        let (done, _) = play((0..10).map(|n| even(n) + if n >= 5 { 124 * MS } else { 0 }));
        assert_eq!(done[5].silence, 5952);
        assert!(done[5].seam && done[6..].iter().all(|p| *p == NOTHING));
        let (done, off) = play((0..10).map(|n| even(n) - if n >= 5 { 50 * MS } else { 0 }));
        let skipped: usize = done.iter().map(|p| p.skip).sum();
        assert_eq!((skipped, off), (2400, 0));
    }

    #[test]
    fn a_late_start_is_silence_and_nothing_sounds_before_zero() {
        let (done, _) = play([3000 * MS]);
        assert_eq!((done[0].silence, done[0].seam), (144_000, false));
        let (done, _) = play((0..3).map(|n| even(n) - 30 * MS));
        assert_eq!([done[0].skip, done[1].skip], [1024, 416]);
        let (done, _) = play([3 * MS]);
        assert_eq!(done[0].silence, 144, "even a short one");
    }

    #[test]
    fn a_lost_packet_is_silence_where_times_were_in_order() {
        let (done, _) = play((0..40).map(|n| even(if n < 20 { n } else { n + 1 }) / MS * MS));
        assert!(done[20].silence.abs_diff(1024) <= 48, "{:?}", done[20]);
        assert!(done[21..].iter().all(|p| *p == NOTHING));
        // Where they were not, the sound goes on and catches up.
        let wobble = |n: i64| (n * 7919 % 7 - 3) * 2 * MS;
        let lost = |n: i64| even(if n < 20 { n } else { n + 1 }) + wobble(n) + 40 * MS;
        let (done, _) = play((0..400).map(lost));
        assert!(done[1..].iter().all(|p| p.silence == 0 && p.skip == 0));
        let added: i64 = done.iter().map(|p| p.bend).sum();
        assert!(added > 700, "{added}");
    }

    #[test]
    fn an_announced_seam_is_kept_to_the_sample() {
        let mut clock = SoundClock::new(48_000);
        clock.place(Some(0), 1024, false);
        let lost_one = clock.place(Some(even(2)), 1024, true);
        assert_eq!(lost_one.silence, 1024);
        assert_eq!(clock.place(Some(even(3) + MS), 1024, true), NOTHING);
    }

    #[test]
    fn drift_is_followed_over_an_hour_without_seams() {
        // A clock of a camera that is 100 ppm fast, and one that is slow.
        for ppm in [100, -100] {
            let hour = (0..168_750).map(|n| even(n) + even(n) * ppm / 1_000_000);
            let (done, off) = play(hour);
            assert!(
                done.iter()
                    .all(|p| p.silence == 0 && p.skip == 0 && p.bend.abs() <= 4)
            );
            assert!(off.abs() < 8 * MS, "{off}");
        }
    }

    #[test]
    fn buffers_without_a_time_follow_each_other() {
        let mut clock = SoundClock::new(44_100);
        for _ in 0..44_100 {
            assert_eq!(clock.place(None, 1, false), NOTHING);
        }
        assert_eq!(clock.now_ns(), 1_000_000_000);
    }

    #[test]
    fn a_change_of_rate_goes_on_where_it_was() {
        let mut clock = SoundClock::new(44_100);
        clock.place(Some(0), 44_100, false);
        clock.set_rate(48_000);
        assert_eq!(clock.place(Some(1_000_000_000), 48_000, false), NOTHING);
        assert_eq!(clock.now_ns(), 2_000_000_000);
    }
}
