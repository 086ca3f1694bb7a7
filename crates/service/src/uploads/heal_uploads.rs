//! Cleaning up after a crash.

use std::collections::HashSet;

use chrono::TimeDelta;
use clipsy_domain::media_key;
use clipsy_domain::upload::{Upload, UploadKind};

use crate::Service;
use crate::error::Result;
use crate::uploads::concat_uploads::forget_parts;
use crate::uploads::find_upload::{durable_offset, is_complete, is_final, is_partial};
use crate::uploads::finish_upload::finish_resumable;
use crate::uploads::receive_upload::discard_upload;

/// How long another process may be putting parts together.
const MAY_BE_AT_IT: TimeDelta = TimeDelta::hours(1);

/// Finishes and deletes what a crash has left of uploads. To be called at start, before requests
/// are taken; says how many uploads there were to look after.
pub async fn heal_uploads(service: &Service) -> Result<usize> {
    // Files first: one that comes about later has its row by then.
    let files = service.media.list(media_key::UPLOADS).await?;
    let broken = discard_broken(service).await?;
    let finished = finish_complete(service).await?;
    for whole in service.db.concatenated_uploads().await? {
        // The parts go when the whole is finished, but a crash may come in between.
        for id in whole.role.parts() {
            let part = service.db.upload(id).await?;
            if part.is_some_and(|part| is_partial(&part)) {
                forget_parts(service, std::slice::from_ref(id)).await;
            }
        }
    }
    let lost = delete_lost(service, files).await?;
    if broken + finished + lost > 0 {
        tracing::info!(
            broken,
            finished,
            lost,
            "removed uploads that broke off, finished complete ones, deleted files without a row"
        );
    }
    Ok(broken + finished + lost)
}

/// Deletes uploads that came in one request: nobody can continue them. Those that another process
/// receives are its own.
async fn discard_broken(service: &Service) -> Result<usize> {
    let left = if service.settings.peers {
        service.db.broken_uploads(&service.settings.node).await?
    } else {
        service.db.uploads_of_kind(UploadKind::Multipart).await?
    };
    for upload in &left {
        // It may have become an original already, but no video; its sender got no answer.
        let original = media_key::original(&upload.id, &upload.filename);
        service.media.delete(&original).await?;
        discard_upload(service, &upload.id).await;
    }
    Ok(left.len())
}

/// Makes videos of uploads that have all their bytes. Their senders may have heard so.
async fn finish_complete(service: &Service) -> Result<usize> {
    let mut looked_after = 0;
    for upload in service.db.uploads_of_kind(UploadKind::Tus).await? {
        let complete = is_complete(&upload, durable_offset(service, &upload).await?);
        if is_final(&upload) && !complete {
            if service.settings.peers && service.now() - upload.created_at < MAY_BE_AT_IT {
                continue;
            }
            // Its parts are there, and its sender got no answer.
            discard_upload(service, &upload.id).await;
        } else if complete && !is_partial(&upload) {
            finish_later(service, &upload).await;
        } else {
            continue;
        }
        looked_after += 1;
    }
    Ok(looked_after)
}

/// Makes a video, or leaves it to the sender's next request or the next start.
async fn finish_later(service: &Service, upload: &Upload) {
    if let Err(error) = finish_resumable(service, upload).await {
        tracing::warn!(%error, upload_id = upload.id, "could not finish an upload");
    }
}

/// Deletes files that belong to no unfinished upload.
async fn delete_lost(service: &Service, files: Vec<String>) -> Result<usize> {
    let mut known = HashSet::new();
    for kind in [UploadKind::Multipart, UploadKind::Tus] {
        let uploads = service.db.uploads_of_kind(kind).await?;
        known.extend(uploads.iter().map(|upload| media_key::upload(&upload.id)));
    }
    let mut lost = 0;
    for file in files {
        // Those of uploads that were dealt with above are gone already.
        if !known.contains(&file) && service.media.upload_bytes(&file).await?.is_some() {
            service.media.delete(&file).await?;
            lost += 1;
        }
    }
    Ok(lost)
}
