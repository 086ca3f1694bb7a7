//! Where the time comes from.

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};

/// A moment in UTC. Stored and compared in whole milliseconds.
pub type Timestamp = DateTime<Utc>;

/// Tells the time. Everything that needs it takes one, so that tests can set it.
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

/// The moment `millis` milliseconds after 1970 began; the nearest one that exists if that is
/// beyond what the calendar holds.
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
    fn times_beyond_the_calendar_become_its_ends() {
        assert_eq!(from_millis(i64::MAX), DateTime::<Utc>::MAX_UTC);
        assert_eq!(from_millis(i64::MIN), DateTime::<Utc>::MIN_UTC);
    }
}
