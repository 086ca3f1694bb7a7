//! Uploads that are being written.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytes::Bytes;
use tokio::task::JoinHandle;

use super::place::sync_name;
use super::{Folder, io_error};
use crate::media::{AppendFile, Error, Result};

/// Held while bytes of one upload are on their way into its file.
pub(super) type Turn = Arc<tokio::sync::Mutex<()>>;

/// The uploads that are being written.
///
/// Work that blocks cannot be stopped: when a request is dropped in mid-write, its bytes still
/// arrive. Who measures the upload next has to wait for them.
#[derive(Debug, Default)]
pub(super) struct Appends(Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>);

impl Appends {
    /// What writers of that upload take in turn.
    pub(super) fn turn(&self, key: &str) -> Turn {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = turns.get(key).and_then(Weak::upgrade) {
            return turn;
        }
        turns.retain(|_, turn| turn.strong_count() > 0);
        let turn = Turn::default();
        turns.insert(key.to_owned(), Arc::downgrade(&turn));
        turn
    }

    /// Waits until no bytes of that upload are on their way.
    pub(super) async fn settle(&self, key: &str) {
        let turn = {
            let turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            turns.get(key).and_then(Weak::upgrade)
        };
        if let Some(turn) = turn {
            drop(turn.lock().await);
        }
    }
}

/// An open upload. One write is on its way while the caller gets the next bytes ready.
#[derive(Debug)]
pub(super) struct LocalAppend {
    key: String,
    file: Arc<File>,
    bytes: u64,
    turn: Turn,
    on_its_way: Option<JoinHandle<io::Result<()>>>,
}

impl Folder {
    /// Opens an upload to append to it, and measures it. What is there is durable then.
    pub(super) fn open_append(&self, key: &str) -> Result<(File, u64)> {
        let failed = |error| io_error(key, error);
        let path = self.make_place(key)?;
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(&path)
            .map_err(failed)?;
        file.sync_all().map_err(failed)?;
        sync_name(&path).map_err(failed)?;
        let bytes = file.metadata().map_err(failed)?.len();
        Ok((file, bytes))
    }
}

impl LocalAppend {
    pub(super) fn new(key: &str, file: File, bytes: u64, turn: Turn) -> Self {
        Self {
            key: key.to_owned(),
            file: Arc::new(file),
            bytes,
            turn,
            on_its_way: None,
        }
    }

    /// Waits for the write that is on its way.
    async fn arrive(&mut self) -> Result<()> {
        let Some(write) = &mut self.on_its_way else {
            return Ok(());
        };
        let done = write.await;
        self.on_its_way = None;
        done.map_err(io::Error::from)
            .flatten()
            .map_err(|error| self.failed(error))
    }

    /// Does `work`, which blocks, when it is this upload's turn.
    async fn begin<T: Send + 'static>(
        &self,
        work: impl FnOnce(&File) -> io::Result<T> + Send + 'static,
    ) -> JoinHandle<io::Result<T>> {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let file = Arc::clone(&self.file);
        tokio::task::spawn_blocking(move || {
            let done = work(&file);
            drop(turn);
            done
        })
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
        let write = self.begin(move |mut file| file.write_all(&bytes)).await;
        self.on_its_way = Some(write);
        Ok(())
    }

    async fn sync(&mut self) -> Result<u64> {
        self.arrive().await?;
        let sync = self.begin(|file| {
            file.sync_data()?;
            Ok(file.metadata()?.len())
        });
        let done = sync.await.await;
        let bytes = done
            .map_err(io::Error::from)
            .flatten()
            .map_err(|error| self.failed(error))?;
        self.bytes = bytes;
        Ok(bytes)
    }
}
