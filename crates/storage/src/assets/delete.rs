//! Deleting an asset, in whatever state it is.

use clipsy_domain::asset::{Asset, AssetId};
use clipsy_domain::media_key;
use sqlx::Row as _;

use super::{asset_columns, asset_from};
use crate::db::Db;
use crate::error::Result;
use crate::garbage::note_garbage;
use crate::jobs::{charge, work_on};

impl Db {
    /// Deletes an asset with its jobs, renditions and upload, and records its files as garbage.
    /// Returns the deleted asset.
    ///
    /// A worker that runs its job finds out at its next fenced write. It must record what it wrote
    /// after the garbage was deleted: see [`Db::add_garbage`].
    pub async fn delete_asset(&self, id: AssetId) -> Result<Option<Asset>> {
        let mut tx = self.begin().await?;
        let now = self.now();
        let work = work_on(&mut tx, id, now).await?;
        // Jobs before their asset, the lock order of every change.
        sqlx::query("DELETE FROM jobs WHERE asset_id = $1")
            .bind(id)
            .execute(&mut *tx)
            .await?;
        let uploads = sqlx::query("DELETE FROM uploads WHERE asset_id = $1 RETURNING id")
            .bind(id)
            .fetch_all(&mut *tx)
            .await?;
        let sql = concat!(
            "DELETE FROM assets WHERE id = $1 RETURNING ",
            asset_columns!()
        );
        let row = sqlx::query(sql).bind(id).fetch_optional(&mut *tx).await?;
        let Some(asset) = row.as_ref().map(asset_from).transpose()? else {
            return Ok(None);
        };
        self.unindex_asset(&mut tx, id).await?;
        note_garbage(&mut tx, &asset.source_key).await?;
        note_garbage(&mut tx, &media_key::asset_prefix(id)).await?;
        if let Some(name) = &asset.chosen_thumbnail {
            note_garbage(&mut tx, &media_key::chosen_thumbnail(id, name)).await?;
        }
        for track in &asset.captions {
            note_garbage(&mut tx, &media_key::captions(id, &track.name)).await?;
        }
        for upload in uploads {
            let upload: String = upload.try_get(0)?;
            note_garbage(&mut tx, &media_key::upload(&upload)).await?;
        }
        charge(&mut tx, work, now).await?;
        tx.commit().await?;
        Ok(Some(asset))
    }
}
