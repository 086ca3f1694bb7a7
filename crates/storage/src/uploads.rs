//! Transfers that have not become assets yet.

use clipsy_domain::asset::Visibility;
use clipsy_domain::clock::Timestamp;
use clipsy_domain::media_key;
use clipsy_domain::trace::TraceParent;
use clipsy_domain::upload::{Upload, UploadKind, UploadRole};
use clipsy_domain::user::UserId;

use sqlx::any::AnyRow;
use sqlx::{Any, Executor};

use crate::assets::{tags_from, tags_text};
use crate::cells::{Cells, storable};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::garbage::note_garbage;

/// What to change about an upload; `None` leaves a thing as it is.
#[derive(Debug, Clone, Default)]
pub struct UploadChange {
    /// Announced length in bytes.
    pub length: Option<i64>,
    /// Title of the asset.
    pub title: Option<String>,
    /// Description of the asset.
    pub description: Option<String>,
    /// Tags of the asset, tidy ([`clipsy_domain::tags::tidy_tags`]).
    pub tags: Option<Vec<String>>,
    /// Visibility of the asset.
    pub visibility: Option<Visibility>,
    /// Name of the file.
    pub filename: Option<String>,
    /// Media type as the uploader's machine calls it.
    pub filetype: Option<String>,
    /// The raw `Upload-Metadata` header of a tus upload.
    pub metadata: Option<String>,
    /// When it is given up.
    pub expires_at: Option<Timestamp>,
}

macro_rules! upload_columns {
    () => {
        "id, owner_id, kind, length, title, description, tags, visibility, filename, filetype, \
         tus_metadata, tus_concat, asset_id, created_at, expires_at, trace"
    };
}

impl Db {
    /// Notes an upload that begins, and reserves nothing for it. [`Error::Taken`] if there is one with
    /// its number.
    pub async fn insert_upload(&self, upload: &Upload) -> Result<()> {
        insert(self.write(), upload, None, 0).await
    }

    /// Uploads in one request that nobody receives any more if `receiver` does not: its own, those
    /// of nobody, and those of others whose time has run out. The oldest first.
    pub async fn broken_uploads(&self, receiver: &str) -> Result<Vec<Upload>> {
        let sql = concat!(
            "SELECT ",
            upload_columns!(),
            " FROM uploads WHERE kind = 'multipart' AND asset_id IS NULL \
             AND (receiver IS NULL OR receiver = $1 OR expires_at <= $2) ORDER BY created_at, id"
        );
        let rows = sqlx::query(sql)
            .bind(storable(receiver).as_ref())
            .bind(self.now())
            .fetch_all(self.read())
            .await?;
        rows.iter().map(upload_from).collect()
    }

    /// The upload with that number.
    pub async fn upload(&self, id: &str) -> Result<Option<Upload>> {
        let sql = concat!("SELECT ", upload_columns!(), " FROM uploads WHERE id = $1");
        let row = sqlx::query(sql)
            .bind(storable(id).as_ref())
            .fetch_optional(self.read())
            .await?;
        row.as_ref().map(upload_from).transpose()
    }

    /// Changes an upload that has not become an asset. `None` if there is none.
    pub async fn update_upload(&self, id: &str, change: UploadChange) -> Result<Option<Upload>> {
        let sql = concat!(
            "UPDATE uploads SET length = COALESCE($2, length), title = COALESCE($3, title), \
             description = COALESCE($4, description), visibility = COALESCE($5, visibility), \
             filename = COALESCE($6, filename), filetype = COALESCE($7, filetype), \
             tus_metadata = COALESCE($8, tus_metadata), expires_at = COALESCE($9, expires_at), \
             tags = COALESCE($10, tags) \
             WHERE id = $1 AND asset_id IS NULL RETURNING ",
            upload_columns!()
        );
        let tags = change.tags.as_deref().map(tags_text).transpose()?;
        let rows = sqlx::query(sql)
            .bind(storable(id).as_ref())
            .bind(change.length)
            .bind(change.title.as_deref().map(storable).as_deref())
            .bind(change.description.as_deref().map(storable).as_deref())
            .bind(change.visibility.map(Visibility::as_str))
            .bind(change.filename.as_deref().map(storable).as_deref())
            .bind(change.filetype.as_deref().map(storable).as_deref())
            .bind(change.metadata.as_deref().map(storable).as_deref())
            .bind(change.expires_at.map(|time| time.timestamp_millis()))
            .bind(tags)
            .fetch_all(self.write())
            .await?;
        rows.first().map(upload_from).transpose()
    }

