//! Uploads that are being written.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Buf as _, Bytes, BytesMut};
use object_store::multipart::{MultipartStore as _, PartId};
use object_store::{Error as S3Error, PutPayload};
use tokio::task::JoinHandle;

use super::Bucket;
use super::error::{failed, io_failed};
use super::state::{Standing, State, Version};
use crate::media::turns::Turn;
use crate::media::{AppendFile, Result};

/// Whole parts of one upload that are on their way at the same time.
const IN_FLIGHT: usize = 2;

/// An open upload. Whole parts are on their way while the next one is filled.
#[derive(Debug)]
pub(super) struct S3Append {
    bucket: Arc<Bucket>,
    key: String,
    to: String,
    turn: Turn,
    /// As it was saved last. Its tail is not kept here.
    state: State,
    version: Version,
    /// Tags of parts that have arrived, those of `state` included.
    parts: Vec<String>,
    /// They are never given up: one that arrives after its number was used again would take the
    /// place of the other.
    on_their_way: VecDeque<JoinHandle<object_store::Result<PartId>>>,
    /// Bytes behind all those parts.
    tail: BytesMut,
    /// Bytes that were saved.
    saved: u64,
    saving: Option<JoinHandle<Result<Saved>>>,
    /// Where a chunk began that may have to be taken back: its parts and tail.
    chunk: Option<(usize, Bytes)>,
    /// True after an error: what there is has to be measured.
    unsure: bool,
    /// True if nothing can be appended any more.
    complete: bool,
}

/// What a save has brought.
#[derive(Debug)]
struct Saved {
    state: State,
    version: Version,
    bytes: u64,
}

impl S3Append {
    /// Opens the upload and measures it. The state is written anew, so that a write of somebody
    /// else that is still on its way comes to nothing.
    pub(super) async fn open(
        bucket: &Arc<Bucket>,
        key: &str,
        to: &str,
        turn: Turn,
    ) -> Result<Self> {
        let (mut state, version, complete) = bucket.take_over(key, to).await?;
        let tail = BytesMut::from(&*std::mem::take(&mut state.tail));
        let parts = state.parts.clone();
        let saved = state.bytes_of(parts.len()) + tail.len() as u64;
        Ok(Self {
            bucket: Arc::clone(bucket),
            key: key.to_owned(),
            to: to.to_owned(),
            turn,
            state,
            version,
            parts,
            on_their_way: VecDeque::new(),
            tail,
            saved,
            saving: None,
            chunk: None,
            unsure: false,
            complete,
        })
    }

    /// Opens it again after an error.
    async fn measure(&mut self) -> Result<u64> {
        self.forget_parts().await;
        self.forget_save().await;
        let turn = Arc::clone(&self.turn);
        *self = Self::open(&self.bucket, &self.key, &self.to, turn).await?;
        Ok(self.saved)
    }

    /// Parts that were sent, whether they have arrived or not.
    fn sent(&self) -> usize {
        self.parts.len() + self.on_their_way.len()
    }

    /// Notes an error: what there is has to be measured before anything else.
    fn noted<T>(&mut self, done: Result<T>) -> Result<T> {
        self.unsure |= done.is_err();
        done
    }

    /// Sends the part that is full.
    async fn send_part(&mut self) -> Result<()> {
        while self.on_their_way.len() >= IN_FLIGHT {
            self.part_arrives().await?;
        }
        let path = self.bucket.path(&self.to);
        let id = if let Some(id) = &self.state.multipart {
            id.clone()
        } else {
            let id = self.bucket.s3.create_multipart(&path).await;
            let id = id.map_err(|error| failed(&self.key, error))?;
            self.state.multipart.insert(id).clone()
        };
        let payload = PutPayload::from_bytes(std::mem::take(&mut self.tail).freeze());
        let (s3, number) = (self.bucket.s3.clone(), self.sent());
        // Whoever opens the upload next waits for it, also when this is dropped.
        let turn = Arc::clone(&self.turn).read_owned().await;
        self.on_their_way.push_back(tokio::spawn(async move {
            let _turn = turn;
            s3.put_part(&path, &id, number, payload).await
        }));
        Ok(())
    }

    /// Waits for the parts that are on their way, whatever comes of them.
    async fn forget_parts(&mut self) {
        while let Some(part) = self.on_their_way.front_mut() {
            let _ = part.await;
            self.on_their_way.pop_front();
        }
    }

    /// Waits for the oldest part that is on its way.
    async fn part_arrives(&mut self) -> Result<()> {
        let Some(part) = self.on_their_way.front_mut() else {
            return Ok(());
        };
        let done = part.await;
        self.on_their_way.pop_front();
        let done = done.unwrap_or_else(|source| Err(S3Error::JoinError { source }));
        let part = done.map_err(|error| failed(&self.key, error))?;
        self.parts.push(part.content_id);
        Ok(())
    }

    async fn all_parts_arrive(&mut self) -> Result<()> {
        while !self.on_their_way.is_empty() {
            self.part_arrives().await?;
        }
        Ok(())
    }

