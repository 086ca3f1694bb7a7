//! How much room originals and renditions take.

use clipsy_domain::asset::Asset;
use clipsy_domain::user::UserId;

use crate::assets::{asset_columns, asset_from};
use crate::cells::{Cells, pair_from};
use crate::db::Db;
use crate::error::Result;

/// What all assets together take, as far as the database knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Assets.
    pub assets: i64,
    /// Their originals in bytes.
    pub originals_bytes: i64,
    /// Their segments in bytes.
    pub renditions_bytes: i64,
    /// Their captions in bytes.
    pub captions_bytes: i64,
}

impl Db {
    /// What all assets together take.
    pub async fn usage(&self) -> Result<Usage> {
        let row = sqlx::query(
            "SELECT COUNT(*), CAST(COALESCE(SUM(source_bytes), 0) AS BIGINT), \
             CAST(COALESCE(SUM(output_bytes), 0) AS BIGINT), \
             CAST(COALESCE(SUM(captions_bytes), 0) AS BIGINT) FROM assets",
        )
        .fetch_one(self.read())
        .await?;
        let mut cells = Cells::new(&row);
        Ok(Usage {
            assets: cells.int()?,
            originals_bytes: cells.int()?,
            renditions_bytes: cells.int()?,
            captions_bytes: cells.int()?,
        })
    }

    /// How many assets failed or were cancelled, and what their originals take in bytes.
    pub async fn failed_usage(&self) -> Result<(i64, i64)> {
        let row = sqlx::query(
            "SELECT COUNT(*), CAST(COALESCE(SUM(source_bytes), 0) AS BIGINT) FROM assets \
             WHERE state IN ('failed', 'cancelled')",
        )
        .fetch_one(self.read())
        .await?;
        pair_from(&row)
    }

    /// The `limit` assets that take the most room, with originals and segments.
    pub async fn largest_assets(&self, limit: i64) -> Result<Vec<Asset>> {
        let sql = concat!(
            "SELECT ",
            asset_columns!(),
            " FROM assets ORDER BY source_bytes + output_bytes DESC, id DESC LIMIT $1"
        );
        let rows = sqlx::query(sql)
            .bind(limit.max(0))
            .fetch_all(self.read())
            .await?;
        rows.iter().map(asset_from).collect()
    }

    /// What the assets of each of those accounts take in bytes, originals, segments and
    /// captions. Accounts
    /// without assets are left out.
    pub async fn usage_of(&self, users: &[UserId]) -> Result<Vec<(UserId, i64)>> {
        let sql = |places: &str| {
            format!(
                "SELECT owner_id, CAST(SUM(source_bytes + output_bytes + captions_bytes) AS BIGINT) FROM assets WHERE owner_id IN ({places}) GROUP BY owner_id"
            )
        };
        self.rows_of(users, sql, pair_from).await
    }
}
