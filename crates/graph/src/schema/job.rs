//! Jobs.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use clipsy_domain::job;
use clipsy_service::error::Error;
use clipsy_service::videos::group::Jobs;

use super::asked::{app, viewer};
use super::errors::Result;
use super::ids::Global;
use super::names::JobState;
use super::scalars::{DateTime, int};
use super::video::{Failure, Video};

/// A job, see its [`Object`]. It is only shown to people who may manage its video.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) job: Arc<job::Job>,
    /// Those that came with it.
    pub(crate) group: Arc<Jobs>,
}

impl Job {
    /// Jobs of one list.
    pub(crate) fn all(jobs: Vec<job::Job>) -> Vec<Self> {
        let group = Jobs::new(&jobs);
        let one = |job| Self {
            job: Arc::new(job),
            group: Arc::clone(&group),
        };
        jobs.into_iter().map(one).collect()
    }
}

/// Processing of one video, over one or more attempts.
#[Object(serial)]
impl Job {
    /// Global id.
    pub(crate) async fn id(&self) -> ID {
        Global::Job(self.job.id).into()
    }

    /// Its state.
    async fn state(&self) -> JobState {
        self.job.state.into()
    }

    /// Jobs of one owner are started in order of priority, the highest first.
    async fn priority(&self) -> i32 {
        int(self.job.priority)
    }

    /// Number of the current attempt, counted over all jobs of the video.
    async fn attempt(&self) -> i32 {
        int(self.job.attempt)
    }

    /// Failed attempts. Restarts of the server do not count.
    async fn failures(&self) -> i32 {
        int(self.job.failures)
    }

    /// Name of the worker that runs it; null unless it is running.
    async fn worker(&self) -> Option<&str> {
        self.job.worker.as_deref()
    }

    /// When it was created.
    async fn created_at(&self) -> DateTime {
        self.job.created_at.into()
    }

    /// When its current or last attempt started; null before the first.
    async fn started_at(&self) -> Option<DateTime> {
        self.job.started_at.map(Into::into)
    }

    /// When it finished, failed or was cancelled; null before that.
    async fn finished_at(&self) -> Option<DateTime> {
        self.job.finished_at.map(Into::into)
    }

    /// Why its last attempt failed; null if it did not.
    async fn failure(&self) -> Option<Failure> {
        let failure = self.job.failure.as_ref();
        failure.map(|failure| Failure::of(failure, true))
    }

    /// When it is retried after a failed attempt; null unless a retry is pending.
    async fn next_attempt_at(&self) -> Option<DateTime> {
        let waits = self.job.state == job::JobState::Queued && self.job.wait_ms > 0;
        waits.then(|| self.job.run_after.into())
    }

    /// The video that it processes.
    async fn video(&self, ctx: &Context<'_>) -> Result<Video> {
        let group = self.group.videos(app(ctx)?).await?;
        let asset = group.assets.iter().find(|a| a.id == self.job.asset_id);
        // It may have been deleted since the job was read.
        let asset = asset.filter(|asset| viewer(ctx).may_see(asset));
        let asset = Arc::clone(asset.ok_or(Error::NotFound)?);
        Ok(Video { asset, group })
    }
}
