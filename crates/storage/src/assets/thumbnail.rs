//! Poster pictures that people choose.

use clipsy_domain::asset::{Asset, AssetId};
use clipsy_domain::media_key;

use super::{asset_columns, asset_from};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::garbage::{keep_reserved, note_garbage};

impl Db {
    /// Sets the asset's poster to the image `name`, or with `None` back to that of its output, and
    /// records the previous choice as garbage. The image's key must be reserved; see
    /// [`Db::reserve_key`]. Of concurrent choices the last one wins.
    ///
    /// `None` if there is no such asset. [`Error::Missing`] if the key is not reserved any more: the
    /// picture may be gone.
    pub async fn choose_thumbnail(&self, id: AssetId, name: Option<&str>) -> Result<Option<Asset>> {
        let now = self.now();
        let mut tx = self.begin().await?;
        // The no-op update keeps others from choosing concurrently.
        let before: Option<Option<String>> = sqlx::query_scalar(
            "UPDATE assets SET views = views WHERE id = $1 RETURNING chosen_thumbnail",
        )
        .bind(id)
        .fetch_optional(&mut *tx)
        .await?;
        let Some(before) = before else {
            return Ok(None);
        };
        if let Some(name) = name
            && !keep_reserved(&mut tx, &media_key::chosen_thumbnail(id, name), now).await?
        {
            return Err(Error::Missing { what: "picture" });
        }
        let sql = concat!(
            "UPDATE assets SET chosen_thumbnail = $2, updated_at = $3 WHERE id = $1 RETURNING ",
            asset_columns!()
        );
        let row = sqlx::query(sql)
            .bind(id)
            .bind(name)
            .bind(now)
            .fetch_one(&mut *tx)
            .await?;
        if let Some(before) = before {
            note_garbage(&mut tx, &media_key::chosen_thumbnail(id, &before)).await?;
        }
        tx.commit().await?;
        Ok(Some(asset_from(&row)?))
    }
}
