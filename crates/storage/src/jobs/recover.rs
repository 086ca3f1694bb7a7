//! Taking up jobs whose worker is gone.

use clipsy_domain::failure::{Failure, FailureCode, Stage};
use clipsy_domain::job::{Job, RetryPolicy};
use sqlx::Row as _;

use super::fail::{end_badly, put_back};
use super::{Claim, job_columns, job_from};
use crate::db::Db;
use crate::error::Result;

impl Db {
    /// Takes up what `worker` holds, which has just been started again and is doing none of it, and
    /// gives back those jobs as they are now, the lowest number first.
    ///
    /// They are queued again and no failure is counted. Only when the server went down again and
    /// again over the same job, that one fails for good: it may well be what takes all of the
    /// server's memory, and others want their turn.
    pub async fn recover(&self, worker: &str, policy: &RetryPolicy) -> Result<Vec<Job>> {
        let held = sqlx::query(
            "SELECT id, attempt FROM jobs WHERE state = 'running' AND worker = $1 ORDER BY id",
        )
        .bind(worker)
        .fetch_all(self.read())
        .await?;
        let mut touched = Vec::new();
        for held in held {
            let (id, attempt) = (held.try_get(0)?, held.try_get(1)?);
            touched.extend(self.take_up(id, attempt, worker, policy).await?);
        }
        Ok(touched)
    }

    /// Takes a job up whose worker has given no sign of life since `claim` was read: it counts a
    /// failure ([`FailureCode::Crashed`]), since a worker that lives renews its claim, and is queued
    /// again with the backoff of `policy`, or has failed for good. `None` if the worker came back or
    /// somebody else was faster. See [`ClaimWatch`](super::ClaimWatch) for when that is right.
    pub async fn abandon(&self, claim: &Claim, policy: &RetryPolicy) -> Result<Option<Job>> {
        let now = self.now();
        let mut tx = self.begin().await?;
        let sql = concat!(
            "UPDATE jobs SET failures = failures + 1 WHERE id = $1 AND attempt = $2 \
             AND state = 'running' AND lease_until = $3 AND signs = $4 RETURNING ",
            job_columns!()
        );
        let row = sqlx::query(sql)
            .bind(claim.job_id)
            .bind(claim.attempt)
            .bind(claim.until.timestamp_millis())
            .bind(claim.signs)
            .fetch_optional(&mut *tx)
            .await?;
        let Some(job) = row.as_ref().map(job_from).transpose()? else {
            return Ok(None);
        };
        let crash = Failure::new(
            FailureCode::Crashed,
            Stage::Transcode,
            "the worker stopped reporting before it was done",
        );
        let (taken, _) = end_badly(&mut tx, &job, &crash, policy, now).await?;
        tx.commit().await?;
        Ok(Some(taken))
    }

    /// Takes up one job, unless somebody else was faster.
    async fn take_up(
        &self,
        id: i64,
        attempt: i64,
        worker: &str,
        policy: &RetryPolicy,
    ) -> Result<Option<Job>> {
        let now = self.now();
        let mut tx = self.begin().await?;
        let sql = concat!(
            "UPDATE jobs SET losses = losses + 1 \
             WHERE id = $1 AND attempt = $2 AND state = 'running' AND worker = $3 RETURNING ",
            job_columns!(),
            ", losses"
        );
        let row = sqlx::query(sql)
            .bind(id)
            .bind(attempt)
            .bind(worker)
            .fetch_optional(&mut *tx)
            .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        let job = job_from(&row)?;
        let losses: i64 = row.try_get("losses")?;
        let taken = if losses >= policy.max_losses {
            let crash = Failure::new(
                FailureCode::Crashed,
                Stage::Transcode,
                format!("the server went down {losses} times while it worked on this"),
            );
            let last = RetryPolicy {
                max_failures: 0,
                ..*policy
            };
            end_badly(&mut tx, &job, &crash, &last, now).await?.0
        } else {
            put_back(&mut tx, id, job.asset_id, attempt, now).await?
        };
        tx.commit().await?;
        Ok(Some(taken))
    }
}
