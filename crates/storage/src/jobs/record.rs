//! What an attempt tells about its asset while it runs.

use clipsy_domain::asset::AssetId;
use clipsy_domain::job::{Attempt, JobId};
use clipsy_domain::media_key;
use clipsy_domain::notes::Notes;
use uuid::Uuid;

use super::hold;
use crate::cells::{measure, notes_text};
use crate::db::Db;
use crate::error::Result;

impl Db {
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
        let mut tx = self.begin().await?;
        let Some(asset) = hold(&mut tx, id, attempt).await? else {
            return Ok(false);
        };
        sqlx::query(
            "UPDATE assets SET duration_s = NULLIF($2, -1.0), width = $3, height = $4, \
             fps = NULLIF($5, -1.0), updated_at = $6 WHERE id = $1",
        )
        .bind(asset)
        .bind(measure(duration_s))
        .bind(width)
        .bind(height)
        .bind(measure(fps))
        .bind(self.now())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Makes `notes` those of the asset. False if `attempt` no longer holds the job.
    pub async fn record_notes(&self, id: JobId, attempt: Attempt, notes: &Notes) -> Result<bool> {
        let mut tx = self.begin().await?;
        let Some(asset) = hold(&mut tx, id, attempt).await? else {
            return Ok(false);
        };
        sqlx::query("UPDATE assets SET notes = $2, updated_at = $3 WHERE id = $1")
            .bind(asset)
            .bind(notes_text(notes)?)
            .bind(self.now())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Shows the attempt's output to players. False if `attempt` no longer holds the job.
    pub async fn mark_playable(&self, id: JobId, attempt: Attempt) -> Result<bool> {
        self.show(
            id,
            attempt,
            "UPDATE assets SET playable = 1, output_attempt = $2, updated_at = $3, \
             output_revision = (SELECT revision FROM jobs WHERE id = $4) WHERE id = $1",
        )
        .await
    }

    /// Takes the attempt's output off the asset again, for an attempt that goes on from the start
    /// with another encoder: what it makes then has another revision. False if `attempt` no longer
    /// holds the job.
    pub async fn mark_unplayable(&self, id: JobId, attempt: Attempt) -> Result<bool> {
        let mut tx = self.begin().await?;
        let asset: Option<AssetId> = sqlx::query_scalar(
            "UPDATE jobs SET revision = $3 WHERE id = $1 AND attempt = $2 AND state = 'running' \
             RETURNING asset_id",
        )
        .bind(id)
        .bind(attempt)
        .bind(media_key::revision(attempt, Uuid::new_v4().as_u128()))
        .fetch_optional(&mut *tx)
        .await?;
        let Some(asset) = asset else {
            return Ok(false);
        };
        sqlx::query(
            // What an earlier attempt showed was taken off when that one ended.
            "UPDATE assets SET playable = 0, has_thumbnail = 0, has_storyboard = 0, \
             output_attempt = CASE WHEN output_attempt = $2 THEN NULL ELSE output_attempt END, \
             output_revision = CASE WHEN output_attempt = $2 THEN NULL ELSE output_revision END, \
             updated_at = $3 WHERE id = $1",
        )
        .bind(asset)
        .bind(attempt)
        .bind(self.now())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Notes that the attempt's poster picture is there, which may be before anything is playable.
    /// False if `attempt` no longer holds the job.
    pub async fn mark_thumbnail(&self, id: JobId, attempt: Attempt) -> Result<bool> {
        self.show(
            id,
            attempt,
            "UPDATE assets SET has_thumbnail = 1, output_attempt = $2, updated_at = $3, \
             output_revision = (SELECT revision FROM jobs WHERE id = $4) WHERE id = $1",
        )
        .await
    }

    /// Runs `sql` with the asset, the attempt, the time and the job.
    async fn show(&self, id: JobId, attempt: Attempt, sql: &'static str) -> Result<bool> {
        let mut tx = self.begin().await?;
        let Some(asset) = hold(&mut tx, id, attempt).await? else {
            return Ok(false);
        };
        sqlx::query(sql)
            .bind(asset)
            .bind(attempt)
            .bind(self.now())
            .bind(id)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(true)
    }
}
