//! Putting parts together to one upload, and making a video of it.

use clipsy_domain::asset::Asset;
use clipsy_domain::media_key;
use clipsy_domain::upload::Upload;
use clipsy_domain::user::{UserId, Viewer};

use super::create_upload::{NewUpload, insert_upload};
use super::find_upload::{durable_offset, find_upload, is_complete, is_partial};
use super::finish_upload::finish_resumable;
use super::receive_upload::{check_room, discard_upload};
use crate::app::App;
use crate::error::{Error, Result};
use crate::upload::error::UploadError;
use crate::upload::metadata::part_ids;

/// Makes one upload, and its video, of the complete parts named in `new.concat`, in their order.
/// The parts are deleted then. The same parts a second time give the same upload back, since the
/// first answer may have been lost.
pub(crate) async fn concat_uploads(
    app: &App,
    viewer: Viewer,
    owner: UserId,
    new: NewUpload,
) -> Result<(Upload, Asset)> {
    let ids = new.concat.as_deref().and_then(part_ids);
    let ids = ids.ok_or_else(|| Error::Parse("Upload-Concat names no parts.".into()))?;
    let mut in_order = ids.clone();
    in_order.sort_unstable();
    in_order.dedup();
    if in_order.len() < ids.len() {
        return Err(Error::Parse("Upload-Concat names a part twice.".into()));
    }
    // A lock ends the transfer that holds it, so nobody gets one for a part of somebody else.
    for id in &in_order {
        match find_upload(app, viewer, id).await {
            Err(Error::NotFound) => return done_before(app, viewer, owner, &ids).await,
            found => found?,
        };
    }
    // In an order that is the same for everybody, so that two never wait for each other.
    let mut held = Vec::with_capacity(ids.len());
    for id in &in_order {
        held.push(app.locks.take(id).await?);
    }
    let length = match measure_parts(app, viewer, &ids).await {
        Err(Error::NotFound) => return done_before(app, viewer, owner, &ids).await,
        length => length?,
    };
    let limit = app.settings.max_upload_bytes;
    if length > limit {
        return Err(Error::TooLarge { limit });
    }
    check_room(app, Some(length)).await?;
    let length = Some(length);
    let upload = insert_upload(app, owner, NewUpload { length, ..new }).await?;
    match put_together(app, &upload, &ids).await {
        Ok(asset) => {
            forget_parts(app, &ids).await;
            let upload = app.db.upload(&upload.id).await?;
            Ok((upload.ok_or(Error::NotFound)?, asset))
        }
        Err(error) => {
            discard_upload(app, &upload.id).await;
            Err(error)
        }
    }
}

/// The sum of the parts' lengths, if all are complete.
async fn measure_parts(app: &App, viewer: Viewer, ids: &[String]) -> Result<u64> {
    let mut sum = 0_u64;
    for id in ids {
        let part = find_upload(app, viewer, id).await?;
        let offset = durable_offset(app, &part).await?;
        if !is_partial(&part) || !is_complete(&part, offset) {
            return Err(UploadError::Unfinished { id: id.clone() }.into());
        }
        sum = sum.saturating_add(offset);
    }
    Ok(sum)
}

async fn put_together(app: &App, upload: &Upload, ids: &[String]) -> Result<Asset> {
    let parts: Vec<String> = ids.iter().map(|id| media_key::upload(id)).collect();
    let whole = media_key::upload(&upload.id);
    let original = media_key::original(&upload.id, &upload.filename);
    app.media.concat_uploads(&parts, &whole, &original).await?;
    let bytes = app.media.upload_bytes(&whole).await?;
    if !bytes.is_some_and(|bytes| is_complete(upload, bytes)) {
        let error = format!("upload {}: its parts came to {bytes:?} bytes", upload.id);
        return Err(Error::internal(error));
    }
    finish_resumable(app, upload).await
}

/// Deletes parts whose bytes are in a video. What fails is done at the next start.
pub(super) async fn forget_parts(app: &App, ids: &[String]) {
    for id in ids {
        discard_upload(app, id).await;
    }
}

/// The upload that was made of the same parts before.
async fn done_before(
    app: &App,
    viewer: Viewer,
    owner: UserId,
    ids: &[String],
) -> Result<(Upload, Asset)> {
    let uploads = app.db.concatenated_uploads().await?;
    let same = |upload: &Upload| {
        upload.owner_id == owner
            && upload.concat.as_deref().and_then(part_ids).as_deref() == Some(ids)
    };
    let upload = uploads.into_iter().find(same).ok_or(Error::NotFound)?;
    let upload = find_upload(app, viewer, &upload.id).await?;
    let asset = match upload.asset_id {
        Some(id) => app.db.asset(id).await?,
        None => None,
    };
    Ok((upload, asset.ok_or(Error::NotFound)?))
}
