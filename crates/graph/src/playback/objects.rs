//! Small files that are asked for often, in memory.

use std::sync::Arc;

use axum::http::HeaderValue;
use bytes::{Bytes, BytesMut};
use clipsy_domain::asset::AssetId;
use clipsy_domain::job::Attempt;
use clipsy_domain::media_key;
use clipsy_storage::media::{MediaStore, Object};
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
pub(crate) struct Objects(Cache<Key, Known, Weight>);

/// A file in memory.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) facts: Facts,
    pub(super) bytes: Bytes,
}

/// What is known of a file.
#[derive(Debug, Clone)]
enum Known {
    Held(Arc<Held>),
    /// It is too large to be held. Whoever asks for it next need not open it to find that out, nor
    /// wait for others who do.
    Large,
}

/// What was found.
#[derive(Debug)]
pub(super) enum Found {
    /// A file in memory.
    Held(Arc<Held>),
    /// One that is too large, which is open already if that had to be found out.
    Large(Option<Object>),
    /// There is none.
    Nothing,
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

impl Weighter<Key, Known> for Weight {
    fn weight(&self, key: &Key, known: &Known) -> u64 {
        let bytes = match known {
            Known::Held(held) => held.bytes.len(),
            Known::Large => 0,
        };
        // The last number stands for the entry itself.
        (bytes + key.file.len() + 512) as u64
    }
}

impl Objects {
    /// A cache that holds up to `bytes`.
    pub(crate) fn new(bytes: u64) -> Self {
        let items = usize::try_from(bytes >> 16).unwrap_or(usize::MAX);
        Self(Cache::with_weighter(items.max(64), bytes, Weight))
    }

    /// The file of that output.
    pub(super) async fn get(
        &self,
        store: &dyn MediaStore,
        asset: AssetId,
        attempt: Attempt,
        file: &str,
        content_type: &HeaderValue,
    ) -> Result<Found> {
        let borrowed = KeyRef {
            asset,
            attempt,
            file,
        };
        if let Some(known) = self.0.get(&borrowed) {
            return Ok(known.into());
        }
        let key = Key {
            asset,
            attempt,
            file: file.to_owned(),
        };
        // Of many that ask at once, one reads.
        let guard = match self.0.get_value_or_guard_async(&key).await {
            Ok(known) => return Ok(known.into()),
            Err(guard) => guard,
        };
        let path = format!("{}{file}", media_key::output_prefix(asset, attempt));
        let Some(object) = store.get(&path, None).await? else {
            return Ok(Found::Nothing);
        };
        // Inserting only fails if the cache was cleared meanwhile.
        if object.meta.bytes > MAX_OBJECT {
            let _ = guard.insert(Known::Large);
            return Ok(Found::Large(Some(object)));
        }
        let facts = Facts::new(&object.meta, content_type.clone());
        let bytes = read(object, &path).await?;
        let held = Arc::new(Held { facts, bytes });
        let _ = guard.insert(Known::Held(Arc::clone(&held)));
        Ok(Found::Held(held))
    }
}

impl From<Known> for Found {
    fn from(known: Known) -> Self {
        match known {
            Known::Held(held) => Self::Held(held),
            Known::Large => Self::Large(None),
        }
    }
}

async fn read(mut object: Object, path: &str) -> Result<Bytes> {
    let mut bytes = BytesMut::with_capacity(usize::try_from(object.meta.bytes).unwrap_or(0));
    while let Some(chunk) = object.body.next().await {
        bytes.extend_from_slice(&chunk.map_err(Error::internal)?);
    }
    if bytes.len() as u64 != object.meta.bytes {
        return Err(Error::internal(format!("{path} is shorter than it was")));
    }
    Ok(bytes.freeze())
}
