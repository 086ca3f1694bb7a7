//! Objects, written, read and deleted.

use std::collections::VecDeque;
use std::fs::OpenOptions;
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path as FilePath;

use bytes::{Bytes, BytesMut};
use clipsy_domain::clock::from_millis;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use object_store::multipart::{MultipartStore as _, PartId};
use object_store::path::Path;
use object_store::{
    Error as S3Error, GetOptions, GetRange, ObjectMeta, ObjectStore as _, ObjectStoreExt as _,
    PutPayload,
};
use rustix::fs::OFlags;
use tokio::io::AsyncReadExt as _;

use super::Bucket;
use super::error::{failed, io_failed};
use crate::media::{Body, CHUNK, Meta, Object, Result};

/// Size in bytes up to which a file is sent at once, and of the parts of larger ones.
const AT_ONCE: u64 = 8 << 20;
/// Parts of one file that are on their way at the same time.
const IN_FLIGHT: usize = 3;
/// Parts that an object has at most, with some to spare.
const MOST_PARTS: u64 = 9_000;

impl Bucket {
    pub(super) async fn put(&self, key: &str, bytes: Bytes) -> Result<()> {
        let path = self.path(key);
        let put = self.s3.put(&path, PutPayload::from_bytes(bytes)).await;
        put.map(drop).map_err(|error| failed(key, error))
    }

    /// Stores a file, large ones in parts, of which a few are in memory at a time.
    pub(super) async fn put_file(&self, key: &str, from: &FilePath) -> Result<()> {
        let here = |error| io_failed(key, error);
        let mut file = open_plain(from).await.map_err(here)?;
        let bytes = file.metadata().await.map_err(here)?.len();
        if bytes <= AT_ONCE {
            return self
                .put(key, read(&mut file, bytes).await.map_err(here)?)
                .await;
        }
        let path = self.path(key);
        let id = self.s3.create_multipart(&path).await;
        let id = id.map_err(|error| failed(key, error))?;
        let done = async {
            let parts = self.put_parts(key, &id, &mut file, bytes).await?;
            let done = self.s3.complete_multipart(&path, &id, parts).await;
            done.map_err(|error| failed(key, error))
        };
        let done = done.await;
        if done.is_err() {
            self.abort(&path, &id).await;
        }
        done.map(drop)
    }

    async fn put_parts(
        &self,
        key: &str,
        id: &str,
        file: &mut tokio::fs::File,
        bytes: u64,
    ) -> Result<Vec<PartId>> {
        let path = self.path(key);
        let size = (bytes.div_ceil(MOST_PARTS)).max(AT_ONCE);
        let mut left = bytes;
        let mut parts = Vec::new();
        let mut on_their_way = VecDeque::new();
        let mut number = 0;
        while left > 0 || !on_their_way.is_empty() {
            if left > 0 && on_their_way.len() < IN_FLIGHT {
                let part = read(file, left.min(size)).await;
                let part = part.map_err(|error| io_failed(key, error))?;
                left -= part.len() as u64;
                let (s3, path, id) = (self.s3.clone(), path.clone(), id.to_owned());
                on_their_way.push_back(Running(tokio::spawn(async move {
                    s3.put_part(&path, &id, number, PutPayload::from_bytes(part))
                        .await
                })));
                number += 1;
            } else if let Some(mut part) = on_their_way.pop_front() {
                parts.push(part.end().await.map_err(|error| failed(key, error))?);
            }
        }
        Ok(parts)
    }

    pub(super) async fn get(&self, key: &str, range: Option<Range<u64>>) -> Result<Option<Object>> {
        let wanted = match &range {
            None => None,
            // Nothing is asked for that could be there, or nothing at all.
            Some(range) if range.start >= range.end || range.start > i64::MAX as u64 => {
                return Ok(self.head(key).await?.map(nothing_of));
            }
            Some(range) if range.end > i64::MAX as u64 => Some(GetRange::Offset(range.start)),
            Some(range) => Some(GetRange::Bounded(range.clone())),
        };
        let options = GetOptions {
            range: wanted,
            ..GetOptions::default()
        };
        match self.s3.get_opts(&self.path(key), options).await {
            Ok(found) => Ok(Some(Object {
                meta: meta(&found.meta),
                body: body(found.into_stream()),
            })),
            Err(S3Error::NotFound { .. }) => Ok(None),
            Err(error) => match (range, self.head(key).await?) {
                // A range behind the end is an error there.
                (Some(range), Some(meta)) if range.start >= meta.bytes => {
                    Ok(Some(nothing_of(meta)))
                }
                _ => Err(failed(key, error)),
            },
        }
    }

    pub(super) async fn head(&self, key: &str) -> Result<Option<Meta>> {
        match self.s3.head(&self.path(key)).await {
            Ok(found) => Ok(Some(meta(&found))),
            Err(S3Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed(key, error)),
        }
    }

    pub(super) async fn delete(&self, key: &str) -> Result<()> {
        match self.s3.delete(&self.path(key)).await {
            Ok(()) | Err(S3Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failed(key, error)),
        }
    }

