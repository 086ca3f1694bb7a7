//! Uploads that are being written.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use tokio::task::JoinHandle;

use super::place::{is_absent, sync_folder, sync_name};
use super::write::remove;
use super::{Folder, io_error};
use crate::media::turns::Turn;
use crate::media::{AppendFile, Error, Result};

/// Name of the folder of savepoints below the root; no part of a key looks like this.
const SAVEPOINTS: &str = "~savepoints";

/// An open upload. One write and one sync are on their way while the caller gets the next bytes
/// ready.
#[derive(Debug)]
pub(super) struct LocalAppend {
    folder: Arc<Folder>,
    key: String,
    file: Arc<File>,
    /// Bytes in the file and on their way there.
    bytes: u64,
    /// Bytes in the file.
    arrived: u64,
    /// Bytes that survive a power cut.
    durable: u64,
    /// Where a chunk began that may have to be taken back.
    chunk: Option<u64>,
    turn: Turn,
    on_its_way: Option<(u64, JoinHandle<io::Result<()>>)>,
    syncing: Option<(u64, JoinHandle<io::Result<()>>)>,
}

impl Folder {
    /// Opens an upload to append to it, and measures it. What is there is durable then. A chunk that
    /// was neither kept nor taken back is gone.
    pub(super) fn open_append(&self, key: &str) -> Result<(File, u64)> {
        let failed = |error| io_error(key, error);
        let path = self.make_place(key)?;
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(&path)
            .map_err(failed)?;
        let savepoint = self.savepoint(key)?;
        if let Some(bytes) = savepoint
            && file.metadata().map_err(failed)?.len() > bytes
        {
            file.set_len(bytes).map_err(failed)?;
        }
        file.sync_all().map_err(failed)?;
        sync_name(&path).map_err(failed)?;
        if savepoint.is_some() {
            self.forget_savepoint(key).map_err(failed)?;
        }
        let bytes = file.metadata().map_err(failed)?.len();
        Ok((file, bytes))
    }

    /// Bytes of an upload, without those of a chunk that may still be taken back.
    pub(super) fn upload_bytes(&self, key: &str) -> Result<Option<u64>> {
        let Some(meta) = self.head(key)? else {
            return Ok(None);
        };
        let savepoint = self.savepoint(key)?;
        Ok(Some(savepoint.map_or(meta.bytes, |at| at.min(meta.bytes))))
    }

    /// Notes durably that an upload ends at `bytes`, whatever its file says from now on.
    fn set_savepoint(&self, key: &str, bytes: u64) -> io::Result<()> {
        let temp = self.temp.path();
        let mut note = File::create_new(&temp)?;
        let place = self.savepoint_path(key);
        let done = write!(note, "{bytes}")
            .and_then(|()| note.sync_all())
            .and_then(|()| std::fs::rename(&temp, &place))
            .and_then(|()| sync_name(&place));
        if done.is_err() {
            // It is swept at the next start at the latest.
            let _ = std::fs::remove_file(&temp);
        }
        done
    }

    /// Where an upload ends, if that was noted.
    fn savepoint(&self, key: &str) -> Result<Option<u64>> {
        let text = match std::fs::read_to_string(self.savepoint_path(key)) {
            Ok(text) => text,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(io_error(key, error)),
        };
        let bytes = text.parse().map_err(|_| {
            let what = format!("its savepoint is unreadable: {text:?}");
            io_error(key, io::Error::new(io::ErrorKind::InvalidData, what))
        })?;
        Ok(Some(bytes))
    }

    fn forget_savepoint(&self, key: &str) -> io::Result<()> {
        remove(&self.savepoint_path(key))
    }

    /// No part of a key holds a `+`.
    fn savepoint_path(&self, key: &str) -> PathBuf {
        self.savepoints.join(key.replace('/', "+"))
    }

    /// Makes the folder of savepoints below `root`, and deletes those of uploads that are gone.
    pub(super) fn open_savepoints(root: &Path) -> io::Result<PathBuf> {
        let folder = root.join(SAVEPOINTS);
        std::fs::create_dir_all(&folder)?;
        sync_folder(root)?;
        for entry in std::fs::read_dir(&folder)? {
            let name = entry?.file_name();
            let upload = root.join(name.to_string_lossy().replace('+', "/"));
            match std::fs::symlink_metadata(&upload) {
                Err(error) if is_absent(&error) => remove(&folder.join(name))?,
                _ => {}
            }
        }
        Ok(folder)
    }
}

/// Bytes of one system call. Linux puts what a call brings into pages as large as that, and machines
/// that give unused memory back to their host have only given large ones back: to write a MiB at
/// once took twice the time there.
const CALL: usize = 128 << 10;

fn write_all(mut file: &File, bytes: &[u8]) -> io::Result<()> {
    bytes.chunks(CALL).try_for_each(|part| file.write_all(part))
}

