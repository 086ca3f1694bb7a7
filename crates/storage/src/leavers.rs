//! Accounts that go: what becomes of what they have.

use clipsy_domain::asset::AssetId;
use clipsy_domain::user::UserId;
use sqlx::error::ErrorKind;
use sqlx::{Any, Executor};

use crate::allowances::{Exceeded, hold};
use crate::cells::Cells;
use crate::db::Db;
use crate::error::Result;
use crate::jobs::hand_over_jobs;

impl Db {
    /// Makes all assets of `from` those of `to`, with their jobs and finished uploads; says which.
    /// Changes nothing if `to` would have more than `limit` bytes then.
    pub async fn hand_over(
        &self,
        from: UserId,
        to: UserId,
        limit: Option<i64>,
    ) -> Result<std::result::Result<Vec<AssetId>, Exceeded>> {
        let now = self.now();
        let mut tx = self.begin().await?;
        // Whatever the heir begins to upload meanwhile waits.
        hold(&mut tx, to).await?;
        if let Some(limit) = limit
            && !has_room(&mut *tx, from, to, limit).await?
        {
            return Ok(Err(Exceeded::Bytes(limit)));
        }
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
        sqlx::query("UPDATE asset_tags SET owner_id = $2 WHERE owner_id = $1")
            .bind(from)
            .bind(to)
            .execute(&mut *tx)
            .await?;
        waits.note(&mut tx, to, now).await?;
        tx.commit().await?;
        assets.sort_unstable();
        Ok(Ok(assets))
    }

    /// True if the assets of `from` would leave `to` with at most `limit` bytes.
    pub async fn may_hand_over(&self, from: UserId, to: UserId, limit: i64) -> Result<bool> {
        has_room(self.read(), from, to, limit).await
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

/// Originals of both and what uploads of `to` reserve, compared with the limit. An account that brings
/// nothing changes nothing, however full the other one is.
async fn has_room(
    from_db: impl Executor<'_, Database = Any>,
    from: UserId,
    to: UserId,
    limit: i64,
) -> Result<bool> {
    let row = sqlx::query(
        "SELECT (SELECT CAST(COALESCE(SUM(source_bytes), 0) AS BIGINT) FROM assets \
         WHERE owner_id = $1), \
         (SELECT CAST(COALESCE(SUM(source_bytes), 0) AS BIGINT) FROM assets WHERE owner_id = $2) + \
         (SELECT CAST(COALESCE(SUM(reserved), 0) AS BIGINT) FROM uploads \
         WHERE owner_id = $2 AND asset_id IS NULL)",
    )
    .bind(from)
    .bind(to)
    .fetch_one(from_db)
    .await?;
    let mut cells = Cells::new(&row);
    let (brought, taken) = (cells.int()?, cells.int()?);
    Ok(brought == 0 || taken.saturating_add(brought) <= limit)
}
