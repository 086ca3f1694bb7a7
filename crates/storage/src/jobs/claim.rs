//! Taking a job and keeping it.

use clipsy_domain::job::{Attempt, Job, JobId};
use clipsy_domain::media_key;
use clipsy_domain::user::UserId;
use uuid::Uuid;

use super::share::note_if_none_waits;
use super::{job_columns, job_from};
use crate::db::Db;
use crate::error::Result;

impl Db {
    /// Claims a queued job whose delay is over, for `lease_ms`: a new attempt begins. `None` if
    /// another worker has it, or it is not ready.
    pub async fn claim_job(&self, id: JobId, worker: &str, lease_ms: i64) -> Result<Option<Job>> {
        let now = self.now();
        let mut tx = self.begin().await?;
        let sql = concat!(
            "UPDATE jobs SET state = 'running', attempt = attempt + 1, worker = $2, \
             lease_until = $3, started_at = $4, lease_ms = $5 \
             WHERE id = $1 AND state = 'queued' \
             AND (run_after <= $4 OR run_after > $4 + wait_ms) RETURNING ",
            job_columns!()
        );
        let row = sqlx::query(sql)
            .bind(id)
            .bind(worker)
            .bind(now.saturating_add(lease_ms))
            .bind(now)
            .bind(lease_ms)
            .fetch_optional(&mut *tx)
            .await?;
        let Some(job) = row.as_ref().map(job_from).transpose()? else {
            return Ok(None);
        };
        let sql = "UPDATE jobs SET revision = $2 WHERE id = $1 RETURNING owner_id";
        let owner: Option<UserId> = sqlx::query_scalar(sql)
            .bind(id)
            .bind(media_key::revision(job.attempt, Uuid::new_v4().as_u128()))
            .fetch_one(&mut *tx)
            .await?;
        // What an earlier attempt noted need not be so for this one.
        let sql =
            "UPDATE assets SET state = 'processing', notes = NULL, updated_at = $2 WHERE id = $1";
        sqlx::query(sql)
            .bind(job.asset_id)
            .bind(now)
            .execute(&mut *tx)
            .await?;
        if let Some(owner) = owner {
            note_if_none_waits(&mut tx, owner).await?;
        }
        tx.commit().await?;
        Ok(Some(job))
    }

    /// Renews the claim for `lease_ms` from now. False if `attempt` no longer holds the job: then
    /// its child must be killed. An expired claim that was not taken over can still be renewed.
    pub async fn renew_lease(&self, id: JobId, attempt: Attempt, lease_ms: i64) -> Result<bool> {
        let done = sqlx::query(
            "UPDATE jobs SET lease_until = $3, lease_ms = $4, signs = signs + 1 \
             WHERE id = $1 AND attempt = $2 AND state = 'running'",
        )
        .bind(id)
        .bind(attempt)
        .bind(self.now().saturating_add(lease_ms))
        .bind(lease_ms)
        .execute(self.write())
        .await?;
        Ok(done.rows_affected() == 1)
    }
}
