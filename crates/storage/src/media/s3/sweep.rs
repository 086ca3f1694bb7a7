//! Giving up what nobody will finish.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use clipsy_domain::media_key;
use object_store::path::Path;

use super::S3Store;
use super::error::failed;
use crate::media::Result;

impl S3Store {
    /// Aborts multipart uploads that were begun more than `age` ago and belong to no upload that
    /// can be resumed: what crashes and lost connections have left, which costs room and is seen
    /// nowhere. Says how many there were; `None` if the service cannot list them. To be called at
    /// start and once a day, with an age that no single file takes to be stored.
    pub async fn sweep(&self, age: Duration) -> Result<Option<usize>> {
        let bucket = &self.bucket;
        let prefix = match bucket.prefix.as_str() {
            "" => String::new(),
            prefix => format!("{prefix}/"),
        };
        // Those of new uploads that are not in the list of uploads yet are too young.
        let begun = match bucket.raw.unfinished(&prefix).await {
            Ok(begun) => begun,
            Err(
                object_store::Error::NotSupported { .. }
                | object_store::Error::NotImplemented { .. }
                | object_store::Error::PermissionDenied { .. },
            ) => return Ok(None),
            Err(error) => return Err(failed("", error)),
        };
        let age = TimeDelta::from_std(age).unwrap_or(TimeDelta::MAX);
        let now = Utc::now();
        let old = |initiated| now.signed_duration_since(initiated) >= age;
        let mut orphans: Vec<_> = begun.into_iter().filter(|u| old(u.initiated)).collect();
        if orphans.is_empty() {
            return Ok(Some(0));
        }
        let mut known = HashSet::new();
        for key in bucket.list(media_key::UPLOADS).await? {
            if let Some(stored) = bucket.load(&key).await? {
                known.extend(stored.state.multipart);
            }
        }
        orphans.retain(|upload| !known.contains(&upload.upload_id));
        for upload in &orphans {
            let path = Path::from(upload.key.as_str());
            bucket.abort(&path, &upload.upload_id).await;
        }
        Ok(Some(orphans.len()))
    }
}
