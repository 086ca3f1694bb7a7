//! What of the media store can be freed, and doing so.

use std::time::Duration;

use chrono::TimeDelta;
use clipsy_domain::media_key;
use clipsy_domain::upload::{Upload, UploadKind};
use clipsy_domain::user::Viewer;
use futures_util::{StreamExt as _, stream};

use crate::Service;
use crate::accounts::note_action::note_action;
use crate::accounts::require_admin;
use crate::error::Result;
use crate::uploads::find_upload::is_final;
use crate::videos::sweep_garbage;

/// Files that are measured at the same time.
const AT_ONCE: usize = 16;
/// Most files of what waits to be deleted that are measured; an admin waits for it.
const MOST_MEASURED: usize = 5_000;
/// Hours for which nothing of an upload came after which it may be given up.
const IDLE_HOURS: i64 = 24;
/// How long an admin waits for what is being deleted; it goes on without them.
const PATIENCE: Duration = Duration::from_secs(20);

/// What can be freed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Freeable {
    /// Notes of files and folders that wait to be deleted.
    pub garbage: i64,
    /// What these have in bytes, as far as they were measured.
    pub garbage_bytes: i64,
    /// False if there are too many to be measured.
    pub garbage_measured: bool,
    /// Videos that failed or were cancelled, whose originals are kept so that they can be tried again.
    pub failed_videos: i64,
    /// These originals in bytes.
    pub failed_bytes: i64,
    /// Unfinished uploads of which nothing came for a day.
    pub idle_uploads: i64,
    /// What came of them before, in bytes.
    pub idle_bytes: i64,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freed {
    /// Uploads that were given up.
    pub uploads: i64,
    /// Notes of what still waits to be deleted.
    pub left: i64,
}

/// Looks what can be freed; only for admins.
pub async fn freeable(service: &Service, viewer: Viewer) -> Result<Freeable> {
    require_admin(viewer)?;
    let mut files = Vec::new();
    let garbage = service.db.garbage().await?;
    let mut measured = true;
    for note in &garbage {
        if files.len() >= MOST_MEASURED {
            measured = false;
            break;
        }
        let key = &note.key_or_prefix;
        if key.ends_with('/') {
            files.extend(service.media.list(key).await?);
        } else {
            files.push(key.clone());
        }
    }
    files.sort_unstable();
    // The same thing may be noted more than once.
    files.dedup();
    let idle = idle(service).await?;
    let idle_files = idle.iter().map(|upload| media_key::upload(&upload.id));
    let (failed_videos, failed_bytes) = service.db.failed_usage().await?;
    Ok(Freeable {
        garbage: count(garbage.len()),
        garbage_bytes: bytes_of(service, files).await?,
        garbage_measured: measured,
        failed_videos,
        failed_bytes,
        idle_uploads: count(idle.len()),
        idle_bytes: bytes_of(service, idle_files.collect()).await?,
    })
}

/// Deletes what waits to be deleted, and with `uploads` gives up unfinished uploads of which nothing came for
/// a day; only for admins. What takes long goes on when this is over.
pub async fn free_room(service: &Service, viewer: Viewer, uploads: bool) -> Result<Freed> {
    require_admin(viewer)?;
    let mut given_up = 0;
    if uploads {
        for upload in idle(service).await? {
            // Who has just gone on with it lets go of it here, and it is not idle any more.
            let _held = service.uploads.locks.take(&upload.id).await?;
            let now = service.db.upload(&upload.id).await?;
            let still = now.is_some_and(|now| is_idle(service, &now));
            if still && service.db.delete_upload(&upload.id).await? {
                given_up += 1;
            }
        }
    }
    let sweeping = service.clone();
    let swept = tokio::spawn(async move { sweep_garbage(&sweeping).await });
    // What is not done by then goes on.
    let _ = tokio::time::timeout(PATIENCE, swept).await;
    tracing::info!(by = viewer.user_id(), uploads = given_up, "room freed");
    let detail = match given_up {
        0 => String::new(),
        count => format!("{count} uploads"),
    };
    note_action(service, viewer, "free_room", "", &detail).await;
    Ok(Freed {
        uploads: given_up,
        left: count(service.db.garbage().await?.len()),
    })
}

/// Pictures that people chose or brought along, in bytes.
pub async fn thumbnails_bytes(service: &Service) -> Result<i64> {
    let files = service.media.list(media_key::THUMBNAILS).await?;
    bytes_of(service, files).await
}

/// What has arrived of unfinished uploads, in bytes.
pub async fn uploads_bytes(service: &Service) -> Result<i64> {
    let files = service.media.list(media_key::UPLOADS).await?;
    bytes_of(service, files).await
}

async fn bytes_of(service: &Service, files: Vec<String>) -> Result<i64> {
    let sizes = stream::iter(files).map(async |key: String| {
        // Something that went meanwhile takes nothing.
        let found = if key.starts_with(media_key::UPLOADS) {
            service.media.upload_bytes(&key).await
        } else {
            let found = service.media.head(&key).await;
            found.map(|found| found.map(|meta| meta.bytes))
        };
        found.map(Option::unwrap_or_default)
    });
    let mut sizes = std::pin::pin!(sizes.buffer_unordered(AT_ONCE));
    let mut sum = 0_i64;
    while let Some(bytes) = sizes.next().await {
        sum = sum.saturating_add(i64::try_from(bytes?).unwrap_or(i64::MAX));
    }
    Ok(sum)
}

async fn idle(service: &Service) -> Result<Vec<Upload>> {
    let mut uploads = service.db.uploads_of_kind(UploadKind::Tus).await?;
    uploads.retain(|upload| is_idle(service, upload));
    Ok(uploads)
}

/// True if nothing of it came for a day. Its end is moved only when a tenth of its time is over.
fn is_idle(service: &Service, upload: &Upload) -> bool {
    let life = service.settings.upload_ttl_s;
    let renewed = upload.expires_at - TimeDelta::seconds(life);
    let used = renewed + TimeDelta::seconds(life / 10);
    upload.asset_id.is_none()
        && !is_final(upload)
        && service.now() - used >= TimeDelta::hours(IDLE_HOURS)
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
