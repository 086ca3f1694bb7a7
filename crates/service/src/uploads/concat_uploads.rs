//! Putting parts together to one upload, and making a video of it.

use clipsy_domain::asset::Asset;
use clipsy_domain::media_key;
use clipsy_domain::upload::Upload;
use clipsy_domain::user::{UserId, Viewer};

use crate::Service;
use crate::error::{Error, Result};
use crate::uploads::create_upload::{NewUpload, insert_upload};
use crate::uploads::error::UploadError;
use crate::uploads::find_upload::{durable_offset, find_upload, is_complete, is_partial};
use crate::uploads::finish_upload::finish_resumable;
use crate::uploads::receive_upload::{check_room, discard_upload};

/// Makes one upload, and its video, of the complete parts named in `new.role`, in their order.
/// The parts are deleted then. The same parts a second time give the same upload back, since the
/// first answer may have been lost.
pub async fn concat_uploads(
    service: &Service,
    viewer: Viewer,
    owner: UserId,
    new: NewUpload,
) -> Result<(Upload, Asset)> {
    let ids = new.role.parts().to_vec();
    if ids.is_empty() {
        return Err(Error::Parse("Upload-Concat names no parts.".into()));
    }
    let mut in_order = ids.clone();
    in_order.sort_unstable();
    in_order.dedup();
    if in_order.len() < ids.len() {
        return Err(Error::Parse("Upload-Concat names a part twice.".into()));
    }
    // A lock ends the transfer that holds it, so nobody gets one for a part of somebody else.
    for id in &in_order {
        match find_upload(service, viewer, id).await {
            Err(Error::NotFound) => return done_before(service, viewer, owner, &ids).await,
            found => found?,
        };
    }
    // In an order that is the same for everybody, so that two never wait for each other.
    let mut held = Vec::with_capacity(ids.len());
    for id in &in_order {
        held.push(service.uploads.locks.take(id).await?);
    }
    let length = match measure_parts(service, viewer, &ids).await {
        Err(Error::NotFound) => return done_before(service, viewer, owner, &ids).await,
        length => length?,
    };
    let limit = service.settings.max_upload_bytes;
    if length > limit {
        return Err(Error::TooLarge { limit });
    }
    check_room(service, Some(length)).await?;
    let length = Some(length);
    let upload = insert_upload(service, owner, NewUpload { length, ..new }).await?;
    match put_together(service, &upload, &ids).await {
        Ok(asset) => {
            forget_parts(service, &ids).await;
            let upload = service.db.upload(&upload.id).await?;
            Ok((upload.ok_or(Error::NotFound)?, asset))
        }
        Err(error) => {
            discard_upload(service, &upload.id).await;
            Err(error)
        }
    }
}

/// The sum of the parts' lengths, if all are complete.
async fn measure_parts(service: &Service, viewer: Viewer, ids: &[String]) -> Result<u64> {
    let mut sum = 0_u64;
    for id in ids {
        let part = find_upload(service, viewer, id).await?;
        let offset = durable_offset(service, &part).await?;
        if !is_partial(&part) || !is_complete(&part, offset) {
            return Err(UploadError::Unfinished { id: id.clone() }.into());
        }
        sum = sum.saturating_add(offset);
    }
    Ok(sum)
}

async fn put_together(service: &Service, upload: &Upload, ids: &[String]) -> Result<Asset> {
    let parts: Vec<String> = ids.iter().map(|id| media_key::upload(id)).collect();
    let whole = media_key::upload(&upload.id);
    let original = media_key::original(&upload.id, &upload.filename);
    service
        .media
        .concat_uploads(&parts, &whole, &original)
        .await?;
    let bytes = service.media.upload_bytes(&whole).await?;
    if !bytes.is_some_and(|bytes| is_complete(upload, bytes)) {
        let error = format!("upload {}: its parts came to {bytes:?} bytes", upload.id);
        return Err(Error::internal(error));
    }
    finish_resumable(service, upload).await
}

/// Deletes parts whose bytes are in a video. What fails is done at the next start.
pub async fn forget_parts(service: &Service, ids: &[String]) {
    for id in ids {
        discard_upload(service, id).await;
    }
}

/// The upload that was made of the same parts before.
async fn done_before(
    service: &Service,
    viewer: Viewer,
    owner: UserId,
    ids: &[String],
) -> Result<(Upload, Asset)> {
    let uploads = service.db.concatenated_uploads().await?;
    let same = |upload: &Upload| upload.owner_id == owner && upload.role.parts() == ids;
    let upload = uploads.into_iter().find(same).ok_or(Error::NotFound)?;
    let upload = find_upload(service, viewer, &upload.id).await?;
    let asset = match upload.asset_id {
        Some(id) => service.db.asset(id).await?,
        None => None,
    };
    Ok((upload, asset.ok_or(Error::NotFound)?))
}
