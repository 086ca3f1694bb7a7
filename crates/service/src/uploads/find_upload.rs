//! Finding uploads that can be resumed, and measuring them.

use clipsy_domain::media_key;
use clipsy_domain::upload::{Upload, UploadKind, UploadRole};
use clipsy_domain::user::Viewer;

use crate::Service;
use crate::error::{Error, Result};
use crate::uploads::error::UploadError;
use crate::uploads::write_upload::open_file;

/// The upload, if the viewer may see it. Somebody else's looks like one that is not there.
pub async fn find_upload(service: &Service, viewer: Viewer, id: &str) -> Result<Upload> {
    let Some(user_id) = viewer.user_id() else {
        return Err(Error::NotSignedIn);
    };
    let sane = id.len() == 32 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let upload = if sane {
        service.db.upload(id).await?
    } else {
        None
    };
    let upload = upload
        .filter(|upload| upload.kind == UploadKind::Tus)
        .filter(|upload| viewer.is_admin() || upload.owner_id == user_id)
        .ok_or(Error::NotFound)?;
    if upload.expires_at <= service.now() {
        return Err(UploadError::Expired.into());
    }
    Ok(upload)
}

/// What the viewer has begun to send and not finished, the oldest first. Parts that are to be put
/// together to one upload are not listed.
pub async fn list_uploads(service: &Service, viewer: Viewer) -> Result<Vec<Upload>> {
    let user_id = viewer.user_id().ok_or(Error::NotSignedIn)?;
    let now = service.now();
    let mut uploads = service.db.unfinished_uploads(user_id).await?;
    uploads.retain(|upload| !is_partial(upload) && upload.expires_at > now);
    Ok(uploads)
}

/// Bytes of the upload, measured; of a finished one its length. It disturbs nobody who sends, so
/// that a moment later there may be more.
pub async fn upload_offset(service: &Service, upload: &Upload) -> Result<u64> {
    measure(service, upload, false).await
}

/// Bytes of the upload, measured, and durable. The caller holds the upload's lock.
pub async fn durable_offset(service: &Service, upload: &Upload) -> Result<u64> {
    measure(service, upload, true).await
}

async fn measure(service: &Service, upload: &Upload, durable: bool) -> Result<u64> {
    let length = upload.length.unwrap_or(0).max(0) as u64;
    if upload.asset_id.is_some() {
        return Ok(length);
    }
    let key = media_key::upload(&upload.id);
    if let Some(bytes) = service.media.upload_bytes(&key).await? {
        if !durable {
            return Ok(bytes);
        }
        return Ok(open_file(service, upload).await?.len());
    }
    // The bytes may have become an original without the asset that was to follow.
    let original = media_key::original(&upload.id, &upload.filename);
    let original = service.media.head(&original).await?;
    Ok(original.map_or(0, |original| original.bytes))
}

/// True if all bytes are there.
pub fn is_complete(upload: &Upload, offset: u64) -> bool {
    upload
        .length
        .is_some_and(|length| length.max(0) as u64 == offset)
}

/// True if it is only a part of an upload.
pub fn is_partial(upload: &Upload) -> bool {
    upload.role == UploadRole::Part
}

/// True if it was put together of others.
pub fn is_final(upload: &Upload) -> bool {
    matches!(upload.role, UploadRole::Joined { .. })
}