    pub(super) async fn delete_below(&self, prefix: &str) -> Result<()> {
        let found = self.s3.list(Some(&self.path(prefix.trim_end_matches('/'))));
        let found = found.map_ok(|object| object.location).boxed();
        let deleted = self.s3.delete_stream(found).try_for_each(async |_| Ok(()));
        match deleted.await {
            Ok(()) | Err(S3Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failed(prefix, error)),
        }
    }

    pub(super) async fn list(&self, prefix: &str) -> Result<Vec<String>> {
        let found = self.s3.list(Some(&self.path(prefix.trim_end_matches('/'))));
        let found: std::result::Result<Vec<ObjectMeta>, _> = found.try_collect().await;
        let found = found.map_err(|error| failed(prefix, error))?;
        let keys = found
            .iter()
            .filter_map(|object| self.key(object.location.as_ref()));
        let mut keys: Vec<String> = keys.map(str::to_owned).collect();
        keys.sort_unstable();
        Ok(keys)
    }

    pub(super) async fn folders(&self, prefix: &str) -> Result<Vec<String>> {
        let below = self.path(prefix.trim_end_matches('/'));
        let found = self.s3.list_with_delimiter(Some(&below)).await;
        let found = found.map_err(|error| failed(prefix, error))?;
        let names = found.common_prefixes.iter();
        let mut names: Vec<String> = names
            .filter_map(|folder| folder.filename().map(str::to_owned))
            .collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Asks for something that is not there. Without the bucket that is an error.
    pub(super) async fn ping(&self) -> Result<()> {
        let nothing = self.path("=ping");
        match self.s3.list_with_delimiter(Some(&nothing)).await {
            Ok(_) => Ok(()),
            Err(error) => Err(failed("", error)),
        }
    }

    /// Gives up a multipart upload. If that fails it is swept later.
    pub(super) async fn abort(&self, path: &Path, id: &String) {
        match self.s3.abort_multipart(path, id).await {
            Ok(()) | Err(S3Error::NotFound { .. }) => {}
            Err(error) => tracing::debug!(%error, %path, "could not abort a multipart upload"),
        }
    }
}

/// A request that is on its way, and is given up when nobody waits for it any more.
#[derive(Debug)]
pub(super) struct Running<T>(pub(super) tokio::task::JoinHandle<object_store::Result<T>>);

impl<T> Running<T> {
    /// Waits for its end.
    pub(super) async fn end(&mut self) -> object_store::Result<T> {
        match (&mut self.0).await {
            Ok(done) => done,
            Err(source) => Err(S3Error::JoinError { source }),
        }
    }
}

impl<T> Drop for Running<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Opens a plain file. The folder may be written to by a process that is not trusted: a symbolic
/// link there would publish any file of this machine.
async fn open_plain(from: &FilePath) -> io::Result<tokio::fs::File> {
    let from = from.to_owned();
    let open = move || {
        let file = OpenOptions::new()
            .read(true)
            .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
            .open(from)?;
        if file.metadata()?.is_file() {
            Ok(tokio::fs::File::from_std(file))
        } else {
            Err(io::Error::new(ErrorKind::InvalidInput, "not a plain file"))
        }
    };
    tokio::task::spawn_blocking(open).await?
}

/// The next `bytes` of a file.
async fn read(file: &mut tokio::fs::File, bytes: u64) -> io::Result<Bytes> {
    let mut part = BytesMut::with_capacity(bytes as usize);
    let mut rest = file.take(bytes);
    while rest.read_buf(&mut part).await? > 0 {}
    if part.len() as u64 == bytes {
        Ok(part.freeze())
    } else {
        let why = "the file became shorter while it was read";
        Err(io::Error::new(ErrorKind::UnexpectedEof, why))
    }
}

fn meta(found: &ObjectMeta) -> Meta {
    let tag = found.e_tag.as_deref().unwrap_or_default();
    let plain = |c: &char| c.is_ascii_alphanumeric() || *c == '-';
    let mut etag: String = tag.trim_start_matches("W/").chars().filter(plain).collect();
    if etag.is_empty() {
        let modified_ms = found.last_modified.timestamp_millis();
        etag = format!("{:x}-{modified_ms:x}", found.size);
    }
    Meta {
        bytes: found.size,
        modified: from_millis(found.last_modified.timestamp_millis()),
        etag,
    }
}

fn nothing_of(meta: Meta) -> Object {
    Object {
        meta,
        body: Box::pin(stream::empty()),
    }
}

/// What comes, in chunks that are not too large.
fn body(chunks: BoxStream<'static, object_store::Result<Bytes>>) -> Body {
    Box::pin(stream::try_unfold(
        (Bytes::new(), chunks),
        |(mut ready, mut chunks)| async move {
            while ready.is_empty() {
                match chunks.next().await {
                    Some(chunk) => ready = chunk.map_err(io::Error::other)?,
                    None => return Ok(None),
                }
            }
            let chunk = ready.split_to(ready.len().min(CHUNK));
            Ok(Some((chunk, (ready, chunks))))
        },
    ))
}
