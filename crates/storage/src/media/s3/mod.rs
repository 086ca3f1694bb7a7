//! A media store in a bucket of an S3-compatible service.
//!
//! An object's key is its name in the bucket, behind the prefix. An upload is a small object, too,
//! its *state* ([`state`]): which parts of a multipart upload belong to it, and the bytes behind
//! them that are too few for a part. The multipart upload goes to the object that the upload is
//! going to be, so that finishing it copies nothing. Decision 0022 says why.

mod append;
mod error;
mod objects;
mod options;
mod raw;
mod state;
mod sweep;
#[cfg(test)]
mod tests;
mod uploads;

use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use clipsy_domain::media_key;
use object_store::aws::AmazonS3;
use object_store::path::Path;
use object_store::signer::{Method, Signer as _};

use self::error::failed;
use self::raw::Raw;
use super::key::{check_key, check_prefix};
use super::turns::Turns;
use super::{AppendFile, MediaStore, Meta, Object, Result};

pub use options::{ConnectError, Credentials, S3Options};

/// A media store in a bucket. Cheap to clone.
#[derive(Debug, Clone)]
pub struct S3Store {
    bucket: Arc<Bucket>,
    turns: Arc<Turns>,
}

/// The bucket itself.
#[derive(Debug)]
struct Bucket {
    s3: AmazonS3,
    raw: Raw,
    /// Signs addresses for clients, if they may be sent to the bucket.
    public: Option<AmazonS3>,
    prefix: String,
    /// Size in bytes of the parts of new uploads, all but the last. Some services want all parts
    /// to be of one size, and so it does not matter either if a part is sent twice.
    part_bytes: u64,
    /// True if a write can be made to depend on what is there.
    conditional: bool,
}

impl S3Store {
    fn new(bucket: Bucket) -> Self {
        Self {
            bucket: Arc::new(bucket),
            turns: Arc::default(),
        }
    }

    /// Whether scripts of any web page may read what clients are sent to, which is up to the bucket
    /// (CORS). `None` if clients are not sent there.
    pub async fn open_to_pages(&self) -> Result<Option<bool>> {
        // Of no page that there is (RFC 6761), so that only a rule for all of them lets it in.
        const ORIGIN: &str = "https://any-page.invalid";
        // Whether it exists does not matter.
        let key = media_key::original("any", "any.mp4");
        let Some(url) = self.public_url(&key, Duration::from_mins(1)).await? else {
            return Ok(None);
        };
        match self.bucket.raw.lets_read(&url, ORIGIN).await {
            Ok(lets) => Ok(Some(lets)),
            Err(error) => Err(failed(&key, error)),
        }
    }
}

impl Bucket {
    /// The name in the bucket.
    fn path(&self, key: &str) -> Path {
        if self.prefix.is_empty() {
            Path::from(key)
        } else {
            Path::from(format!("{}/{key}", self.prefix))
        }
    }

    /// The key that has that name in the bucket.
    fn key<'a>(&self, path: &'a str) -> Option<&'a str> {
        if self.prefix.is_empty() {
            return Some(path);
        }
        path.strip_prefix(&self.prefix)?.strip_prefix('/')
    }
}

/// True for what is an upload and no object.
fn is_upload(key: &str) -> bool {
    key.starts_with(media_key::UPLOADS)
}

#[async_trait::async_trait]
impl MediaStore for S3Store {
    async fn put(&self, key: &str, bytes: Bytes) -> Result<()> {
        check_key(key)?;
        self.bucket.put(key, bytes).await
    }

    async fn put_file(&self, key: &str, from: &FilePath) -> Result<()> {
        check_key(key)?;
        self.bucket.put_file(key, from).await
    }

    async fn get(&self, key: &str, range: Option<Range<u64>>) -> Result<Option<Object>> {
        check_key(key)?;
        if is_upload(key) {
            return Ok(None);
        }
        self.bucket.get(key, range).await
    }

    async fn head(&self, key: &str) -> Result<Option<Meta>> {
        check_key(key)?;
        if is_upload(key) {
            return Ok(None);
        }
        self.bucket.head(key).await
    }

    async fn delete(&self, key: &str) -> Result<()> {
        check_key(key)?;
        if is_upload(key) {
            self.turns.settle(key).await;
            return self.bucket.delete_upload(key).await;
        }
        self.bucket.delete(key).await
    }

    async fn delete_prefix(&self, prefix: &str) -> Result<()> {
        check_prefix(prefix)?;
        if is_upload(prefix) {
            for key in self.bucket.list(prefix).await? {
                self.delete(&key).await?;
            }
            return Ok(());
        }
        self.bucket.delete_below(prefix).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>> {
        check_prefix(prefix)?;
        self.bucket.list(prefix).await
    }

    async fn folders(&self, prefix: &str) -> Result<Vec<String>> {
        check_prefix(prefix)?;
        self.bucket.folders(prefix).await
    }

    async fn move_upload(&self, upload_key: &str, to_key: &str) -> Result<()> {
        check_key(upload_key)?;
        check_key(to_key)?;
        self.turns.settle(upload_key).await;
        self.bucket.move_upload(upload_key, to_key).await
    }

    async fn open_append(&self, key: &str, to_key: &str) -> Result<Box<dyn AppendFile>> {
        check_key(key)?;
        check_key(to_key)?;
        self.turns.settle(key).await;
        let turn = self.turns.turn(key);
        let file = append::S3Append::open(&self.bucket, key, to_key, turn).await?;
        Ok(Box::new(file))
    }

    async fn upload_bytes(&self, key: &str) -> Result<Option<u64>> {
        check_key(key)?;
        self.turns.settle(key).await;
        self.bucket.upload_bytes(key).await
    }

    async fn concat_uploads(&self, parts: &[String], key: &str, to_key: &str) -> Result<()> {
        check_key(key)?;
        check_key(to_key)?;
        for part in parts {
            check_key(part)?;
            self.turns.settle(part).await;
        }
        self.bucket.concat(parts, key, to_key).await
    }

    async fn public_url(&self, key: &str, valid: Duration) -> Result<Option<String>> {
        check_key(key)?;
        let Some(public) = &self.bucket.public else {
            return Ok(None);
        };
        let path = self.bucket.path(key);
        match public.signed_url(Method::GET, &path, valid).await {
            Ok(url) => Ok(Some(url.into())),
            Err(error) => Err(failed(key, error)),
        }
    }

    async fn local_path(&self, _: &str) -> Option<PathBuf> {
        None
    }

    async fn free_bytes(&self) -> Option<u64> {
        None
    }

    async fn ping(&self) -> Result<()> {
        self.bucket.ping().await
    }
}
