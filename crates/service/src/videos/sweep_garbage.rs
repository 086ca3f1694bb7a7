//! Deleting files that are no longer wanted.

use clipsy_storage::Garbage;
use tokio_util::sync::CancellationToken;

use crate::Service;

/// Notes of garbage that are read at once.
const AT_ONCE: i64 = 200;

/// Deletes what the database notes as garbage from the media store. What fails is logged and tried
/// again the next time. In one process one does so at a time.
pub async fn sweep_garbage(service: &Service) {
    sweep_until(service, &CancellationToken::new()).await;
}

/// [`sweep_garbage`], which stops between two files at `stop`.
pub(crate) async fn sweep_until(service: &Service, stop: &CancellationToken) {
    let _turn = service.videos.sweeping.lock().await;
    let mut last = 0;
    loop {
        let garbage = match service.db.garbage_after(last, AT_ONCE).await {
            Ok(garbage) => garbage,
            Err(error) => {
                tracing::warn!(%error, "could not list garbage");
                return;
            }
        };
        for item in &garbage {
            if stop.is_cancelled() {
                return;
            }
            delete(service, item).await;
        }
        // What could not be deleted is not looked at again this time.
        let Some(item) = garbage.last() else {
            return;
        };
        last = item.id;
    }
}

async fn delete(service: &Service, item: &Garbage) {
    let key = &item.key_or_prefix;
    let deleted = if key.ends_with('/') {
        service.media.delete_prefix(key).await
    } else {
        service.media.delete(key).await
    };
    if let Err(error) = deleted {
        tracing::warn!(%error, %key, "could not delete garbage");
        return;
    }
    if let Err(error) = service.db.garbage_gone(item.id).await {
        tracing::warn!(%error, %key, "could not forget garbage");
    }
}
