//! Giving an upload up.

use clipsy_domain::media_key;
use clipsy_domain::user::Viewer;

use crate::Service;
use crate::error::{Error, Result};
use crate::uploads::find_upload::find_upload;

/// Ends the upload, also while bytes of it arrive, and deletes them. Of one that has become a video
/// only the transfer is forgotten; the video stays.
pub async fn delete_upload(service: &Service, viewer: Viewer, id: &str) -> Result<()> {
    find_upload(service, viewer, id).await?;
    let _held = service.uploads.locks.take(id).await?;
    let upload = find_upload(service, viewer, id).await?;
    if !service.db.delete_upload(id).await? {
        return Err(Error::NotFound);
    }
    tracing::info!(upload_id = id, user_id = viewer.user_id(), "upload deleted");
    if upload.asset_id.is_none() {
        // If this fails, it is swept later.
        let original = media_key::original(id, &upload.filename);
        for key in [media_key::upload(id), original] {
            if let Err(error) = service.media.delete(&key).await {
                tracing::warn!(%error, upload_id = id, "could not delete the bytes of an upload");
            }
        }
    }
    Ok(())
}
