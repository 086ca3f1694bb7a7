//! What people do to jobs: stop them and start them again.

use clipsy_domain::asset::{AssetId, AssetState};
use clipsy_domain::job::Job;

use super::{add_job, charge, job_columns, job_from, withdraw, work_on};
use crate::cells::Cells;
use crate::db::Db;
use crate::error::Result;

impl Db {
    /// Stops the asset's queued or running job. `None` if there is nothing to stop.
    ///
    /// The number of the attempt grows, so that a worker that is at it no longer holds the job: the
    /// one to kill is the attempt before the one in the answer.
    pub async fn cancel_job(&self, asset: AssetId) -> Result<Option<Job>> {
        let now = self.now();
        let mut tx = self.begin().await?;
        let work = work_on(&mut tx, asset, now).await?;
        let sql = concat!(
            "UPDATE jobs SET state = 'cancelled', attempt = attempt + 1, worker = NULL, \
             lease_until = NULL, finished_at = $2 \
             WHERE asset_id = $1 AND state IN ('queued', 'running') RETURNING ",
            job_columns!()
        );
        let row = sqlx::query(sql)
            .bind(asset)
            .bind(now)
            .fetch_optional(&mut *tx)
            .await?;
        let Some(job) = row.as_ref().map(job_from).transpose()? else {
            return Ok(None);
        };
        let stopped = job.attempt - 1;
        withdraw(&mut tx, asset, stopped, AssetState::Cancelled, None, now).await?;
        charge(&mut tx, work, now).await?;
        tx.commit().await?;
        Ok(Some(job))
    }

    /// Sets how urgent the asset's queued or running job is among those of its owner; a running one if it
    /// is queued again. `None` if there is no such job.
    pub async fn set_priority(&self, asset: AssetId, priority: i64) -> Result<Option<Job>> {
        let sql = concat!(
            "UPDATE jobs SET priority = $2 WHERE asset_id = $1 AND state IN ('queued', 'running') \
             RETURNING ",
            job_columns!()
        );
        let row = sqlx::query(sql)
            .bind(asset)
            .bind(priority)
            .fetch_optional(self.write())
            .await?;
        row.as_ref().map(job_from).transpose()
    }

    /// Makes a new job for an asset that failed or was cancelled. `None` otherwise.
    ///
    /// Its attempts are numbered on from those of the jobs before it: an attempt's files lie in a
    /// place of its own, and what earlier ones left may still be waiting to be deleted.
    pub async fn retry_job(&self, asset: AssetId) -> Result<Option<Job>> {
        let now = self.now();
        let mut tx = self.begin().await?;
        let done = sqlx::query(
            "UPDATE assets SET state = 'queued', failure = NULL, updated_at = $2 \
             WHERE id = $1 AND state IN ('failed', 'cancelled')",
        )
        .bind(asset)
        .bind(now)
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(None);
        }
        let before = sqlx::query(
            "SELECT COALESCE(MAX(attempt), 0), COALESCE(MAX(priority), 0), MAX(trace) FROM jobs \
             WHERE asset_id = $1",
        )
        .bind(asset)
        .fetch_one(&mut *tx)
        .await?;
        let mut before = Cells::new(&before);
        let (attempt, priority) = (before.int()?, before.int()?);
        // All jobs of an asset belong to the trace of its upload.
        let trace = before.maybe_trace()?;
        let job = add_job(&mut tx, asset, priority, attempt, trace.as_ref(), now).await?;
        tx.commit().await?;
        Ok(Some(job))
    }
}
