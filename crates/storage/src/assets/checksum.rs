//! Checksums of originals.

use clipsy_domain::asset::{Asset, AssetId};

use super::{asset_columns, asset_from};
use crate::db::Db;
use crate::error::Result;

impl Db {
    /// The first asset after that number whose original has no checksum.
    pub async fn unhashed_asset(&self, after: AssetId) -> Result<Option<Asset>> {
        let sql = concat!(
            "SELECT ",
            asset_columns!(),
            " FROM assets WHERE source_sha256 IS NULL AND id > $1 ORDER BY id LIMIT 1"
        );
        let row = sqlx::query(sql)
            .bind(after)
            .fetch_optional(self.read())
            .await?;
        row.as_ref().map(asset_from).transpose()
    }

    /// Stores the SHA-256 of an original, in lower-case hexadecimal. False if it has one, or the
    /// asset was deleted. Does not count as a change for users.
    pub async fn record_checksum(&self, id: AssetId, sha256: &str) -> Result<bool> {
        let done = sqlx::query(
            "UPDATE assets SET source_sha256 = $2 WHERE id = $1 AND source_sha256 IS NULL",
        )
        .bind(id)
        .bind(sha256)
        .execute(self.write())
        .await?;
        Ok(done.rows_affected() == 1)
    }
}
