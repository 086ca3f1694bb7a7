//! A media store in a folder.
//!
//! A key is a path below the folder. Objects come about elsewhere, in a folder of temporary files,
//! and are renamed to their place when they are complete and durable.

mod append;
mod place;
mod read;
mod temp;
#[cfg(test)]
mod tests;
mod write;

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use self::append::LocalAppend;
use self::temp::Temp;
use super::key::{check_key, check_prefix};
use super::turns::Turns;
use super::{AppendFile, Error, MediaStore, Meta, Object, Result};

/// A media store in a folder of this machine, all of which should be one file system. Cheap to
/// clone.
#[derive(Debug, Clone)]
pub struct LocalStore {
    folder: Arc<Folder>,
    appends: Arc<Turns>,
}

/// The folder itself, for work that blocks.
#[derive(Debug)]
struct Folder {
    /// Without symbolic links, so that what is below it can be told from what is not.
    root: PathBuf,
    temp: Temp,
    /// Where it is noted how long uploads are that hold a chunk which may be taken back.
    savepoints: PathBuf,
}

impl LocalStore {
    /// Opens the store in the folder `root`, which is made if missing, and deletes temporary files
    /// that a crash has left. Other processes may have it open, too. Blocks.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self> {
        let root = root.into();
        let failed = |source| Error::Io {
            key: root.display().to_string(),
            source,
        };
        std::fs::create_dir_all(&root).map_err(failed)?;
        place::sync_name(&root).map_err(failed)?;
        let root = root.canonicalize().map_err(failed)?;
        let temp = Temp::open(&root).map_err(failed)?;
        let savepoints = Folder::open_savepoints(&root).map_err(failed)?;
        Ok(Self {
            folder: Arc::new(Folder {
                root,
                temp,
                savepoints,
            }),
            appends: Arc::default(),
        })
    }

    /// The folder, without symbolic links.
    pub fn root(&self) -> &Path {
        &self.folder.root
    }

    /// Does `work`, which blocks, where that holds up nobody.
    async fn work<T: Send + 'static>(
        &self,
        key: &str,
        work: impl FnOnce(&Folder) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let folder = Arc::clone(&self.folder);
        match tokio::task::spawn_blocking(move || work(&folder)).await {
            Ok(done) => done,
            Err(error) => Err(io_error(key, error.into())),
        }
    }
}

#[async_trait::async_trait]
impl MediaStore for LocalStore {
    async fn put(&self, key: &str, bytes: Bytes) -> Result<()> {
        check_key(key)?;
        let own = key.to_owned();
        self.work(key, move |folder| folder.put(&own, &bytes)).await
    }

    async fn put_file(&self, key: &str, from: &Path) -> Result<()> {
        check_key(key)?;
        let (own, from) = (key.to_owned(), from.to_owned());
        self.work(key, move |folder| folder.put_file(&own, &from))
            .await
    }

    async fn get(&self, key: &str, range: Option<Range<u64>>) -> Result<Option<Object>> {
        check_key(key)?;
        let own = key.to_owned();
        self.work(key, move |folder| folder.get(&own, range)).await
    }

    async fn head(&self, key: &str) -> Result<Option<Meta>> {
        check_key(key)?;
        self.appends.settle(key).await;
        let own = key.to_owned();
        self.work(key, move |folder| folder.head(&own)).await
    }

    async fn delete(&self, key: &str) -> Result<()> {
        check_key(key)?;
        let own = key.to_owned();
        self.work(key, move |folder| folder.delete(&own)).await
    }

    async fn delete_prefix(&self, prefix: &str) -> Result<()> {
        let own = check_prefix(prefix)?.to_owned();
        self.work(prefix, move |folder| folder.delete_below(&own))
            .await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>> {
        let own = check_prefix(prefix)?.to_owned();
        self.work(prefix, move |folder| folder.list(&own)).await
    }

    async fn folders(&self, prefix: &str) -> Result<Vec<String>> {
        let own = check_prefix(prefix)?.to_owned();
        self.work(prefix, move |folder| folder.folders(&own)).await
    }

    async fn move_upload(&self, upload_key: &str, to_key: &str) -> Result<()> {
        check_key(upload_key)?;
        check_key(to_key)?;
        self.appends.settle(upload_key).await;
        let (from, to) = (upload_key.to_owned(), to_key.to_owned());
        self.work(upload_key, move |folder| folder.move_upload(&from, &to))
            .await
    }

    async fn open_append(&self, key: &str, to_key: &str) -> Result<Box<dyn AppendFile>> {
        check_key(key)?;
        check_key(to_key)?;
        self.appends.settle(key).await;
        let own = key.to_owned();
        let (file, bytes) = self
            .work(key, move |folder| folder.open_append(&own))
            .await?;
        let turn = self.appends.turn(key);
        let folder = Arc::clone(&self.folder);
        Ok(Box::new(LocalAppend::new(folder, key, file, bytes, turn)))
    }

    async fn upload_bytes(&self, key: &str) -> Result<Option<u64>> {
        check_key(key)?;
        self.appends.settle(key).await;
        let own = key.to_owned();
        self.work(key, move |folder| folder.upload_bytes(&own))
            .await
    }

    async fn concat_uploads(&self, parts: &[String], key: &str, to_key: &str) -> Result<()> {
        check_key(key)?;
        check_key(to_key)?;
        for part in parts {
            check_key(part)?;
            self.appends.settle(part).await;
        }
        let (parts, own) = (parts.to_vec(), key.to_owned());
        self.work(key, move |folder| folder.concat(&parts, &own))
            .await
    }

    async fn local_path(&self, key: &str) -> Option<PathBuf> {
        check_key(key).ok()?;
        let own = key.to_owned();
        self.work(key, move |folder| folder.place(&own)).await.ok()
    }

    async fn free_bytes(&self) -> Option<u64> {
        self.work("", |folder| Ok(folder.free_bytes())).await.ok()?
    }

    async fn ping(&self) -> Result<()> {
        self.work("", Folder::ping).await
    }
}

fn io_error(key: &str, source: io::Error) -> Error {
    Error::Io {
        key: key.to_owned(),
        source,
    }
}
