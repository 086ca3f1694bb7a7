//! Measures another store: how long each operation takes, by name and outcome, as the histogram
//! `clipsy_store_operation_seconds`.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{AppendFile, MediaStore, Meta, Object, Result};

/// A store that does what another one does, and takes the time.
///
/// Reading an object is measured until its first bytes could be read, since how fast a body is
/// read is up to the reader.
#[derive(Debug)]
pub struct Timed(Arc<dyn MediaStore>);

impl Timed {
    /// Measures `store`.
    pub fn new(store: Arc<dyn MediaStore>) -> Self {
        Self(store)
    }
}

async fn timed<T>(operation: &'static str, work: impl Future<Output = Result<T>>) -> Result<T> {
    let started = Instant::now();
    let result = work.await;
    let outcome = if result.is_ok() { "ok" } else { "error" };
    metrics::histogram!(
        "clipsy_store_operation_seconds",
        "operation" => operation,
        "outcome" => outcome
    )
    .record(started.elapsed());
    result
}

// Every method is handed on, also those that the trait has a default for: with that, a store would
// be less when it is measured.
#[async_trait::async_trait]
impl MediaStore for Timed {
    async fn put(&self, key: &str, bytes: Bytes) -> Result<()> {
        timed("put", self.0.put(key, bytes)).await
    }

    async fn put_file(&self, key: &str, from: &Path) -> Result<()> {
        timed("put_file", self.0.put_file(key, from)).await
    }

    async fn get(&self, key: &str, range: Option<Range<u64>>) -> Result<Option<Object>> {
        timed("get", self.0.get(key, range)).await
    }

    async fn head(&self, key: &str) -> Result<Option<Meta>> {
        timed("head", self.0.head(key)).await
    }

    async fn delete(&self, key: &str) -> Result<()> {
        timed("delete", self.0.delete(key)).await
    }

    async fn delete_prefix(&self, prefix: &str) -> Result<()> {
        timed("delete_prefix", self.0.delete_prefix(prefix)).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>> {
        timed("list", self.0.list(prefix)).await
    }

    async fn folders(&self, prefix: &str) -> Result<Vec<String>> {
        timed("folders", self.0.folders(prefix)).await
    }

    async fn move_upload(&self, upload_key: &str, to_key: &str) -> Result<()> {
        timed("move_upload", self.0.move_upload(upload_key, to_key)).await
    }

    async fn open_append(&self, key: &str, to_key: &str) -> Result<Box<dyn AppendFile>> {
        let file = timed("open_append", self.0.open_append(key, to_key)).await?;
        Ok(Box::new(TimedFile(file)))
    }

    async fn upload_bytes(&self, key: &str) -> Result<Option<u64>> {
        timed("upload_bytes", self.0.upload_bytes(key)).await
    }

    async fn concat_uploads(&self, parts: &[String], key: &str, to_key: &str) -> Result<()> {
        let work = self.0.concat_uploads(parts, key, to_key);
        timed("concat_uploads", work).await
    }

    async fn public_url(&self, key: &str, valid: Duration) -> Result<Option<String>> {
        // It asks nobody.
        self.0.public_url(key, valid).await
    }

    async fn local_path(&self, key: &str) -> Option<PathBuf> {
        self.0.local_path(key).await
    }

    async fn free_bytes(&self) -> Option<u64> {
        self.0.free_bytes().await
    }

    async fn ping(&self) -> Result<()> {
        timed("ping", self.0.ping()).await
    }
}

#[derive(Debug)]
struct TimedFile(Box<dyn AppendFile>);

#[async_trait::async_trait]
impl AppendFile for TimedFile {
    fn len(&self) -> u64 {
        self.0.len()
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        timed("append", self.0.write(bytes)).await
    }

    async fn sync_behind(&mut self) -> Result<()> {
        timed("sync_behind", self.0.sync_behind()).await
    }

    async fn sync(&mut self) -> Result<u64> {
        timed("sync", self.0.sync()).await
    }

    async fn begin_chunk(&mut self) -> Result<()> {
        timed("begin_chunk", self.0.begin_chunk()).await
    }

    async fn keep_chunk(&mut self) -> Result<u64> {
        timed("keep_chunk", self.0.keep_chunk()).await
    }

    async fn undo_chunk(&mut self) -> Result<u64> {
        timed("undo_chunk", self.0.undo_chunk()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{LocalStore, contract};

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn it_does_what_the_store_does() {
        let (root, scratch) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let store = Arc::new(LocalStore::open(root.path()).unwrap());
        contract::all(Arc::new(Timed::new(store)), scratch.path()).await;
    }
}