impl LocalAppend {
    pub(super) fn new(folder: Arc<Folder>, key: &str, file: File, bytes: u64, turn: Turn) -> Self {
        Self {
            folder,
            key: key.to_owned(),
            file: Arc::new(file),
            bytes,
            arrived: bytes,
            durable: bytes,
            chunk: None,
            turn,
            on_its_way: None,
            syncing: None,
        }
    }

    /// Waits for the write that is on its way.
    async fn arrive(&mut self) -> Result<()> {
        let Some((bytes, write)) = &mut self.on_its_way else {
            return Ok(());
        };
        let (bytes, done) = (*bytes, write.await);
        self.on_its_way = None;
        let done = done.map_err(io::Error::from).flatten();
        done.map_err(|error| self.failed(error))?;
        self.arrived = bytes;
        Ok(())
    }

    /// Waits for the sync that is on its way.
    async fn settle_sync(&mut self) -> Result<()> {
        let Some((bytes, sync)) = &mut self.syncing else {
            return Ok(());
        };
        let (bytes, done) = (*bytes, sync.await);
        self.syncing = None;
        let done = done.map_err(io::Error::from).flatten();
        self.after_sync(bytes, done).await
    }

    /// Takes note of what is durable. After a failure the system may have dropped bytes and say so
    /// only once, so that all that were not durable before are given up.
    async fn after_sync(&mut self, bytes: u64, done: io::Result<()>) -> Result<()> {
        let Err(error) = done else {
            self.durable = self.durable.max(bytes);
            return Ok(());
        };
        let durable = self.durable;
        let cut = self.begin(move |file| file.set_len(durable)).await;
        let _ = cut.await;
        self.arrived = durable;
        self.bytes = durable;
        Err(self.failed(error))
    }

    /// Does `work`, which blocks, when it is this upload's turn.
    async fn begin<T: Send + 'static>(
        &self,
        work: impl FnOnce(&File) -> io::Result<T> + Send + 'static,
    ) -> JoinHandle<io::Result<T>> {
        let turn = Arc::clone(&self.turn).write_owned().await;
        let file = Arc::clone(&self.file);
        tokio::task::spawn_blocking(move || {
            let done = work(&file);
            drop(turn);
            done
        })
    }

    /// Does `work` on the folder, which blocks, when it is this upload's turn.
    async fn with_folder(
        &self,
        work: impl FnOnce(&Folder, &str) -> io::Result<()> + Send + 'static,
    ) -> Result<()> {
        let (folder, key) = (Arc::clone(&self.folder), self.key.clone());
        let done = self.begin(move |_| work(&folder, &key)).await.await;
        let done = done.map_err(io::Error::from).flatten();
        done.map_err(|error| self.failed(error))
    }

    fn failed(&self, error: io::Error) -> Error {
        io_error(&self.key, error)
    }
}

#[async_trait::async_trait]
impl AppendFile for LocalAppend {
    fn len(&self) -> u64 {
        self.bytes
    }

    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.arrive().await?;
        self.bytes += bytes.len() as u64;
        let write = self.begin(move |file| write_all(file, &bytes)).await;
        self.on_its_way = Some((self.bytes, write));
        Ok(())
    }

    async fn sync_behind(&mut self) -> Result<()> {
        self.settle_sync().await?;
        let file = Arc::clone(&self.file);
        // It changes no length, so that it needs no turn.
        let sync = tokio::task::spawn_blocking(move || file.sync_data());
        self.syncing = Some((self.arrived, sync));
        Ok(())
    }

    async fn sync(&mut self) -> Result<u64> {
        let arrived = self.arrive().await;
        self.settle_sync().await?;
        arrived?;
        let sync = self.begin(|file| {
            let done = file.sync_data();
            Ok((done, file.metadata()?.len()))
        });
        let done = sync.await.await.map_err(io::Error::from).flatten();
        let (done, bytes) = done.map_err(|error| self.failed(error))?;
        self.after_sync(bytes, done).await?;
        self.bytes = bytes;
        self.arrived = bytes;
        Ok(bytes)
    }

    async fn begin_chunk(&mut self) -> Result<()> {
        let bytes = self.sync().await?;
        self.with_folder(move |folder, key| folder.set_savepoint(key, bytes))
            .await?;
        self.chunk = Some(bytes);
        Ok(())
    }

    async fn keep_chunk(&mut self) -> Result<u64> {
        let bytes = self.sync().await?;
        self.with_folder(Folder::forget_savepoint).await?;
        self.chunk = None;
        Ok(bytes)
    }

    async fn undo_chunk(&mut self) -> Result<u64> {
        let Some(start) = self.chunk else {
            return self.sync().await;
        };
        // What went wrong with bytes that are given up does not matter.
        let _ = self.arrive().await;
        let _ = self.settle_sync().await;
        let cut = self.begin(move |file| file.set_len(start)).await;
        let cut = cut.await.map_err(io::Error::from).flatten();
        cut.map_err(|error| self.failed(error))?;
        self.keep_chunk().await
    }
}
