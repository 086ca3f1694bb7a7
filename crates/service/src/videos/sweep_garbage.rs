//! Deleting files that are no longer wanted.

use crate::Service;

/// Deletes what the database notes as garbage from the media store. What fails is logged and tried
/// again the next time.
pub async fn sweep_garbage(service: &Service) {
    let garbage = match service.db.garbage().await {
        Ok(garbage) => garbage,
        Err(error) => {
            tracing::warn!(%error, "could not list garbage");
            return;
        }
    };
    for item in garbage {
        let key = &item.key_or_prefix;
        let deleted = if key.ends_with('/') {
            service.media.delete_prefix(key).await
        } else {
            service.media.delete(key).await
        };
        if let Err(error) = deleted {
            tracing::warn!(%error, %key, "could not delete garbage");
            continue;
        }
        if let Err(error) = service.db.garbage_gone(item.id).await {
            tracing::warn!(%error, %key, "could not forget garbage");
        }
    }
}
