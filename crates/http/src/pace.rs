//! Patience with those who are slow.

use std::time::Duration;

/// Waiting consumes it, and bytes restore it: a client with the minimum rate, averaged over the
/// window, is never cut off. Only time spent waiting counts, so that our own slow disk is not held
/// against a client.
#[derive(Debug, Clone)]
pub(crate) struct Pace {
    /// Minimum bytes per second; with 0 any byte restores all patience.
    least: u64,
    window: Duration,
    left: Duration,
}

impl Pace {
    /// Full patience.
    pub(crate) fn new(least: u64, window: Duration) -> Self {
        Self {
            least,
            window,
            left: window,
        }
    }

    /// How long to wait from now on if nothing moves.
    pub(crate) fn left(&self) -> Duration {
        self.left
    }

    /// So long was waited.
    pub(crate) fn waited(&mut self, time: Duration) {
        self.left = self.left.saturating_sub(time);
    }

    /// So many bytes have moved.
    pub(crate) fn moved(&mut self, bytes: u64) {
        let worth = if self.least == 0 {
            self.window
        } else {
            // No number of bytes that is moved at once comes near where this is inexact.
            Duration::try_from_secs_f64(bytes as f64 / self.least as f64).unwrap_or(self.window)
        };
        self.left = self.left.saturating_add(worth).min(self.window);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lasts(mut pace: Pace, each: Duration, bytes: u64) -> Option<usize> {
        (0..1000).find(|_| {
            let over = each >= pace.left();
            pace.waited(each);
            pace.moved(bytes);
            over
        })
    }

    #[test]
    fn a_byte_now_and_then_is_not_enough() {
        let pace = || Pace::new(1024, Duration::from_mins(1));
        assert_eq!(lasts(pace(), Duration::from_secs(20), 1), Some(3));
        assert_eq!(lasts(pace(), Duration::from_secs(1), 512), Some(118));
        assert_eq!(lasts(pace(), Duration::from_secs(1), 1025), None);
        // A link that stops for a while, and is quick otherwise.
        assert_eq!(lasts(pace(), Duration::from_secs(50), 60 << 10), None);
        assert_eq!(lasts(pace(), Duration::from_mins(1), 1 << 30), Some(0));
    }

    #[test]
    fn without_a_least_rate_only_silence_counts() {
        let pace = || Pace::new(0, Duration::from_mins(1));
        assert_eq!(lasts(pace(), Duration::from_secs(59), 1), None);
        assert_eq!(lasts(pace(), Duration::from_mins(1), 1), Some(0));
    }
}
