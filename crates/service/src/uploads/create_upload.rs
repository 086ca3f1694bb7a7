//! Beginning an upload that can be resumed.

use chrono::TimeDelta;
use clipsy_domain::asset::Visibility;
use clipsy_domain::clock::Timestamp;
use clipsy_domain::tags::tidy_tags;
use clipsy_domain::upload::{Upload, UploadKind, UploadRole};
use clipsy_domain::user::UserId;
use clipsy_storage::UploadChange;

use crate::trace;

use crate::Service;
use crate::accounts::token;
use crate::error::{Error, Result};
use crate::uploads::error::UploadError;
use crate::uploads::receive_upload::{check_room, discard_upload};
use crate::uploads::reserve_bytes::{Reservation, allowance};
use crate::uploads::write_upload::open_file;

/// An upload that is to begin.
#[derive(Debug, Clone, Default)]
pub struct NewUpload {
    /// Length in bytes; `None` if it is told later.
    pub length: Option<u64>,
    /// Name of the file as the sender's machine calls it; may be empty.
    pub file_name: String,
    /// Media type as the sender's machine calls it; may be empty.
    pub file_type: String,
    /// What the video will be called; the file's name without its extension if it is not said.
    pub title: Option<String>,
    /// Description of the video.
    pub description: String,
    /// Tags of the video.
    pub tags: Vec<String>,
    /// Who may see the video; `None` for what the server is set to.
    pub visibility: Option<Visibility>,
    /// The raw `Upload-Metadata` header, to be echoed.
    pub metadata: Option<String>,
    /// Whether it is one by itself.
    pub role: UploadRole,
}

/// Most characters of a file's name or type that are kept.
const MAX_NAME: usize = 255;

/// Begins an upload of `owner`, if size, quota, number of uploads and free disk allow it.
pub async fn create_upload(service: &Service, owner: UserId, new: NewUpload) -> Result<Upload> {
    let limit = service.settings.max_upload_bytes;
    match new.length {
        Some(0) => return Err(UploadError::Empty.into()),
        Some(length) if length > limit => return Err(Error::TooLarge { limit }),
        _ => {}
    }
    check_room(service, new.length).await?;
    let allowance = allowance(service, owner).await?;
    let upload = new_row(service, owner, new)?;
    let bytes = upload.length.unwrap_or(0);
    let begun = service.db.begin_upload(&upload, None, bytes, &allowance);
    begun.await??;
    if upload.length.is_none() {
        // There is no use in beginning one that has no room for a byte.
        let begun = async { Reservation::of(service, &upload, 0).await?.exactly(1).await };
        if let Err(error) = begun.await {
            discard_upload(service, &upload.id).await;
            return Err(error);
        }
    }
    // The row comes first, so that there are never bytes that nobody knows of.
    if let Err(error) = open_file(service, &upload).await {
        discard_upload(service, &upload.id).await;
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
pub async fn insert_upload(service: &Service, owner: UserId, new: NewUpload) -> Result<Upload> {
    let upload = new_row(service, owner, new)?;
    service.db.insert_upload(&upload).await?;
    Ok(upload)
}

fn new_row(service: &Service, owner: UserId, new: NewUpload) -> Result<Upload> {
    let now = service.now();
    let filename = last_chars(&new.file_name);
    Ok(Upload {
        id: token::new_id(),
        owner_id: owner,
        kind: UploadKind::Tus,
        length: new.length.map(bytes).transpose()?,
        title: new.title.unwrap_or_else(|| title_of(&filename)),
        description: new.description,
        tags: tidy_tags(&new.tags)?,
        visibility: new
            .visibility
            .unwrap_or(service.settings.default_visibility),
        filename,
        filetype: last_chars(&new.file_type),
        metadata: new.metadata,
        role: new.role,
        asset_id: None,
        created_at: now,
        expires_at: now + TimeDelta::seconds(service.settings.upload_ttl_s),
        trace: trace::current(),
    })
}

/// Sets the length of an upload that began without one.
pub async fn set_length(service: &Service, upload: &Upload, length: u64) -> Result<Upload> {
    if length == 0 {
        return Err(UploadError::Empty.into());
    }
    let limit = service.settings.max_upload_bytes;
    if length > limit {
        return Err(Error::TooLarge { limit });
    }
    let reserved = Reservation::of(service, upload, 0).await?;
    reserved.exactly(length).await?;
    let change = UploadChange {
        length: Some(bytes(length)?),
        ..UploadChange::default()
    };
    let changed = service.db.update_upload(&upload.id, change).await?;
    changed.ok_or(Error::NotFound)
}

/// Puts the end of an upload off that goes on, and gives back when it is. Not each time: that
/// would be many writes.
pub async fn renew(service: &Service, id: &str, expires_at: Timestamp) -> Timestamp {
    let ttl_s = service.settings.upload_ttl_s;
    let now = service.now();
    if (expires_at - now).num_seconds() > ttl_s - ttl_s / 10 {
        return expires_at;
    }
    let later = now + TimeDelta::seconds(ttl_s);
    let change = UploadChange {
        expires_at: Some(later),
        ..UploadChange::default()
    };
    if let Err(error) = service.db.update_upload(id, change).await {
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
