//! Making a video of an upload that is complete.

use clipsy_dispatch::Message;
use clipsy_domain::asset::{Asset, Visibility};
use clipsy_domain::media_key;
use clipsy_domain::upload::Upload;
use clipsy_domain::user::UserId;
use clipsy_storage::NewAsset;

use crate::tickets::queue_job;

use crate::Service;
use crate::error::{Error, Result};
use crate::uploads::receive_upload::discard_upload;
use crate::videos::mime;

/// A complete upload, and what its video will be.
#[derive(Debug, Clone)]
pub struct FinishedUpload {
    /// Number of the upload.
    pub upload_id: String,
    /// Whose it is.
    pub owner_id: UserId,
    /// Title, 1 to 255 characters.
    pub title: String,
    /// Description, may be empty.
    pub description: String,
    /// Who may see it.
    pub visibility: Visibility,
    /// Name of the file as the sender's machine calls it.
    pub file_name: String,
    /// Size in bytes, all of them durable.
    pub bytes: u64,
}

/// Like [`finish_upload`], for bytes that nobody can send again or continue: if it fails for good,
/// they are deleted.
pub async fn finish_or_discard(service: &Service, upload: FinishedUpload) -> Result<Asset> {
    // An error may come after all was done, as when the database answers too late.
    let finished = match finish_upload(service, upload.clone()).await {
        Ok(asset) => Ok(asset),
        Err(_) => finish_upload(service, upload.clone()).await,
    };
    let id = &upload.upload_id;
    match finished {
        Ok(asset) => {
            // The asset has everything; if this fails, it is swept later.
            if let Err(error) = service.db.delete_upload(id).await {
                tracing::warn!(%error, upload_id = id, "could not forget an upload");
            }
            Ok(asset)
        }
        Err(error) => {
            let row = service.db.upload(id).await;
            // If that cannot be known now, the next start cleans up.
            if matches!(row, Ok(Some(row)) if row.asset_id.is_none()) {
                let key = media_key::original(id, &upload.file_name);
                if let Err(error) = service.media.delete(&key).await {
                    tracing::warn!(%error, upload_id = id, "could not delete an original");
                }
                discard_upload(service, id).await;
            }
            Err(error)
        }
    }
}

/// Makes the upload's bytes an original, and in one transaction the video and its job. Safe to call
/// again after a crash or an error: then it gives the same video back.
pub async fn finish_upload(service: &Service, upload: FinishedUpload) -> Result<Asset> {
    publish(service, upload, false).await
}

/// [`finish_upload`] of a complete upload that could be resumed. What is said about it may be edited
/// up to this moment. Its hash is not known, since its bytes came in many requests; reading them
/// once more would take as long as writing them. The caller holds the upload's lock.
pub async fn finish_resumable(service: &Service, upload: &Upload) -> Result<Asset> {
    let bytes = upload.length.unwrap_or_default();
    let finished = FinishedUpload {
        upload_id: upload.id.clone(),
        owner_id: upload.owner_id,
        title: upload.title.clone(),
        description: upload.description.clone(),
        visibility: upload.visibility,
        file_name: upload.filename.clone(),
        bytes: u64::try_from(bytes).map_err(Error::internal)?,
    };
    publish(service, finished, true).await
}

async fn publish(service: &Service, upload: FinishedUpload, editable: bool) -> Result<Asset> {
    let key = media_key::original(&upload.upload_id, &upload.file_name);
    service
        .media
        .move_upload(&media_key::upload(&upload.upload_id), &key)
        .await?;
    let new = NewAsset {
        owner_id: upload.owner_id,
        title: upload.title,
        description: upload.description,
        visibility: upload.visibility,
        source_type: mime::of_original(&key).to_owned(),
        source_key: key,
        source_name: upload.file_name,
        source_bytes: i64::try_from(upload.bytes).map_err(Error::internal)?,
        source_sha256: None,
    };
    let (asset, job) = if editable {
        service.db.publish_upload(new, &upload.upload_id).await?
    } else {
        service
            .db
            .create_asset(new, Some(&upload.upload_id))
            .await?
    };
    let way = if editable { "tus" } else { "form" };
    metrics::counter!("clipsy_uploads_finished_total", "way" => way).increment(1);
    service.videos.access.forget(asset.id);
    service.uploads.unhashed.notify_one();
    tracing::info!(
        asset_id = asset.id,
        job_id = job.id,
        user_id = asset.owner_id,
        bytes = asset.source_bytes,
        "video uploaded"
    );
    queue_job(&service.db, &service.dispatch, service.settings.wants, &job).await;
    let message = Message::JobChanged {
        asset_id: asset.id,
        job_id: job.id,
    };
    service.dispatch.events.publish(message).await;
    Ok(asset)
}
