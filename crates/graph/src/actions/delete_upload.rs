//! Giving an upload up.

use clipsy_domain::media_key;
use clipsy_domain::user::Viewer;

use super::find_upload::find_upload;
use crate::app::App;
use crate::error::{Error, Result};

/// Ends the upload, also while bytes of it arrive, and deletes them. Of one that has become a video
/// only the transfer is forgotten; the video stays.
pub(crate) async fn delete_upload(app: &App, viewer: Viewer, id: &str) -> Result<()> {
    find_upload(app, viewer, id).await?;
    let _held = app.locks.take(id).await?;
    let upload = find_upload(app, viewer, id).await?;
    if !app.db.delete_upload(id).await? {
        return Err(Error::NotFound);
    }
    tracing::info!(upload_id = id, user_id = viewer.user_id(), "upload deleted");
    if upload.asset_id.is_none() {
        // If this fails, it is swept later.
        let original = media_key::original(id, &upload.filename);
        for key in [media_key::upload(id), original] {
            if let Err(error) = app.media.delete(&key).await {
                tracing::warn!(%error, upload_id = id, "could not delete the bytes of an upload");
            }
        }
    }
    Ok(())
}
