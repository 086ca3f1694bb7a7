//! Changes to assets by users, and plays.

use clipsy_domain::asset::{Asset, AssetId, Visibility};

use super::{AssetChange, asset_columns, asset_from, new_link_key, said, search_text, set_tags};
use crate::cells::{folded, storable};
use crate::db::Db;
use crate::error::Result;

impl Db {
    /// Changes the metadata of an asset. One that becomes private gets a new key, so that earlier
    /// links stay invalid when it is unlisted again. `None` if there is no such asset.
    pub async fn update_asset(&self, id: AssetId, change: AssetChange) -> Result<Option<Asset>> {
        let mut tx = self.begin().await?;
        // The no-op update locks the row, so that others do not change the rest of the searched
        // text.
        let sql = concat!(
            "UPDATE assets SET views = views WHERE id = $1 RETURNING ",
            asset_columns!()
        );
        let row = sqlx::query(sql).bind(id).fetch_optional(&mut *tx).await?;
        let Some(old) = row.as_ref().map(asset_from).transpose()? else {
            return Ok(None);
        };
        let changed =
            change.title.is_some() || change.description.is_some() || change.tags.is_some();
        let title = change.title.unwrap_or(old.title);
        let description = change.description.unwrap_or(old.description);
        let (title, description) = (storable(&title), storable(&description));
        let stored = match &change.tags {
            Some(tags) => Some(set_tags(&mut tx, id, tags).await?),
            None => None,
        };
        let said = said(&description, change.tags.as_ref().unwrap_or(&old.tags));
        let visibility = change.visibility.unwrap_or(old.visibility);
        let closed = visibility == Visibility::Private && old.visibility != Visibility::Private;
        let link_key = if closed || old.link_key.is_empty() {
            new_link_key()
        } else {
            old.link_key
        };
        let sql = concat!(
            "UPDATE assets SET title = $2, title_key = $3, description = $4, search_text = $5, \
             visibility = $6, updated_at = $7, link_key = $8, tags = COALESCE($9, tags) \
             WHERE id = $1 RETURNING ",
            asset_columns!()
        );
        let row = sqlx::query(sql)
            .bind(id)
            .bind(title.as_ref())
            .bind(folded(&title))
            .bind(description.as_ref())
            .bind(search_text(&title, &said))
            .bind(visibility.as_str())
            .bind(self.now())
            .bind(link_key)
            .bind(stored)
            .fetch_one(&mut *tx)
            .await?;
        if visibility != old.visibility {
            sqlx::query("UPDATE asset_tags SET visibility = $2 WHERE asset_id = $1")
                .bind(id)
                .bind(visibility.as_str())
                .execute(&mut *tx)
                .await?;
        }
        if changed {
            self.index_asset(&mut tx, id, &title, &said).await?;
        }
        tx.commit().await?;
        Ok(Some(asset_from(&row)?))
    }

    /// Adds plays. Deleted assets are skipped.
    pub async fn add_views(&self, views: &[(AssetId, i64)]) -> Result<()> {
        if views.is_empty() {
            return Ok(());
        }
        // Always in ascending order: locking the same rows in different orders would deadlock.
        let mut views = views.to_vec();
        views.sort_unstable();
        let mut tx = self.begin().await?;
        for (id, count) in views {
            sqlx::query("UPDATE assets SET views = views + $2 WHERE id = $1")
                .bind(id)
                .bind(count)
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(())
    }
}
