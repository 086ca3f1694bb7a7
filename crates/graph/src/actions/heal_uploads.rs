//! Cleaning up after a crash.

use std::collections::HashSet;

use chrono::TimeDelta;
use clipsy_domain::media_key;
use clipsy_domain::upload::{Upload, UploadKind};

use super::concat_uploads::forget_parts;
use super::find_upload::{durable_offset, is_complete, is_final, is_partial};
use super::finish_upload::finish_resumable;
use super::receive_upload::discard_upload;
use crate::app::App;
use crate::error::Result;
use crate::upload::metadata::part_ids;

/// How long another process may be putting parts together.
const MAY_BE_AT_IT: TimeDelta = TimeDelta::hours(1);

/// Finishes and deletes what a crash has left of uploads. To be called at start, before requests
/// are taken; says how many uploads there were to look after.
pub async fn heal_uploads(app: &App) -> Result<usize> {
    // Files first: one that comes about later has its row by then.
    let files = app.media.list(media_key::UPLOADS).await?;
    let broken = discard_broken(app).await?;
    let finished = finish_complete(app).await?;
    for whole in app.db.concatenated_uploads().await? {
        // The parts go when the whole is finished, but a crash may come in between.
        for id in whole
            .concat
            .as_deref()
            .and_then(part_ids)
            .unwrap_or_default()
        {
            if app
                .db
                .upload(&id)
                .await?
                .is_some_and(|part| is_partial(&part))
            {
                forget_parts(app, &[id]).await;
            }
        }
    }
    let lost = delete_lost(app, files).await?;
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
async fn discard_broken(app: &App) -> Result<usize> {
    let left = if app.settings.peers {
        app.db.broken_uploads(&app.settings.node).await?
    } else {
        app.db.uploads_of_kind(UploadKind::Multipart).await?
    };
    for upload in &left {
        // It may have become an original already, but no video; its sender got no answer.
        let original = media_key::original(&upload.id, &upload.filename);
        app.media.delete(&original).await?;
        discard_upload(app, &upload.id).await;
    }
    Ok(left.len())
}

/// Makes videos of uploads that have all their bytes. Their senders may have heard so.
async fn finish_complete(app: &App) -> Result<usize> {
    let mut looked_after = 0;
    for upload in app.db.uploads_of_kind(UploadKind::Tus).await? {
        let complete = is_complete(&upload, durable_offset(app, &upload).await?);
        if is_final(&upload) && !complete {
            if app.settings.peers && app.now() - upload.created_at < MAY_BE_AT_IT {
                continue;
            }
            // Its parts are there, and its sender got no answer.
            discard_upload(app, &upload.id).await;
        } else if complete && !is_partial(&upload) {
            finish_later(app, &upload).await;
        } else {
            continue;
        }
        looked_after += 1;
    }
    Ok(looked_after)
}

/// Makes a video, or leaves it to the sender's next request or the next start.
async fn finish_later(app: &App, upload: &Upload) {
    if let Err(error) = finish_resumable(app, upload).await {
        tracing::warn!(%error, upload_id = upload.id, "could not finish an upload");
    }
}

/// Deletes files that belong to no unfinished upload.
async fn delete_lost(app: &App, files: Vec<String>) -> Result<usize> {
    let mut known = HashSet::new();
    for kind in [UploadKind::Multipart, UploadKind::Tus] {
        let uploads = app.db.uploads_of_kind(kind).await?;
        known.extend(uploads.iter().map(|upload| media_key::upload(&upload.id)));
    }
    let mut lost = 0;
    for file in files {
        // Those of uploads that were dealt with above are gone already.
        if !known.contains(&file) && app.media.upload_bytes(&file).await?.is_some() {
            app.media.delete(&file).await?;
            lost += 1;
        }
    }
    Ok(lost)
}
