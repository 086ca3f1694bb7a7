//! The good end of a job.

use clipsy_domain::job::{Attempt, JobId};
use clipsy_domain::media_key;

use super::{Finished, charge, hold, work_on};
use crate::cells::measure;
use crate::db::{Db, Tx};
use crate::error::Result;
use crate::garbage::note_garbage;
use crate::renditions::replace_renditions;

impl Db {
    /// Ends the job well: the asset is ready and shows this attempt's output; that of earlier
    /// attempts becomes garbage. False if `attempt` no longer holds the job; then nothing changes.
    ///
    /// True also if this attempt has finished the job before, so that a caller who did not hear
    /// the answer can ask again.
    pub async fn finish_job(&self, id: JobId, attempt: Attempt, made: &Finished) -> Result<bool> {
        let now = self.now();
        let mut tx = self.begin().await?;
        let Some(asset) = hold(&mut tx, id, attempt).await? else {
            return is_done(&mut tx, id, attempt).await;
        };
        let work = work_on(&mut tx, asset, now).await?;
        sqlx::query(
            "UPDATE jobs SET state = 'done', worker = NULL, lease_until = NULL, failure = NULL, \
             finished_at = $2 WHERE id = $1",
        )
        .bind(id)
        .bind(now)
        .execute(&mut *tx)
        .await?;
        replace_renditions(&mut tx, asset, &made.renditions, true).await?;
        sqlx::query(
            "UPDATE assets SET state = 'ready', failure = NULL, playable = 1, \
             output_attempt = $2, has_thumbnail = $3, has_storyboard = $4, \
             duration_s = COALESCE(NULLIF($5, -1.0), duration_s), updated_at = $6, \
             output_revision = (SELECT revision FROM jobs WHERE id = $7) WHERE id = $1",
        )
        .bind(asset)
        .bind(attempt)
        .bind(i64::from(made.has_thumbnail))
        .bind(i64::from(made.has_storyboard))
        .bind(measure(made.duration_s))
        .bind(now)
        .bind(id)
        .execute(&mut *tx)
        .await?;
        // Each bad end noted its own; a worker that did not know that it had lost its attempt may
        // have written more since.
        for earlier in 1..attempt {
            note_garbage(&mut tx, &media_key::output_prefix(asset, earlier)).await?;
        }
        charge(&mut tx, work, now).await?;
        tx.commit().await?;
        Ok(true)
    }
}

async fn is_done(tx: &mut Tx, id: JobId, attempt: Attempt) -> Result<bool> {
    let found: Option<i64> =
        sqlx::query_scalar("SELECT id FROM jobs WHERE id = $1 AND attempt = $2 AND state = 'done'")
            .bind(id)
            .bind(attempt)
            .fetch_optional(&mut **tx)
            .await?;
    Ok(found.is_some())
}
