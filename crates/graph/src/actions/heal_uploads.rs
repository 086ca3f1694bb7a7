//! Cleaning up after a crash.

use clipsy_domain::media_key;
use clipsy_domain::upload::UploadKind;

use super::receive_upload::discard_upload;
use crate::app::App;
use crate::error::Result;

/// Deletes what is left of uploads in one request that broke off when the server did: nobody can
/// continue them. To be called at start, before requests are taken; says how many there were.
pub async fn heal_uploads(app: &App) -> Result<usize> {
    let left = app.db.uploads_of_kind(UploadKind::Multipart).await?;
    for upload in &left {
        // It may have become an original already, but no video; its sender got no answer.
        let original = media_key::original(&upload.id, &upload.filename);
        app.media.delete(&original).await?;
        discard_upload(app, &upload.id).await;
    }
    if !left.is_empty() {
        tracing::info!(uploads = left.len(), "removed uploads that broke off");
    }
    Ok(left.len())
}
