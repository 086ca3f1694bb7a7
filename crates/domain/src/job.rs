//! The work that turns an asset's original into renditions.

use serde::{Deserialize, Serialize};

use crate::asset::AssetId;
use crate::clock::Timestamp;
use crate::failure::Failure;
use crate::trace::TraceParent;

/// Number of a job. Never used twice.
pub type JobId = i64;

/// Valid priorities; the default is 0, and higher ones come first.
pub const PRIORITIES: std::ops::RangeInclusive<i64> = -100..=100;

/// Number of an attempt at an asset, counted on over all of its jobs, from 1. It is the fence: only
/// the current attempt may publish or finish, and a number is never used for two outputs.
pub type Attempt = i64;

/// Processing of one asset, over one or more attempts.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Its number.
    pub id: JobId,
    /// The asset that it processes.
    pub asset_id: AssetId,
    /// How far it is.
    pub state: JobState,
    /// Jobs of higher priority run first.
    pub priority: i64,
    /// The current attempt; before the first of this job, the last one of the job before, or 0.
    pub attempt: Attempt,
    /// Failed attempts that count towards the limit. A shutdown or restart of the server does not
    /// count; a crash of the job's process does.
    pub failures: i64,
    /// Who runs it, in [`JobState::Running`].
    pub worker: Option<String>,
    /// When the worker's claim expires unless it is renewed.
    pub lease_until: Option<Timestamp>,
    /// Earliest start, unless it is further away than `wait_ms`: the backoff of a retry. See
    /// [`left_ms`].
    pub run_after: Timestamp,
    /// Length of its delay in milliseconds; 0 if it may run at once.
    pub wait_ms: i64,
    /// Why the last attempt ended badly.
    pub failure: Option<Failure>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its current attempt started.
    pub started_at: Option<Timestamp>,
    /// When it reached an end.
    pub finished_at: Option<Timestamp>,
    /// The trace of the upload that it is for.
    pub trace: Option<TraceParent>,
}

/// Remaining milliseconds at `now` of a delay of `wait_ms` that ends at `run_after`. An end further
/// away than the whole delay comes from a wrong clock: then nothing remains.
pub fn left_ms(run_after: Timestamp, wait_ms: i64, now: Timestamp) -> i64 {
    let left_ms = (run_after - now).num_milliseconds();
    if (1..=wait_ms).contains(&left_ms) {
        left_ms
    } else {
        0
    }
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Waiting for a worker or for its backoff.
    Queued,
    /// Claimed by a worker.
    Running,
    /// Everything was made.
    Done,
    /// It failed for good.
    Failed,
    /// Somebody stopped it.
    Cancelled,
}

impl JobState {
    /// All states.
    pub const ALL: [Self; 5] = [
        Self::Queued,
        Self::Running,
        Self::Done,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The name in the database, e.g. `"running"`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state with that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == name)
    }
}

/// What was encoded for one rung.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendition {
    /// Its number.
    pub id: i64,
    /// The asset that it belongs to.
    pub asset_id: AssetId,
    /// Rung name, e.g. `"720p"`.
    pub rung: String,
    /// Width in pixels.
    pub width: i64,
    /// Height in pixels.
    pub height: i64,
    /// Average of video, audio and container in kbit/s; the rung's cap until it is measured.
    pub bitrate: i64,
    /// Segments so far in bytes.
    pub file_size: i64,
    /// RFC 6381 names, known at the end.
    pub codecs: Option<String>,
    /// Identifier of the encoder in use.
    pub encoder: Option<String>,
    /// 0 to 100; `None` if the duration of the source is unknown.
    pub percent: Option<f64>,
    /// True when it is complete.
    pub done: bool,
}

/// When attempts are repeated, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Failures until the job fails permanently, at least 1.
    pub max_failures: i64,
    /// How many times the server may die while a job runs before the job is considered the cause
    /// and fails, at least 1.
    pub max_losses: i64,
    /// Backoff after the first failure in milliseconds; doubles with each further one.
    pub first_backoff_ms: i64,
    /// Longest wait in milliseconds.
    pub max_backoff_ms: i64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_failures: 3,
            max_losses: 5,
            first_backoff_ms: 5_000,
            max_backoff_ms: 300_000,
        }
    }
}

impl RetryPolicy {
    /// The consequence of `failure` number `failures` (from 1): the backoff in milliseconds before
    /// the next attempt, or `None` if the job fails permanently.
    pub fn next_wait_ms(&self, failure: &Failure, failures: i64) -> Option<i64> {
        if !failure.retryable || failures >= self.max_failures {
            return None;
        }
        let doublings = u32::try_from(failures - 1).unwrap_or(0).min(30);
        Some(
            self.first_backoff_ms
                .saturating_mul(1 << doublings)
                .min(self.max_backoff_ms),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_millis;
    use crate::failure::{FailureCode, Stage};

    #[test]
    fn names_lead_back_to_their_values() {
        for state in JobState::ALL {
            assert_eq!(JobState::parse(state.as_str()), Some(state));
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
    }

    #[test]
    fn waits_double_up_to_their_limit_and_end() {
        let policy = RetryPolicy {
            max_failures: 5,
            max_losses: 5,
            first_backoff_ms: 1_000,
            max_backoff_ms: 3_000,
        };
        let crash = Failure::new(FailureCode::Crashed, Stage::Transcode, "signal 11");
        let waits: Vec<_> = (1..=6).map(|n| policy.next_wait_ms(&crash, n)).collect();
        assert_eq!(
            waits,
            [
                Some(1_000),
                Some(2_000),
                Some(3_000),
                Some(3_000),
                None,
                None
            ]
        );
    }

    #[test]
    fn no_wait_is_longer_than_was_asked_for() {
        let at = |ms| left_ms(from_millis(10_000), 5_000, from_millis(ms));
        assert_eq!(
            (at(5_000), at(9_999), at(10_000), at(99_000)),
            (5_000, 1, 0, 0)
        );
        // The clock that told the moment was ahead, or this one was set back.
        assert_eq!((at(4_999), at(-7_200_000)), (0, 0));
        assert_eq!(left_ms(from_millis(10_000), 0, from_millis(0)), 0);
    }

    #[test]
    fn a_bad_file_is_not_tried_again() {
        let bad = Failure::new(FailureCode::NoVideoStream, Stage::Probe, "only sound");
        assert_eq!(RetryPolicy::default().next_wait_ms(&bad, 1), None);
    }
}
