//! Accounts that go: what becomes of what they have.

use clipsy_domain::asset::AssetId;
use clipsy_domain::user::UserId;
use sqlx::error::ErrorKind;

use crate::db::Db;
use crate::error::Result;
use crate::jobs::hand_over_jobs;

impl Db {
    /// Makes all assets of `from` those of `to`, with their jobs and finished uploads; says which.
    pub async fn hand_over(&self, from: UserId, to: UserId) -> Result<Vec<AssetId>> {
        let now = self.now();
        let mut tx = self.begin().await?;
        // Jobs before their asset, which is the order in which every change takes them.
        let waits = hand_over_jobs(&mut tx, from, to).await?;
        sqlx::query(
            "UPDATE uploads SET owner_id = $2 WHERE owner_id = $1 AND asset_id IS NOT NULL",
        )
        .bind(from)
        .bind(to)
        .execute(&mut *tx)
        .await?;
        let mut assets: Vec<AssetId> = sqlx::query_scalar(
            "UPDATE assets SET owner_id = $2, updated_at = $3 WHERE owner_id = $1 RETURNING id",
        )
        .bind(from)
        .bind(to)
        .bind(now)
        .fetch_all(&mut *tx)
        .await?;
        waits.note(&mut tx, to, now).await?;
        tx.commit().await?;
        assets.sort_unstable();
        Ok(assets)
    }

    /// Numbers of the uploads of an account that are not finished, however they are sent.
    pub async fn all_unfinished_of(&self, owner: UserId) -> Result<Vec<String>> {
        let ids = sqlx::query_scalar(
            "SELECT id FROM uploads WHERE owner_id = $1 AND asset_id IS NULL ORDER BY id",
        )
        .bind(owner)
        .fetch_all(self.read())
        .await?;
        Ok(ids)
    }

    /// Deletes an account with its sessions; false, and nothing is done, while it has assets or uploads.
    pub async fn delete_user(&self, id: UserId) -> Result<bool> {
        let done = sqlx::query(
            "DELETE FROM users WHERE id = $1 \
             AND NOT EXISTS (SELECT 1 FROM assets WHERE owner_id = $1) \
             AND NOT EXISTS (SELECT 1 FROM uploads WHERE owner_id = $1)",
        )
        .bind(id)
        .execute(self.write())
        .await;
        match done {
            Ok(done) => Ok(done.rows_affected() == 1),
            // Something came while it was looked for.
            Err(sqlx::Error::Database(error)) if error.kind() == ErrorKind::ForeignKeyViolation => {
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }
}
