//! Finding uploads that can be resumed, and measuring them.

use clipsy_domain::media_key;
use clipsy_domain::upload::{Upload, UploadKind};
use clipsy_domain::user::Viewer;

use super::write_upload::open_file;
use crate::app::App;
use crate::error::{Error, Result};
use crate::upload::error::UploadError;

/// The upload, if the viewer may see it. Somebody else's looks like one that is not there.
pub(crate) async fn find_upload(app: &App, viewer: Viewer, id: &str) -> Result<Upload> {
    let Some(user_id) = viewer.user_id() else {
        return Err(Error::NotSignedIn);
    };
    let sane = id.len() == 32 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let upload = if sane { app.db.upload(id).await? } else { None };
    let upload = upload
        .filter(|upload| upload.kind == UploadKind::Tus)
        .filter(|upload| viewer.is_admin() || upload.owner_id == user_id)
        .ok_or(Error::NotFound)?;
    if upload.expires_at <= app.now() {
        return Err(UploadError::Expired.into());
    }
    Ok(upload)
}

/// What the viewer has begun to send and not finished, the oldest first. Parts that are to be put
/// together to one upload are not listed.
pub(crate) async fn list_uploads(app: &App, viewer: Viewer) -> Result<Vec<Upload>> {
    let user_id = viewer.user_id().ok_or(Error::NotSignedIn)?;
    let now = app.now();
    let mut uploads = app.db.unfinished_uploads(user_id).await?;
    uploads.retain(|upload| !is_partial(upload) && upload.expires_at > now);
    Ok(uploads)
}

/// Bytes of the upload, measured; of a finished one its length. It disturbs nobody who sends, so
/// that a moment later there may be more.
pub(crate) async fn upload_offset(app: &App, upload: &Upload) -> Result<u64> {
    measure(app, upload, false).await
}

/// Bytes of the upload, measured, and durable. The caller holds the upload's lock.
pub(crate) async fn durable_offset(app: &App, upload: &Upload) -> Result<u64> {
    measure(app, upload, true).await
}

async fn measure(app: &App, upload: &Upload, durable: bool) -> Result<u64> {
    let length = upload.length.unwrap_or(0).max(0) as u64;
    if upload.asset_id.is_some() {
        return Ok(length);
    }
    let key = media_key::upload(&upload.id);
    if let Some(bytes) = app.media.upload_bytes(&key).await? {
        if !durable {
            return Ok(bytes);
        }
        return Ok(open_file(app, upload).await?.len());
    }
    // The bytes may have become an original without the asset that was to follow.
    let original = media_key::original(&upload.id, &upload.filename);
    let original = app.media.head(&original).await?;
    Ok(original.map_or(0, |original| original.bytes))
}

/// True if all bytes are there.
pub(crate) fn is_complete(upload: &Upload, offset: u64) -> bool {
    upload
        .length
        .is_some_and(|length| length.max(0) as u64 == offset)
}

/// True if it is only a part of an upload.
pub(crate) fn is_partial(upload: &Upload) -> bool {
    upload.concat.as_deref() == Some("partial")
}

/// True if it was put together of others.
pub(crate) fn is_final(upload: &Upload) -> bool {
    let concat = upload.concat.as_deref();
    concat.is_some_and(|concat| concat.starts_with("final;"))
}