    /// Forgets an upload; its bytes become garbage unless it has become an asset. False if there
    /// was none.
    pub async fn delete_upload(&self, id: &str) -> Result<bool> {
        let mut tx = self.begin().await?;
        let sql = concat!(
            "DELETE FROM uploads WHERE id = $1 RETURNING ",
            upload_columns!()
        );
        let row = sqlx::query(sql)
            .bind(storable(id).as_ref())
            .fetch_optional(&mut *tx)
            .await?;
        let Some(upload) = row.as_ref().map(upload_from).transpose()? else {
            return Ok(false);
        };
        if upload.asset_id.is_none() {
            note_garbage(&mut tx, &media_key::upload(&upload.id)).await?;
            // They may have got there without the asset that was to follow.
            let original = media_key::original(&upload.id, &upload.filename);
            note_garbage(&mut tx, &original).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Uploads whose time has run out, also those that became assets, the oldest first.
    pub async fn expired_uploads(&self) -> Result<Vec<Upload>> {
        let sql = concat!(
            "SELECT ",
            upload_columns!(),
            " FROM uploads WHERE expires_at <= $1 ORDER BY expires_at, id"
        );
        let rows = sqlx::query(sql)
            .bind(self.now())
            .fetch_all(self.read())
            .await?;
        rows.iter().map(upload_from).collect()
    }

    /// Uploads of that kind that have not become assets, the oldest first.
    pub async fn uploads_of_kind(&self, kind: UploadKind) -> Result<Vec<Upload>> {
        let sql = concat!(
            "SELECT ",
            upload_columns!(),
            " FROM uploads WHERE kind = $1 AND asset_id IS NULL ORDER BY created_at, id"
        );
        let rows = sqlx::query(sql)
            .bind(kind.as_str())
            .fetch_all(self.read())
            .await?;
        rows.iter().map(upload_from).collect()
    }

    /// What `owner` is sending in a way that can be resumed, the oldest first.
    pub async fn unfinished_uploads(&self, owner: UserId) -> Result<Vec<Upload>> {
        let sql = concat!(
            "SELECT ",
            upload_columns!(),
            " FROM uploads WHERE owner_id = $1 AND kind = 'tus' AND asset_id IS NULL \
             ORDER BY created_at, id"
        );
        let rows = sqlx::query(sql).bind(owner).fetch_all(self.read()).await?;
        rows.iter().map(upload_from).collect()
    }

    /// Uploads that were put together of others and became assets, the oldest first.
    pub async fn concatenated_uploads(&self) -> Result<Vec<Upload>> {
        let sql = concat!(
            "SELECT ",
            upload_columns!(),
            " FROM uploads WHERE kind = 'tus' AND asset_id IS NOT NULL \
             AND tus_concat LIKE 'final;%' ORDER BY created_at, id"
        );
        let rows = sqlx::query(sql).fetch_all(self.read()).await?;
        rows.iter().map(upload_from).collect()
    }
}

/// Notes an upload that reserves so many bytes. `receiver` receives it in one request.
pub(crate) async fn insert(
    to: impl Executor<'_, Database = Any>,
    upload: &Upload,
    receiver: Option<&str>,
    reserved: i64,
) -> Result<()> {
    sqlx::query(concat!(
        "INSERT INTO uploads (",
        upload_columns!(),
        ", receiver, reserved) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)"
    ))
    .bind(upload.id.as_str())
    .bind(upload.owner_id)
    .bind(upload.kind.as_str())
    .bind(upload.length)
    .bind(storable(&upload.title).as_ref())
    .bind(storable(&upload.description).as_ref())
    .bind(tags_text(&upload.tags)?)
    .bind(upload.visibility.as_str())
    .bind(storable(&upload.filename).as_ref())
    .bind(storable(&upload.filetype).as_ref())
    .bind(upload.metadata.as_deref().map(storable).as_deref())
    .bind(upload.role.told().map(storable).as_deref())
    .bind(upload.asset_id)
    .bind(upload.created_at.timestamp_millis())
    .bind(upload.expires_at.timestamp_millis())
    .bind(upload.trace.as_ref().map(TraceParent::as_str))
    .bind(receiver.map(storable).as_deref())
    .bind(reserved)
    .execute(to)
    .await
    .map_err(|error| Error::taken(error, "upload number"))?;
    Ok(())
}

/// Reads [`upload_columns`].
fn upload_from(row: &AnyRow) -> Result<Upload> {
    let mut cells = Cells::new(row);
    Ok(Upload {
        id: cells.text()?,
        owner_id: cells.int()?,
        kind: cells.name("kind of upload", UploadKind::parse)?,
        length: cells.maybe_int()?,
        title: cells.text()?,
        description: cells.text()?,
        tags: tags_from(&cells.text()?),
        visibility: cells.name("visibility", Visibility::parse)?,
        filename: cells.text()?,
        filetype: cells.text()?,
        metadata: cells.maybe_text()?,
        role: cells
            .maybe_name("role of an upload", UploadRole::parse)?
            .unwrap_or_default(),
        asset_id: cells.maybe_int()?,
        created_at: cells.time()?,
        expires_at: cells.time()?,
        trace: cells.maybe_trace()?,
    })
}
