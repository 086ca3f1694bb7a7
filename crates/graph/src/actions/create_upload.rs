//! Beginning an upload that can be resumed.

use chrono::TimeDelta;
use clipsy_domain::asset::Visibility;
use clipsy_domain::clock::Timestamp;
use clipsy_domain::upload::{Upload, UploadKind};
use clipsy_domain::user::UserId;
use clipsy_service::trace;
use clipsy_storage::UploadChange;

use super::receive_upload::{check_room, discard_upload};
use super::reserve_bytes::{Reservation, allowance};
use super::write_upload::open_file;
use crate::app::App;
use crate::auth::token;
use crate::error::{Error, Result};
use crate::upload::error::UploadError;

/// An upload that is to begin.
#[derive(Debug, Clone, Default)]
pub(crate) struct NewUpload {
    /// Length in bytes; `None` if it is told later.
    pub(crate) length: Option<u64>,
    /// Name of the file as the sender's machine calls it; may be empty.
    pub(crate) file_name: String,
    /// Media type as the sender's machine calls it; may be empty.
    pub(crate) file_type: String,
    /// What the video will be called; the file's name without its extension if it is not said.
    pub(crate) title: Option<String>,
    pub(crate) description: String,
    pub(crate) visibility: Option<Visibility>,
    /// The raw `Upload-Metadata` header, to be echoed.
    pub(crate) metadata: Option<String>,
    /// The raw `Upload-Concat` header, to be echoed.
    pub(crate) concat: Option<String>,
}

/// Most characters of a file's name or type that are kept.
const MAX_NAME: usize = 255;

/// Begins an upload of `owner`, if size, quota, number of uploads and free disk allow it.
pub(crate) async fn create_upload(app: &App, owner: UserId, new: NewUpload) -> Result<Upload> {
    let limit = app.settings.max_upload_bytes;
    match new.length {
        Some(0) => return Err(UploadError::Empty.into()),
        Some(length) if length > limit => return Err(Error::TooLarge { limit }),
        _ => {}
    }
    check_room(app, new.length).await?;
    let allowance = allowance(app, owner).await?;
    let upload = new_row(app, owner, new)?;
    let bytes = upload.length.unwrap_or(0);
    let begun = app.db.begin_upload(&upload, None, bytes, &allowance);
    begun.await??;
    if upload.length.is_none() {
        // There is no use in beginning one that has no room for a byte.
        let begun = async { Reservation::of(app, &upload, 0).await?.exactly(1).await };
        if let Err(error) = begun.await {
            discard_upload(app, &upload.id).await;
            return Err(error);
        }
    }
    // The row comes first, so that there are never bytes that nobody knows of.
    if let Err(error) = open_file(app, &upload).await {
        discard_upload(app, &upload.id).await;
        return Err(error);
    }
    tracing::info!(
        upload_id = upload.id,
        user_id = owner,
        bytes = upload.length,
        "upload begun"
    );
    Ok(upload)
}

/// Adds the row alone.
pub(super) async fn insert_upload(app: &App, owner: UserId, new: NewUpload) -> Result<Upload> {
    let upload = new_row(app, owner, new)?;
    app.db.insert_upload(&upload).await?;
    Ok(upload)
}

fn new_row(app: &App, owner: UserId, new: NewUpload) -> Result<Upload> {
    let now = app.now();
    let filename = last_chars(&new.file_name);
    Ok(Upload {
        id: token::new_id(),
        owner_id: owner,
        kind: UploadKind::Tus,
        length: new.length.map(bytes).transpose()?,
        title: new.title.unwrap_or_else(|| title_of(&filename)),
        description: new.description,
        visibility: new.visibility.unwrap_or(app.settings.default_visibility),
        filename,
        filetype: last_chars(&new.file_type),
        metadata: new.metadata,
        concat: new.concat,
        asset_id: None,
        created_at: now,
        expires_at: now + TimeDelta::seconds(app.settings.upload_ttl_s),
        trace: trace::current(),
    })
}

/// Sets the length of an upload that began without one.
pub(crate) async fn set_length(app: &App, upload: &Upload, length: u64) -> Result<Upload> {
    if length == 0 {
        return Err(UploadError::Empty.into());
    }
    let limit = app.settings.max_upload_bytes;
    if length > limit {
        return Err(Error::TooLarge { limit });
    }
    let reserved = Reservation::of(app, upload, 0).await?;
    reserved.exactly(length).await?;
    let change = UploadChange {
        length: Some(bytes(length)?),
        ..UploadChange::default()
    };
    let changed = app.db.update_upload(&upload.id, change).await?;
    changed.ok_or(Error::NotFound)
}

/// Puts the end of an upload off that goes on, and gives back when it is. Not each time: that
/// would be many writes.
pub(super) async fn renew(app: &App, id: &str, expires_at: Timestamp) -> Timestamp {
    let ttl_s = app.settings.upload_ttl_s;
    let now = app.now();
    if (expires_at - now).num_seconds() > ttl_s - ttl_s / 10 {
        return expires_at;
    }
    let later = now + TimeDelta::seconds(ttl_s);
    let change = UploadChange {
        expires_at: Some(later),
        ..UploadChange::default()
    };
    if let Err(error) = app.db.update_upload(id, change).await {
        // It is tried again with the next bytes.
        tracing::warn!(%error, upload_id = id, "could not put off the end of an upload");
        return expires_at;
    }
    later
}

fn bytes(length: u64) -> Result<i64> {
    i64::try_from(length).map_err(Error::internal)
}

/// A name that can be stored and shown. Its end holds the extension.
fn last_chars(name: &str) -> String {
    let plain: Vec<char> = name.chars().filter(|c| !c.is_control()).collect();
    plain[plain.len().saturating_sub(MAX_NAME)..]
        .iter()
        .collect()
}

/// The file's name without its folders and its extension.
fn title_of(file_name: &str) -> String {
    let name = file_name.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = match name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => name,
    };
    match stem.trim() {
        "" => "Untitled".to_owned(),
        stem => stem.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_come_from_file_names() {
        for (name, title) in [
            ("My film.mp4", "My film"),
            ("C:\\films\\a.b.mov", "a.b"),
            ("/home/x/clip", "clip"),
            (".mp4", ".mp4"),
            ("", "Untitled"),
            ("  .mp4", "Untitled"),
            ("folder/", "Untitled"),
        ] {
            assert_eq!(title_of(name), title, "{name:?}");
        }
    }
}
