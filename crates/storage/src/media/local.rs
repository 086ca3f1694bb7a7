//! A media store in a folder.

use std::ops::Range;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::{AppendFile, MediaStore, Meta, Object, Result};

/// A media store in a folder of this machine.
#[derive(Debug, Clone)]
pub struct LocalStore {
    root: PathBuf,
}

impl LocalStore {
    /// Opens the store in the folder `root`, which is made if missing, and deletes temporary files
    /// that a crash has left.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self> {
        Ok(Self { root: root.into() })
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }
}

#[async_trait::async_trait]
impl MediaStore for LocalStore {
    async fn put(&self, _key: &str, _bytes: Bytes) -> Result<()> {
        unimplemented!()
    }
    async fn put_file(&self, _key: &str, _from: &Path) -> Result<()> {
        unimplemented!()
    }
    async fn get(&self, _key: &str, _range: Option<Range<u64>>) -> Result<Option<Object>> {
        unimplemented!()
    }
    async fn head(&self, _key: &str) -> Result<Option<Meta>> {
        unimplemented!()
    }
    async fn delete(&self, _key: &str) -> Result<()> {
        unimplemented!()
    }
    async fn delete_prefix(&self, _prefix: &str) -> Result<()> {
        unimplemented!()
    }
    async fn list(&self, _prefix: &str) -> Result<Vec<String>> {
        unimplemented!()
    }
    async fn move_upload(&self, _upload_key: &str, _to_key: &str) -> Result<()> {
        unimplemented!()
    }
    async fn open_append(&self, _key: &str) -> Result<Box<dyn AppendFile>> {
        unimplemented!()
    }
    async fn local_path(&self, _key: &str) -> Option<PathBuf> {
        unimplemented!()
    }
    async fn free_bytes(&self) -> Option<u64> {
        unimplemented!()
    }
    async fn ping(&self) -> Result<()> {
        unimplemented!()
    }
}
