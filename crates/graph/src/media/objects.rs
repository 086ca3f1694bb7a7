//! Small files that are asked for often, in memory.

use std::sync::Arc;

use axum::http::HeaderValue;
use bytes::{Bytes, BytesMut};
use clipsy_domain::asset::{Asset, AssetId};
use clipsy_domain::job::Attempt;
use clipsy_domain::media_key;
use clipsy_http::file::Facts;
use clipsy_service::error::{Error, Result};
use clipsy_storage::media::{MediaStore, Object};
use futures_util::StreamExt as _;
use quick_cache::sync::Cache;
use quick_cache::{Equivalent, Weighter};

use super::respond::{facts, revised};

/// Largest file in bytes that is held.
pub(crate) const MAX_OBJECT: u64 = 4 << 20;

/// Files of outputs by output and path. Only files that do not change any more may be
/// asked for here, since what is held is never compared with the store again.
#[derive(Debug)]
pub(crate) struct Objects(Cache<Key, Known, Weight>);

/// A file in memory.
#[derive(Debug)]
pub(super) struct InMemory {
    pub(super) facts: Facts,
    pub(super) bytes: Bytes,
}

/// What is known of a file.
#[derive(Debug, Clone)]
enum Known {
    InMemory(Arc<InMemory>),
    /// It is too large for the cache. Later callers need not open it to find that out, nor wait for
    /// others.
    Large,
}

/// What was found.
#[derive(Debug)]
pub(super) enum Found {
    /// A file in memory.
    InMemory(Arc<InMemory>),
    /// One that is too large, which is open already if that had to be found out.
    Large(Option<Object>),
    /// There is none.
    Nothing,
}

/// The output of an asset that is on show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Output<'a> {
    asset: AssetId,
    attempt: Attempt,
    /// Its unique name in URLs; see [`Asset::output_revision`].
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
    pub(super) async fn read(
        &self,
        store: &Arc<dyn MediaStore>,
        file: &str,
        content_type: &HeaderValue,
    ) -> Result<Found> {
        let path = self.key(file);
        let Some(object) = store.get(&path, None).await? else {
            return Ok(Found::Nothing);
        };
        if object.meta.bytes > MAX_OBJECT {
            return Ok(Found::Large(Some(object)));
        }
        let meta = object.meta.clone();
        let bytes = read(object, &path).await?;
        let content_type = content_type.clone();
        let held = match self.revision.filter(|_| lists_segments(file)) {
            None => InMemory {
                facts: facts(&meta, content_type),
                bytes,
            },
            Some(revision) => {
                let text = str::from_utf8(&bytes).map_err(Error::internal)?;
                let text = media_key::revise_playlist(text, revision);
                InMemory {
                    facts: revised(&meta, content_type, revision, text.len()),
                    bytes: text.into(),
                }
            }
        };
        Ok(Found::InMemory(Arc::new(held)))
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

impl Weighter<Key, Known> for Weight {
    fn weight(&self, key: &Key, known: &Known) -> u64 {
        let bytes = match known {
            Known::InMemory(held) => held.bytes.len(),
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
        store: &Arc<dyn MediaStore>,
        output: Output<'_>,
        file: &str,
        content_type: &HeaderValue,
    ) -> Result<Found> {
        let borrowed = KeyRef { output, file };
        if let Some(known) = self.0.get(&borrowed) {
            return Ok(known.into());
        }
        let key = Key {
            asset: output.asset,
            attempt: output.attempt,
            revision: output.revision.map(str::to_owned),
            file: file.to_owned(),
        };
        // Of many that ask at once, one reads.
        let guard = match self.0.get_value_or_guard_async(&key).await {
            Ok(known) => return Ok(known.into()),
            Err(guard) => guard,
        };
        let found = output.read(store, file, content_type).await?;
        // Inserting only fails if the cache was cleared meanwhile.
        let _ = match &found {
            Found::InMemory(held) => guard.insert(Known::InMemory(Arc::clone(held))),
            Found::Large(_) => guard.insert(Known::Large),
            Found::Nothing => Ok(()),
        };
        Ok(found)
    }
}

impl From<Known> for Found {
    fn from(known: Known) -> Self {
        match known {
            Known::InMemory(held) => Self::InMemory(held),
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
