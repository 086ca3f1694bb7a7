//! Small files that are asked for often, in memory.

use std::sync::Arc;

use axum::http::HeaderValue;
use bytes::{Bytes, BytesMut};
use clipsy_domain::asset::{Asset, AssetId};
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

/// Files of outputs by output and path. Only files that do not change any more may be
/// asked for here, since what is held is never compared with the store again.
#[derive(Debug)]
pub(crate) struct Objects(Cache<Key, Arc<Held>, Weight>);

/// A file in memory.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) facts: Facts,
    pub(super) bytes: Bytes,
}

/// The output of an asset that is on show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Output<'a> {
    asset: AssetId,
    attempt: Attempt,
    /// What tells it from others in addresses; see [`Asset::output_revision`].
    pub(super) revision: Option<&'a str>,
}

impl<'a> Output<'a> {
    /// `None` if nothing is on show.
    pub(super) fn of(asset: &'a Asset) -> Option<Self> {
        Some(Self {
            asset: asset.id,
            attempt: asset.output_attempt?,
            revision: asset.output_revision.as_deref(),
        })
    }

    /// Store key of one of its files.
    pub(super) fn key(&self, file: &str) -> String {
        format!(
            "{}{file}",
            media_key::output_prefix(self.asset, self.attempt)
        )
    }

    /// Reads a file as it is sent: in a media playlist, segments have addresses of this output.
    /// `None` if there is none or it is too large to be held.
    pub(super) async fn read(
        &self,
        store: &Arc<dyn MediaStore>,
        file: &str,
        content_type: &HeaderValue,
    ) -> Result<Option<Held>> {
        let Some((meta, bytes)) = read_small(store, &self.key(file)).await? else {
            return Ok(None);
        };
        let content_type = content_type.clone();
        let Some(revision) = self.revision.filter(|_| lists_segments(file)) else {
            let facts = Facts::new(&meta, content_type);
            return Ok(Some(Held { facts, bytes }));
        };
        let text = str::from_utf8(&bytes).map_err(Error::internal)?;
        let text = media_key::revise_playlist(text, revision);
        Ok(Some(Held {
            facts: Facts::revised(&meta, content_type, revision, text.len()),
            bytes: text.into(),
        }))
    }
}

/// True for a media playlist.
pub(super) fn lists_segments(file: &str) -> bool {
    file.rsplit('/').next() == Some(media_key::PLAYLIST)
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    asset: AssetId,
    attempt: Attempt,
    revision: Option<String>,
    file: String,
}

/// [`Key`] without owning the path. The derived hash of both is the same.
#[derive(Hash)]
struct KeyRef<'a> {
    output: Output<'a>,
    file: &'a str,
}

impl Equivalent<Key> for KeyRef<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        let Output {
            asset,
            attempt,
            revision,
        } = self.output;
        (asset, attempt) == (key.asset, key.attempt)
            && revision == key.revision.as_deref()
            && self.file == key.file
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
        output: Output<'_>,
        file: &str,
        content_type: &HeaderValue,
    ) -> Result<Option<Arc<Held>>> {
        let borrowed = KeyRef { output, file };
        if let Some(held) = self.0.get(&borrowed) {
            return Ok(Some(held));
        }
        let key = Key {
            asset: output.asset,
            attempt: output.attempt,
            revision: output.revision.map(str::to_owned),
            file: file.to_owned(),
        };
        // Of many that ask at once, one reads.
        match self.0.get_value_or_guard_async(&key).await {
            Ok(held) => Ok(Some(held)),
            Err(guard) => {
                let Some(held) = output.read(store, file, content_type).await? else {
                    return Ok(None);
                };
                let held = Arc::new(held);
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
