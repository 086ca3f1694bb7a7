//! The media store: originals, uploads and output, by key.

mod error;
mod key;
mod local;
mod s3;
mod timed;
mod turns;

#[cfg(any(test, feature = "contract"))]
pub mod contract;

use std::fmt::Debug;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use clipsy_domain::clock::Timestamp;
use futures_util::Stream;

pub use error::{Error, Result};
pub use local::LocalStore;
pub use s3::{ConnectError, Credentials, S3Options, S3Store};
pub use timed::Timed;

/// Bytes of an object as they are read, in chunks of at most [`CHUNK`].
pub type Body = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// Size in bytes in which objects are read.
pub const CHUNK: usize = 512 * 1024;

/// An object that is being read.
pub struct Object {
    /// What it is.
    pub meta: Meta,
    /// The bytes of the range that was asked for. They all belong to the version that `meta`
    /// describes, even if the object is replaced meanwhile.
    pub body: Body,
}

impl Debug for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Object")
            .field("meta", &self.meta)
            .finish_non_exhaustive()
    }
}

/// What is known of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// Size in bytes.
    pub bytes: u64,
    /// When it was written.
    pub modified: Timestamp,
    /// Changes whenever the object is replaced; made of letters, digits and `-`, without quotes.
    pub etag: String,
}

/// Keeps bytes by key. A key is one or more plain parts (letters, digits, `.`, `_` and `-`, not
/// `.` or `..`) with `/` between them; anything else is [`Error::Key`]. A prefix is a key that
/// ends with `/`.
///
/// What lies below [`clipsy_domain::media_key::UPLOADS`] are uploads. They are opened, measured,
/// moved, listed and deleted; before [`MediaStore::move_upload`] they need not be objects that can
/// be read.
#[async_trait::async_trait]
pub trait MediaStore: Send + Sync + Debug {
    /// Stores `bytes`, durably. Readers see the old object or the new one, never a part.
    async fn put(&self, key: &str, bytes: Bytes) -> Result<()>;

    /// Stores a copy of the local file `from`, durably, as [`Self::put`] does. `from` stays, and
    /// must not be written to any more, since the object may share its bytes.
    async fn put_file(&self, key: &str, from: &Path) -> Result<()>;

    /// The object, or its bytes in `range`, which is cut to what there is. `None` if there is none.
    async fn get(&self, key: &str, range: Option<Range<u64>>) -> Result<Option<Object>>;

    /// What is known of the object. `None` if there is none.
    async fn head(&self, key: &str) -> Result<Option<Meta>>;

    /// Deletes the object. Fine if there is none.
    async fn delete(&self, key: &str) -> Result<()>;

    /// Deletes all objects below `prefix`, which ends with `/`. Fine if there are none.
    async fn delete_prefix(&self, prefix: &str) -> Result<()>;

    /// The keys of all objects below `prefix`, which ends with `/`, sorted.
    async fn list(&self, prefix: &str) -> Result<Vec<String>>;

    /// The names of the folders right below `prefix`, which ends with `/`, sorted.
    async fn folders(&self, prefix: &str) -> Result<Vec<String>>;

    /// Makes the finished upload at `upload_key` the object at `to_key`, durably and without a
    /// copy where that can be. If that was done before, the object stays, and what is at
    /// `upload_key` is deleted. [`Error::Missing`] if neither is there.
    async fn move_upload(&self, upload_key: &str, to_key: &str) -> Result<()>;

    /// Opens the upload at `key` to append to it, and makes an empty one if there is none. Its
    /// length is measured, and durable; a chunk that was neither kept nor taken back is gone. The
    /// caller sees to it that nobody else appends at the same time. `to_key`, each time the same, is
    /// what the upload is going to be: a store that cannot rename lets bytes go there at once.
    async fn open_append(&self, key: &str, to_key: &str) -> Result<Box<dyn AppendFile>>;

    /// Bytes of the upload at `key`, without those of a chunk that may still be taken back. Others
    /// may append meanwhile, and not all need be durable. `None` if there is no such upload.
    async fn upload_bytes(&self, key: &str) -> Result<Option<u64>>;

    /// Makes the upload at `key` of the bytes of the uploads `parts`, in their order, durably and
    /// as a whole or not at all. The parts stay, but nothing can be appended to them any more.
    /// `to_key` is what the upload is going to be. [`Error::Missing`] if a part is not there.
    async fn concat_uploads(&self, parts: &[String], key: &str, to_key: &str) -> Result<()>;

    /// An address from which anybody can read the object for `valid`, without asking this program.
    /// `None` if the store has none, or is not to be shown to clients.
    async fn public_url(&self, key: &str, valid: Duration) -> Result<Option<String>> {
        key::check_key(key)?;
        let _ = valid;
        Ok(None)
    }

    /// The object's path on this machine, if it lies in a file here. Says nothing about whether it
    /// exists.
    async fn local_path(&self, key: &str) -> Option<PathBuf>;

    /// Bytes that can still be stored, if there is a way to know.
    async fn free_bytes(&self) -> Option<u64>;

    /// Asks the store for a sign of life.
    async fn ping(&self) -> Result<()>;
}

/// An upload that is being written.
#[async_trait::async_trait]
pub trait AppendFile: Send + Debug {
    /// Bytes so far, whether durable or not: what there was when it was opened, and what was
    /// written since.
    fn len(&self) -> u64;

    /// True while there are no bytes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends `bytes`, best many at once; they may still be on their way when it comes back. An
    /// error may be about earlier bytes. After one, some of the bytes may have arrived:
    /// [`Self::sync`] measures.
    async fn write(&mut self, bytes: Bytes) -> Result<()>;

    /// Begins to make durable what was written, and does not wait for it, only for an earlier one
    /// that still runs. An error comes with a later call.
    async fn sync_behind(&mut self) -> Result<()>;

    /// Makes everything that was written durable, and measures how much that is. After an error
    /// only what was durable before is counted.
    async fn sync(&mut self) -> Result<u64>;

    /// Begins a chunk that is kept whole or not at all: until [`Self::keep_chunk`] has come back, a
    /// crash, or dropping this, takes it back.
    async fn begin_chunk(&mut self) -> Result<()>;

    /// Keeps the chunk, durably, and measures.
    async fn keep_chunk(&mut self) -> Result<u64>;

    /// Takes the chunk back, durably, and measures.
    async fn undo_chunk(&mut self) -> Result<u64>;
}
