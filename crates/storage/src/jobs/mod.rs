//! Jobs: the queue's truth, claims and their ends.

use clipsy_domain::asset::AssetId;
use clipsy_domain::clock::Timestamp;
use clipsy_domain::failure::Failure;
use clipsy_domain::job::{Attempt, Job, JobId, RetryPolicy};

use crate::db::Db;
use crate::error::Result;
use crate::renditions::NewRendition;

/// What an attempt made that reached its end.
#[derive(Debug, Clone)]
pub struct Finished {
    /// All renditions with what was measured.
    pub renditions: Vec<NewRendition>,
    /// Length of the result in seconds; `None` leaves what the probe said.
    pub duration_s: Option<f64>,
    /// True if there is a poster picture.
    pub has_thumbnail: bool,
    /// True if there is a storyboard.
    pub has_storyboard: bool,
}

/// What follows a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterFailure {
    /// The job is queued again.
    Retry {
        /// Not to be started before then.
        run_after: Timestamp,
    },
    /// The job has failed for good.
    Failed,
}

impl Db {
    /// The job with that number.
    pub async fn job(&self, id: JobId) -> Result<Option<Job>> {
        let _ = id;
        unimplemented!()
    }

    /// The newest job of an asset.
    pub async fn job_of_asset(&self, asset: AssetId) -> Result<Option<Job>> {
        let _ = asset;
        unimplemented!()
    }

    /// All queued jobs, also those whose backoff has not passed: the highest priority first, then
    /// the lowest number.
    pub async fn jobs_to_run(&self) -> Result<Vec<Job>> {
        unimplemented!()
    }

    /// Takes up running jobs that nobody runs any more, and gives back all that it touched, as
    /// they are now.
    pub async fn recover(&self, worker: Option<&str>, policy: &RetryPolicy) -> Result<Vec<Job>> {
        let _ = (worker, policy);
        unimplemented!()
    }

    /// Claims a queued job whose `run_after` has passed, for `lease_ms`. `None` if somebody else
    /// has it, or it is not to be run.
    pub async fn claim_job(&self, id: JobId, worker: &str, lease_ms: i64) -> Result<Option<Job>> {
        let _ = (id, worker, lease_ms);
        unimplemented!()
    }

    /// Holds the claim for `lease_ms` from now. False if `attempt` no longer holds the job: then
    /// its child must be killed.
    pub async fn renew_lease(&self, id: JobId, attempt: Attempt, lease_ms: i64) -> Result<bool> {
        let _ = (id, attempt, lease_ms);
        unimplemented!()
    }

    /// Notes what the probe and the plan found: length in seconds, upright size in pixels, frames
    /// per second of the renditions. False if `attempt` no longer holds the job.
    pub async fn record_media(
        &self,
        id: JobId,
        attempt: Attempt,
        duration_s: Option<f64>,
        width: i64,
        height: i64,
        fps: Option<f64>,
    ) -> Result<bool> {
        let _ = (id, attempt, duration_s, width, height, fps);
        unimplemented!()
    }

    /// Shows the attempt's output to players. False if `attempt` no longer holds the job.
    pub async fn mark_playable(&self, id: JobId, attempt: Attempt) -> Result<bool> {
        let _ = (id, attempt);
        unimplemented!()
    }

    /// Notes that the attempt's poster picture is there. False if `attempt` no longer holds the
    /// job.
    pub async fn mark_thumbnail(&self, id: JobId, attempt: Attempt) -> Result<bool> {
        let _ = (id, attempt);
        unimplemented!()
    }

    /// Ends the job well: the asset is ready and shows this attempt's output. False if `attempt`
    /// no longer holds the job; then nothing changes.
    pub async fn finish_job(&self, id: JobId, attempt: Attempt, made: &Finished) -> Result<bool> {
        let _ = (id, attempt, made);
        unimplemented!()
    }

    /// Ends the attempt badly: the job is queued again with a backoff, or has failed for good.
    /// `None` if `attempt` no longer holds the job; then nothing changes.
    pub async fn fail_job(
        &self,
        id: JobId,
        attempt: Attempt,
        failure: &Failure,
        policy: &RetryPolicy,
    ) -> Result<Option<AfterFailure>> {
        let _ = (id, attempt, failure, policy);
        unimplemented!()
    }

    /// Puts a job back without counting a failure, as a drain does. False if `attempt` no longer
    /// holds the job.
    pub async fn requeue_job(&self, id: JobId, attempt: Attempt) -> Result<bool> {
        let _ = (id, attempt);
        unimplemented!()
    }

    /// Stops the asset's queued or running job. `None` if there is nothing to stop.
    pub async fn cancel_job(&self, asset: AssetId) -> Result<Option<Job>> {
        let _ = asset;
        unimplemented!()
    }

    /// Makes a new job for an asset that failed or was cancelled. `None` otherwise.
    pub async fn retry_job(&self, asset: AssetId) -> Result<Option<Job>> {
        let _ = asset;
        unimplemented!()
    }
}