    /// Begins to save what was written. The parts that are on their way must have arrived.
    fn begin_save(&mut self) {
        let mut state = State {
            parts: self.parts.clone(),
            tail: Bytes::copy_from_slice(&self.tail),
            ..self.state.clone()
        };
        let bytes = state.bytes();
        let (bucket, key) = (Arc::clone(&self.bucket), self.key.clone());
        let (turn, version) = (Arc::clone(&self.turn), self.version.clone());
        self.saving = Some(tokio::spawn(async move {
            let _turn = turn.read_owned().await;
            let version = bucket.save(&key, &mut state, Some(&version)).await?;
            state.tail = Bytes::new();
            Ok(Saved {
                state,
                version,
                bytes,
            })
        }));
    }

    /// Waits for the save that is on its way.
    async fn end_save(&mut self) -> Result<()> {
        let Some(saving) = &mut self.saving else {
            return Ok(());
        };
        let done = saving.await;
        self.saving = None;
        let saved = done.map_err(|error| io_failed(&self.key, error.into()))??;
        // A part that was sent meanwhile may have begun the multipart upload.
        let multipart = self.state.multipart.take();
        self.state = saved.state;
        if self.state.multipart.is_none() {
            self.state.multipart = multipart;
        }
        self.version = saved.version;
        self.saved = saved.bytes;
        Ok(())
    }

    /// Waits for the save that is on its way, whatever comes of it.
    async fn forget_save(&mut self) {
        if let Some(saving) = self.saving.take() {
            let _ = saving.await;
        }
    }

    async fn save(&mut self) -> Result<u64> {
        self.end_save().await?;
        self.all_parts_arrive().await?;
        if self.saved != self.len() {
            self.begin_save();
            self.end_save().await?;
        }
        Ok(self.saved)
    }

    async fn append(&mut self, mut bytes: Bytes) -> Result<()> {
        let full = self.state.part_bytes as usize;
        while bytes.has_remaining() {
            if self.tail.capacity() == 0 {
                self.tail.reserve(bytes.len().min(full));
            }
            let part = bytes.split_to(bytes.len().min(full - self.tail.len()));
            self.tail.extend_from_slice(&part);
            if self.tail.len() == full {
                self.send_part().await?;
            }
        }
        Ok(())
    }

    async fn take_back(&mut self, parts: usize, tail: &[u8]) -> Result<u64> {
        self.forget_parts().await;
        self.end_save().await?;
        self.parts.truncate(parts);
        self.tail = BytesMut::from(tail);
        Ok(self.saved)
    }
}

impl Bucket {
    /// The state of the upload, new or measured, and its own from now on; with it, whether it is
    /// an object already.
    async fn take_over(&self, key: &str, to: &str) -> Result<(State, Version, bool)> {
        let Some(stored) = self.load(key).await? else {
            let mut state = State::new(to, self.part_bytes);
            let version = self.save(key, &mut state, None).await?;
            return Ok((state, version, false));
        };
        let (mut state, version) = (stored.state, stored.version);
        let standing = self.measure(&state).await?;
        if standing == Standing::Done || state.sealed {
            return Ok((state, version, true));
        }
        state.cut(standing);
        if !self.conditional && standing == Standing::Whole {
            return Ok((state, version, false));
        }
        let version = self.save(key, &mut state, Some(&version)).await?;
        Ok((state, version, false))
    }
}

#[async_trait::async_trait]
impl AppendFile for S3Append {
    fn len(&self) -> u64 {
        self.state.bytes_of(self.sent()) + self.tail.len() as u64
    }

    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        if self.unsure || self.complete {
            let error = std::io::Error::other("nothing can be appended any more");
            return Err(io_failed(&self.key, error));
        }
        let done = self.append(bytes).await;
        self.noted(done)
    }

    async fn sync_behind(&mut self) -> Result<()> {
        if self.unsure || self.complete || self.chunk.is_some() {
            return Ok(());
        }
        let done = async {
            self.end_save().await?;
            self.all_parts_arrive().await
        };
        let done = done.await;
        self.noted(done)?;
        if self.saved != self.len() {
            self.begin_save();
        }
        Ok(())
    }

    async fn sync(&mut self) -> Result<u64> {
        if self.unsure {
            return self.measure().await;
        }
        if self.chunk.is_some() {
            let done = self.all_parts_arrive().await;
            return self.noted(done).map(|()| self.len());
        }
        let done = self.save().await;
        self.noted(done)
    }

    async fn begin_chunk(&mut self) -> Result<()> {
        self.sync().await?;
        // Nothing of it is saved before all of it is.
        self.chunk = Some((self.parts.len(), Bytes::copy_from_slice(&self.tail)));
        Ok(())
    }

    async fn keep_chunk(&mut self) -> Result<u64> {
        self.chunk = None;
        self.sync().await
    }

    async fn undo_chunk(&mut self) -> Result<u64> {
        if self.unsure {
            return self.measure().await;
        }
        let Some((parts, tail)) = self.chunk.take() else {
            return self.sync().await;
        };
        let done = self.take_back(parts, &tail).await;
        self.noted(done)
    }
}
