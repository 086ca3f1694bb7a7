//! Writing the bytes of an upload, however they come.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use clipsy_domain::media_key;
use clipsy_domain::upload::Upload;
use clipsy_storage::media::{AppendFile, MediaStore};
use tokio::time::Instant;

use crate::Service;
use crate::error::{Error, Result};
use crate::uploads::checksum::Hash;

/// An upload that is being written. While the next bytes are made ready, others are written, hashed
/// and synced.
#[derive(Debug)]
pub(crate) struct Writer {
    file: Box<dyn AppendFile>,
    room: Room,
    hash: Option<Hash>,
    flush_bytes: u64,
    flush_interval: Duration,
    /// Bytes for which no sync has begun.
    unsynced: u64,
    synced_at: Instant,
}

impl Writer {
    /// Opens the upload. What `hash` hashes is what is written from now on.
    pub(crate) async fn open(
        service: &Service,
        upload: &Upload,
        hash: Option<Hash>,
    ) -> Result<Self> {
        let file = open_file(service, upload).await?;
        Ok(Self {
            file,
            room: Room {
                media: Arc::clone(&service.media),
                floor: service.settings.reserve_bytes / 2,
                since_look: 0,
            },
            hash,
            flush_bytes: service.settings.flush_bytes,
            flush_interval: service.settings.flush_interval,
            unsynced: 0,
            synced_at: Instant::now(),
        })
    }

    /// Syncs nothing before the end: for uploads of which nothing is kept when they break off.
    pub(crate) fn all_or_nothing(mut self) -> Self {
        self.flush_bytes = u64::MAX;
        self.flush_interval = Duration::MAX;
        self
    }

    /// Writes bytes, best a MiB or more at once.
    pub(crate) async fn write(&mut self, bytes: Bytes) -> Result<()> {
        let length = bytes.len() as u64;
        self.room.check(length).await?;
        if let Some(mut hash) = self.hash.take() {
            let copy = bytes.clone();
            let hashed = tokio::task::spawn_blocking(move || {
                hash.update(&copy);
                hash
            });
            let (written, hashed) = tokio::join!(self.file.write(bytes), hashed);
            self.hash = Some(hashed.map_err(Error::internal)?);
            written?;
        } else {
            self.file.write(bytes).await?;
        }
        metrics::counter!("clipsy_upload_received_bytes_total").increment(length);
        self.unsynced += length;
        if self.unsynced >= self.flush_bytes || self.synced_at.elapsed() >= self.flush_interval {
            self.file.sync_behind().await?;
            // The last bytes are still on their way to the file.
            self.unsynced = length;
            self.synced_at = Instant::now();
        }
        Ok(())
    }

    /// When bytes have waited long enough to be synced, although no more may come.
    pub(crate) fn due(&self) -> Instant {
        self.synced_at + self.flush_interval
    }

    /// True if all bytes are durable.
    pub(crate) fn is_synced(&self) -> bool {
        self.unsynced == 0
    }

    /// Makes everything durable, and measures how much that is. After an error, what there is can
    /// be measured by calling it again.
    pub(crate) async fn sync(&mut self) -> Result<u64> {
        let bytes = self.file.sync().await?;
        self.unsynced = 0;
        self.synced_at = Instant::now();
        Ok(bytes)
    }

    /// The file, for chunks that are kept whole or not at all.
    pub(crate) fn file(&mut self) -> &mut dyn AppendFile {
        &mut *self.file
    }

    /// The hash of what was written.
    pub(crate) fn digest(&mut self) -> Option<Vec<u8>> {
        self.hash.take().map(Hash::digest)
    }
}

/// Gathers what comes to pieces of a size that is good to write.
///
/// It copies, so that what brought the bytes can take its memory for the next ones at once.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    gathered: BytesMut,
    /// The last piece, whose memory is used again once it is written.
    last: Option<Bytes>,
}

/// Bytes that are written at once.
const PIECE: usize = 1 << 20;
/// What an upload gets first. It doubles up to a piece, so that one that sends little takes little.
const FIRST: usize = 64 << 10;

impl Pieces {
    /// True if nothing waits to be written.
    pub(crate) fn is_empty(&self) -> bool {
        self.gathered.is_empty()
    }

    /// Takes bytes, and writes each piece that is complete.
    pub(crate) async fn take(&mut self, mut bytes: Bytes, writer: &mut Writer) -> Result<()> {
        while !bytes.is_empty() {
            if self.gathered.capacity() == 0 {
                self.gathered.reserve(FIRST);
            }
            let room = PIECE - self.gathered.len();
            let part = bytes.split_to(room.min(bytes.len()));
            self.gathered.extend_from_slice(&part);
            if self.gathered.len() == PIECE {
                self.write(writer).await?;
            }
        }
        Ok(())
    }

    /// Writes what was gathered.
    pub(crate) async fn write(&mut self, writer: &mut Writer) -> Result<()> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        let piece = std::mem::take(&mut self.gathered).freeze();
        let before = self.last.replace(piece.clone());
        writer.write(piece).await?;
        // The write before this one is over, so that nobody else has its memory.
        if let Some(Ok(mut memory)) = before.map(Bytes::try_into_mut) {
            memory.clear();
            self.gathered = memory;
        }
        Ok(())
    }
}

/// The bytes of the upload, to append to them.
pub(crate) async fn open_file(service: &Service, upload: &Upload) -> Result<Box<dyn AppendFile>> {
    let key = media_key::upload(&upload.id);
    let original = media_key::original(&upload.id, &upload.filename);
    Ok(service.media.open_append(&key, &original).await?)
}

/// Looks from time to time whether uploads have used up the space that they may.
#[derive(Debug)]
struct Room {
    media: Arc<dyn MediaStore>,
    /// Half of what has to be free for an upload to begin. Senders that do not say how much they
    /// send, or many at once, may get there, and the database needs room, too.
    floor: u64,
    since_look: u64,
}

/// How often [`Room`] looks, in bytes.
const LOOK_EVERY: u64 = 16 << 20;

impl Room {
    async fn check(&mut self, bytes: u64) -> Result<()> {
        self.since_look += bytes;
        if self.since_look < LOOK_EVERY {
            return Ok(());
        }
        self.since_look = 0;
        match self.media.free_bytes().await {
            Some(free) if free < self.floor => Err(Error::OutOfDisk),
            _ => Ok(()),
        }
    }
}
