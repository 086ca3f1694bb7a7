//! Where the time comes from.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

/// A time in UTC, stored and compared in whole milliseconds.
pub type Timestamp = DateTime<Utc>;

/// A source of time, passed as an argument so that tests can set it.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Now, cut to whole milliseconds.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct FixedClock(AtomicI64);

impl FixedClock {
    /// A clock that shows `now`.
    pub fn new(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.timestamp_millis()))
    }

    /// Moves the clock, back if `by` is negative.
    pub fn advance(&self, by: TimeDelta) {
        self.0.fetch_add(by.num_milliseconds(), Ordering::SeqCst);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// Whether a clock has run steadily for long enough to be trusted with irreversible actions, such as
/// deleting an expired upload. A machine may start with a wrong time and have it corrected over the
/// network minutes later.
#[derive(Debug)]
pub struct Steadiness {
    since: Instant,
    last: (Instant, Timestamp),
}

impl Steadiness {
    /// How long a clock must have gone evenly.
    pub const AFTER: Duration = Duration::from_mins(10);
    /// Tolerated deviation between two samples, since clocks are adjusted in small steps.
    const TOLERANCE: TimeDelta = TimeDelta::seconds(5);

    /// Starts watching `clock`, at a monotonic time.
    pub fn new(clock: &dyn Clock, at: Instant) -> Self {
        Self {
            since: at,
            last: (at, clock.now()),
        }
    }

    /// True if the clock has run steadily for [`Self::AFTER`] up to `at`. To be called about once a
    /// minute.
    pub fn look(&mut self, clock: &dyn Clock, at: Instant) -> bool {
        let now = clock.now();
        let (last_at, last) = self.last;
        self.last = (at, now);
        let passed = TimeDelta::from_std(at.saturating_duration_since(last_at));
        let jump = passed.map_or(TimeDelta::MAX, |passed| (now - last - passed).abs());
        if jump > Self::TOLERANCE {
            self.since = at;
        }
        at.saturating_duration_since(self.since) >= Self::AFTER
    }
}

/// The time `millis` milliseconds after the Unix epoch, clamped to the representable range.
pub fn from_millis(millis: i64) -> Timestamp {
    DateTime::from_timestamp_millis(millis).unwrap_or(if millis < 0 {
        DateTime::<Utc>::MIN_UTC
    } else {
        DateTime::<Utc>::MAX_UTC
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_clock_moves_only_when_told() {
        let clock = FixedClock::new(from_millis(5_000));
        assert_eq!(clock.now().timestamp_millis(), 5_000);
        clock.advance(TimeDelta::seconds(2));
        assert_eq!(clock.now(), clock.now());
        assert_eq!(clock.now().timestamp_millis(), 7_000);
    }

    #[test]
    fn a_clock_is_steady_once_it_was_not_set_for_a_while() {
        let (clock, start) = (FixedClock::new(from_millis(0)), Instant::now());
        let mut steadiness = Steadiness::new(&clock, start);
        let mut minute = 0;
        let mut look = |set_s: i64| {
            minute += 1;
            clock.advance(TimeDelta::seconds(60 + set_s));
            steadiness.look(&clock, start + Duration::from_mins(minute))
        };
        let after = |look: &mut dyn FnMut(i64) -> bool| (1..1_000).find(|_| look(1)).unwrap();
        assert_eq!(after(&mut look), 10);
        for jump_s in [-7_200, 86_400 * 8] {
            assert!(!look(jump_s));
            assert_eq!(after(&mut look), 10);
        }
    }

    #[test]
    fn times_beyond_the_calendar_become_its_ends() {
        assert_eq!(from_millis(i64::MAX), DateTime::<Utc>::MAX_UTC);
        assert_eq!(from_millis(i64::MIN), DateTime::<Utc>::MIN_UTC);
    }
}
