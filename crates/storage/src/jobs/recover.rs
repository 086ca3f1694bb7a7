//! Taking up jobs whose worker is gone.

use clipsy_domain::asset::AssetState;
use clipsy_domain::failure::{Failure, FailureCode, Stage};
use clipsy_domain::job::{Job, RetryPolicy};
use sqlx::Row as _;

use super::fail::{end_badly, put_back};
use super::{job_columns, job_from, withdraw};
use crate::db::Db;
use crate::error::Result;

impl Db {
    /// Takes up running jobs that nobody runs any more, and gives back all that it touched, as
    /// they are now, the lowest number first.
    ///
    /// Jobs that `worker` holds are queued again and no failure is counted: a server that starts
    /// names itself, since what it held before it was restarted is no longer being done. Only when
    /// it went down again and again over the same job, that one fails for good: it may well be
    /// what takes all of the server's memory, and others want their turn. Jobs of
    /// others whose claim has run out count a failure ([`FailureCode::Crashed`]), since a worker
    /// that lives renews its claim: they are queued again with the backoff of `policy`, or have
    /// failed for good.
    pub async fn recover(&self, worker: Option<&str>, policy: &RetryPolicy) -> Result<Vec<Job>> {
        let orphans = sqlx::query(
            "SELECT id, attempt FROM jobs \
             WHERE state = 'running' AND (lease_until <= $1 OR worker = $2) ORDER BY id",
        )
        .bind(self.now())
        .bind(worker)
        .fetch_all(self.read())
        .await?;
        let mut touched = Vec::new();
        for orphan in orphans {
            let (id, attempt) = (orphan.try_get(0)?, orphan.try_get(1)?);
            touched.extend(self.take_up(id, attempt, worker, policy).await?);
        }
        Ok(touched)
    }

    /// Takes up one job, unless its worker came back or somebody else was faster.
    async fn take_up(
        &self,
        id: i64,
        attempt: i64,
        worker: Option<&str>,
        policy: &RetryPolicy,
    ) -> Result<Option<Job>> {
        let now = self.now();
        let mut tx = self.begin().await?;
        let sql = concat!(
            "UPDATE jobs SET failures = failures + CASE WHEN worker = $4 THEN 0 ELSE 1 END, \
             losses = losses + CASE WHEN worker = $4 THEN 1 ELSE 0 END \
             WHERE id = $1 AND attempt = $2 AND state = 'running' \
             AND (lease_until <= $3 OR worker = $4) RETURNING ",
            job_columns!(),
            ", losses"
        );
        let row = sqlx::query(sql)
            .bind(id)
            .bind(attempt)
            .bind(now)
            .bind(worker)
            .fetch_optional(&mut *tx)
            .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        let job = job_from(&row)?;
        let losses: i64 = row.try_get("losses")?;
        let own = worker.is_some() && job.worker.as_deref() == worker;
        let taken = if own && losses >= policy.max_losses {
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
        } else if own {
            let taken = put_back(&mut tx, id, now).await?;
            withdraw(
                &mut tx,
                job.asset_id,
                attempt,
                AssetState::Queued,
                None,
                now,
            )
            .await?;
            taken
        } else {
            let crash = Failure::new(
                FailureCode::Crashed,
                Stage::Transcode,
                "the worker stopped reporting before it was done",
            );
            end_badly(&mut tx, &job, &crash, policy, now).await?.0
        };
        tx.commit().await?;
        Ok(Some(taken))
    }
}
