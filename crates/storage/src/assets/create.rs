//! Making an asset of an upload.

use clipsy_domain::asset::{Asset, AssetId, AssetState, Visibility};
use clipsy_domain::job::Job;
use clipsy_domain::trace::TraceParent;

use super::{
    NewAsset, asset_columns, asset_from, new_link_key, said, search_text, set_tags, tags_from,
    tags_text,
};
use crate::cells::{Cells, folded, storable};
use crate::db::{Db, Tx};
use crate::error::{Error, Result};
use crate::jobs::{add_job, newest_job};

impl Db {
    /// Creates an asset and its job, and records the asset in the upload. If the upload already
    /// became an asset, returns that one with its newest job, so that finishing an upload twice
    /// does no harm. [`Error::Missing`] if there is no such upload.
    pub async fn create_asset(
        &self,
        new: NewAsset,
        upload_id: Option<&str>,
    ) -> Result<(Asset, Job)> {
        let mut tx = self.begin().await?;
        let mut trace = None;
        if let Some(upload_id) = upload_id {
            let upload = lock_upload(&mut tx, upload_id).await?;
            if let Some(asset_id) = upload.asset_id {
                return existing(&mut tx, asset_id).await;
            }
            trace = upload.trace;
        }
        self.create(tx, new, &[], upload_id, trace).await
    }

    /// Like [`Self::create_asset`], of an upload that could be edited until now: title, description,
    /// tags and visibility are those of its row, not those of `new`.
    pub async fn publish_upload(&self, new: NewAsset, upload_id: &str) -> Result<(Asset, Job)> {
        let mut tx = self.begin().await?;
        let upload = lock_upload(&mut tx, upload_id).await?;
        if let Some(asset_id) = upload.asset_id {
            return existing(&mut tx, asset_id).await;
        }
        let new = NewAsset {
            title: upload.title,
            description: upload.description,
            visibility: upload.visibility,
            ..new
        };
        self.create(tx, new, &upload.tags, Some(upload_id), upload.trace)
            .await
    }

    async fn create(
        &self,
        mut tx: Tx,
        new: NewAsset,
        tags: &[String],
        upload_id: Option<&str>,
        trace: Option<TraceParent>,
    ) -> Result<(Asset, Job)> {
        let now = self.now();
        let asset = insert(&mut tx, &new, tags, now).await?;
        if !tags.is_empty() {
            set_tags(&mut tx, asset.id, tags).await?;
        }
        let said = said(&asset.description, tags);
        self.index_asset(&mut tx, asset.id, &asset.title, &said)
            .await?;
        let job = add_job(&mut tx, asset.id, 0, 0, trace.as_ref(), now).await?;
        if let Some(upload_id) = upload_id {
            sqlx::query("UPDATE uploads SET asset_id = $1 WHERE id = $2")
                .bind(asset.id)
                .bind(upload_id)
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok((asset, job))
    }
}

/// What an upload is to become, or has become.
struct Locked {
    asset_id: Option<AssetId>,
    title: String,
    description: String,
    tags: Vec<String>,
    visibility: Visibility,
    trace: Option<TraceParent>,
}

/// The no-op update makes others who finish or edit the same upload wait.
async fn lock_upload(tx: &mut Tx, upload_id: &str) -> Result<Locked> {
    let sql = "UPDATE uploads SET kind = kind WHERE id = $1 \
               RETURNING asset_id, title, description, tags, visibility, trace";
    let row = sqlx::query(sql)
        .bind(storable(upload_id).as_ref())
        .fetch_optional(&mut **tx)
        .await?
        .ok_or(Error::Missing { what: "upload" })?;
    let mut cells = Cells::new(&row);
    Ok(Locked {
        asset_id: cells.maybe_int()?,
        title: cells.text()?,
        description: cells.text()?,
        tags: tags_from(&cells.text()?),
        visibility: cells.name("visibility", Visibility::parse)?,
        trace: cells.maybe_trace()?,
    })
}

async fn existing(tx: &mut Tx, asset_id: AssetId) -> Result<(Asset, Job)> {
    let sql = concat!("SELECT ", asset_columns!(), " FROM assets WHERE id = $1");
    let row = sqlx::query(sql).bind(asset_id).fetch_one(&mut **tx).await?;
    let job = newest_job(tx, asset_id)
        .await?
        .ok_or(Error::Missing { what: "job" })?;
    Ok((asset_from(&row)?, job))
}

async fn insert(tx: &mut Tx, new: &NewAsset, tags: &[String], now: i64) -> Result<Asset> {
    let sql = concat!(
        "INSERT INTO assets (owner_id, title, title_key, description, search_text, visibility, \
         state, playable, source_key, source_name, source_type, source_bytes, source_sha256, \
         views, has_thumbnail, has_storyboard, created_at, updated_at, link_key, tags) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9, $10, $11, $12, 0, 0, 0, $13, $13, $14, $15) \
         RETURNING ",
        asset_columns!()
    );
    let title = storable(&new.title);
    let description = storable(&new.description);
    let row = sqlx::query(sql)
        .bind(new.owner_id)
        .bind(title.as_ref())
        .bind(folded(&title))
        .bind(description.as_ref())
        .bind(search_text(&title, &said(&description, tags)))
        .bind(new.visibility.as_str())
        .bind(AssetState::Queued.as_str())
        .bind(storable(&new.source_key).as_ref())
        .bind(storable(&new.source_name).as_ref())
        .bind(storable(&new.source_type).as_ref())
        .bind(new.source_bytes)
        .bind(new.source_sha256.as_deref())
        .bind(now)
        .bind(new_link_key())
        .bind(tags_text(tags)?)
        .fetch_one(&mut **tx)
        .await
        .map_err(|error| Error::taken(error, "source key"))?;
    asset_from(&row)
}
