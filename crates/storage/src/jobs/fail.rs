//! The bad end of an attempt, and the one that is nobody's fault.

use clipsy_domain::asset::{AssetId, AssetState};
use clipsy_domain::clock::from_millis;
use clipsy_domain::failure::Failure;
use clipsy_domain::job::{Attempt, Job, JobId, RetryPolicy};

use super::share::{charge, waits_again, work_on};
use super::{AfterFailure, job_columns, job_from, withdraw};
use crate::cells::failure_text;
use crate::db::{Db, Tx};
use crate::error::Result;

impl Db {
    /// Ends the attempt badly: the job is queued again with a backoff, or has failed for good. Its
    /// output is taken off the asset and becomes garbage. `None` if `attempt` no longer holds the
    /// job; then nothing changes.
    pub async fn fail_job(
        &self,
        id: JobId,
        attempt: Attempt,
        failure: &Failure,
        policy: &RetryPolicy,
    ) -> Result<Option<AfterFailure>> {
        let now = self.now();
        let mut tx = self.begin().await?;
        let row = sqlx::query(concat!(
            "UPDATE jobs SET failures = failures + 1 \
             WHERE id = $1 AND attempt = $2 AND state = 'running' RETURNING ",
            job_columns!()
        ))
        .bind(id)
        .bind(attempt)
        .fetch_optional(&mut *tx)
        .await?;
        let Some(job) = row.as_ref().map(job_from).transpose()? else {
            return Ok(None);
        };
        let (_, after) = end_badly(&mut tx, &job, failure, policy, now).await?;
        tx.commit().await?;
        Ok(Some(after))
    }

    /// Puts a job back without counting a failure, as a drain does. What the attempt made becomes
    /// garbage. False if `attempt` no longer holds the job.
    pub async fn requeue_job(&self, id: JobId, attempt: Attempt) -> Result<bool> {
        let now = self.now();
        let mut tx = self.begin().await?;
        let Some(asset) = super::hold(&mut tx, id, attempt).await? else {
            return Ok(false);
        };
        put_back(&mut tx, id, asset, attempt, now).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// Ends the current attempt of a job that the caller holds and whose `failures` count this one.
/// Gives back the job as it is then.
pub(super) async fn end_badly(
    tx: &mut Tx,
    job: &Job,
    failure: &Failure,
    policy: &RetryPolicy,
    now: i64,
) -> Result<(Job, AfterFailure)> {
    let work = work_on(tx, job.asset_id, now).await?;
    let wait_ms = policy.next_wait_ms(failure, job.failures);
    let run_after = wait_ms.map(|wait_ms| now.saturating_add(wait_ms));
    let sql = concat!(
        "UPDATE jobs SET state = $2, worker = NULL, lease_until = NULL, failure = $3, \
         run_after = COALESCE($4, run_after), wait_ms = $6, finished_at = $5 \
         WHERE id = $1 RETURNING ",
        job_columns!()
    );
    let row = sqlx::query(sql)
        .bind(job.id)
        .bind(if run_after.is_some() {
            "queued"
        } else {
            "failed"
        })
        .bind(failure_text(failure)?)
        .bind(run_after)
        .bind(run_after.is_none().then_some(now))
        .bind(wait_ms.unwrap_or(0))
        .fetch_one(&mut **tx)
        .await?;
    let (after, state, shown) = match run_after {
        Some(run_after) => (
            AfterFailure::Retry {
                run_after: from_millis(run_after),
                wait_ms: wait_ms.unwrap_or(0),
            },
            AssetState::Queued,
            None,
        ),
        None => (AfterFailure::Failed, AssetState::Failed, Some(failure)),
    };
    withdraw(tx, job.asset_id, job.attempt, state, shown, now).await?;
    charge(tx, work, now).await?;
    if run_after.is_some() {
        waits_again(tx, job.id, now).await?;
    }
    Ok((job_from(&row)?, after))
}

/// Queues a job that the caller holds, without counting a failure, and takes the output of the attempt off
/// its asset.
pub(super) async fn put_back(
    tx: &mut Tx,
    id: JobId,
    asset: AssetId,
    attempt: Attempt,
    now: i64,
) -> Result<Job> {
    let work = work_on(tx, asset, now).await?;
    let sql = concat!(
        "UPDATE jobs SET state = 'queued', worker = NULL, lease_until = NULL, run_after = $2, \
         wait_ms = 0 WHERE id = $1 RETURNING ",
        job_columns!()
    );
    let row = sqlx::query(sql)
        .bind(id)
        .bind(now)
        .fetch_one(&mut **tx)
        .await?;
    withdraw(tx, asset, attempt, AssetState::Queued, None, now).await?;
    charge(tx, work, now).await?;
    waits_again(tx, id, now).await?;
    job_from(&row)
}
