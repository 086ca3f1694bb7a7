//! Small files that are asked for often, in memory.

use std::sync::Arc;

use axum::http::HeaderValue;
use bytes::{Bytes, BytesMut};
use clipsy_domain::asset::AssetId;
use clipsy_domain::job::Attempt;
use clipsy_domain::media_key;
use clipsy_storage::media::{MediaStore, Meta};
use futures_util::StreamExt as _;
use quick_cache::sync::Cache;
use quick_cache::{Equivalent, Weighter};

use super::respond::Facts;
use crate::error::{Error, Result};

/// Largest file in bytes that is held.
pub(crate) const MAX_OBJECT: u64 = 4 << 20;

/// Files of outputs by asset, attempt and path. Only files that do not change any more may be
/// asked for here, since what is held is never compared with the store again.
#[derive(Debug)]
pub(crate) struct Objects(Cache<Key, Arc<Held>, Weight>);

/// A file in memory.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) facts: Facts,
    pub(super) bytes: Bytes,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    asset: AssetId,
    attempt: Attempt,
    file: String,
}

/// [`Key`] without owning the path. The derived hash of both is the same.
#[derive(Hash)]
struct KeyRef<'a> {
    asset: AssetId,
    attempt: Attempt,
    file: &'a str,
}

impl Equivalent<Key> for KeyRef<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.asset == key.asset && self.attempt == key.attempt && self.file == key.file
    }
}

#[derive(Debug, Clone)]
struct Weight;

impl Weighter<Key, Arc<Held>> for Weight {
    fn weight(&self, key: &Key, held: &Arc<Held>) -> u64 {
        // The last number stands for the entry itself.
        (held.bytes.len() + key.file.len() + 512) as u64
    }
}

impl Objects {
    /// A cache that holds up to `bytes`.
    pub(crate) fn new(bytes: u64) -> Self {
        let items = usize::try_from(bytes >> 16).unwrap_or(usize::MAX);
        Self(Cache::with_weighter(items.max(64), bytes, Weight))
    }

    /// The file of that output; `None` if there is none or it is too large to be held.
    pub(super) async fn get(
        &self,
        store: &Arc<dyn MediaStore>,
        asset: AssetId,
        attempt: Attempt,
        file: &str,
        content_type: &HeaderValue,
    ) -> Result<Option<Arc<Held>>> {
        let borrowed = KeyRef {
            asset,
            attempt,
            file,
        };
        if let Some(held) = self.0.get(&borrowed) {
            return Ok(Some(held));
        }
        let key = Key {
            asset,
            attempt,
            file: file.to_owned(),
        };
        // Of many that ask at once, one reads.
        match self.0.get_value_or_guard_async(&key).await {
            Ok(held) => Ok(Some(held)),
            Err(guard) => {
                let path = format!("{}{file}", media_key::output_prefix(asset, attempt));
                let Some((meta, bytes)) = read_small(store, &path).await? else {
                    return Ok(None);
                };
                let held = Arc::new(Held {
                    facts: Facts::new(&meta, content_type.clone()),
                    bytes,
                });
                // Only fails if the cache was cleared meanwhile.
                let _ = guard.insert(Arc::clone(&held));
                Ok(Some(held))
            }
        }
    }
}

/// The object's bytes, unless it is too large to be held.
async fn read_small(store: &Arc<dyn MediaStore>, path: &str) -> Result<Option<(Meta, Bytes)>> {
    let Some(mut object) = store.get(path, None).await? else {
        return Ok(None);
    };
    if object.meta.bytes > MAX_OBJECT {
        return Ok(None);
    }
    let mut bytes = BytesMut::with_capacity(usize::try_from(object.meta.bytes).unwrap_or(0));
    while let Some(chunk) = object.body.next().await {
        bytes.extend_from_slice(&chunk.map_err(Error::internal)?);
    }
    if bytes.len() as u64 != object.meta.bytes {
        return Err(Error::internal(format!("{path} is shorter than it was")));
    }
    Ok(Some((object.meta, bytes.freeze())))
}
