//! What is known of an upload that is not finished: its state, an object of its own.
//!
//! One write replaces it as a whole, and so makes bytes durable or not: those that it does not
//! name are not there, whatever parts the service may hold. What it does name is compared with
//! what the service says it holds before anybody is told.

use bytes::{Bytes, BytesMut};
use object_store::{
    Error as S3Error, ObjectStore as _, ObjectStoreExt as _, PutMode, PutOptions, PutPayload,
    UpdateVersion,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Bucket;
use super::error::{failed, io_failed};
use crate::media::{Error, Result};

/// How a state begins, with the version of its form.
const MAGIC: &str = "clipsy-upload-1";

/// An upload.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    /// Who wrote this, and when: new for each write.
    pub(super) nonce: String,
    /// The object that it is going to be.
    pub(super) to: String,
    /// Size of each part.
    pub(super) part_bytes: u64,
    /// The multipart upload to `to`, once there is a whole part.
    pub(super) multipart: Option<String>,
    /// The tags of the parts, in order.
    pub(super) parts: Vec<String>,
    /// True if the object at `to` was made, or is being made, to be read as a part of another
    /// upload. It goes with this one.
    pub(super) sealed: bool,
    /// The bytes behind the parts, fewer than one holds.
    #[serde(skip)]
    pub(super) tail: Bytes,
}

/// A state as it lies in the bucket.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) state: State,
    pub(super) version: Version,
}

/// Tells versions of a state apart.
pub(super) type Version = Option<String>;

/// What there is of an upload, according to the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// All that the state names.
    Whole,
    /// The object is made already.
    Done,
    /// So many parts. The rest is lost.
    Only(usize),
}

impl State {
    pub(super) fn new(to: &str, part_bytes: u64) -> Self {
        Self {
            nonce: String::new(),
            to: to.to_owned(),
            part_bytes,
            multipart: None,
            parts: Vec::new(),
            sealed: false,
            tail: Bytes::new(),
        }
    }

    /// Bytes of the upload.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes_of(self.parts.len()) + self.tail.len() as u64
    }

    /// Bytes of so many parts.
    pub(super) fn bytes_of(&self, parts: usize) -> u64 {
        parts as u64 * self.part_bytes
    }

    /// Makes it what there is.
    pub(super) fn cut(&mut self, standing: Standing) {
        if let Standing::Only(parts) = standing {
            self.parts.truncate(parts);
            self.tail = Bytes::new();
            if parts == 0 {
                self.multipart = None;
            }
        }
    }

    fn write(&self) -> Option<Bytes> {
        let facts = serde_json::to_vec(self).ok()?;
        let first = format!("{MAGIC} {}\n", facts.len());
        let mut bytes = BytesMut::with_capacity(first.len() + facts.len() + self.tail.len());
        bytes.extend_from_slice(first.as_bytes());
        bytes.extend_from_slice(&facts);
        bytes.extend_from_slice(&self.tail);
        Some(bytes.freeze())
    }

    fn read(mut bytes: Bytes) -> Option<Self> {
        let end = bytes.iter().take(64).position(|byte| *byte == b'\n')?;
        let first = bytes.split_to(end + 1);
        let length = std::str::from_utf8(&first).ok()?.strip_prefix(MAGIC)?;
        let length: usize = length.trim().parse().ok()?;
        if length > bytes.len() {
            return None;
        }
        let facts = bytes.split_to(length);
        let mut state: Self = serde_json::from_slice(&facts).ok()?;
        state.tail = bytes;
        Some(state)
    }
}

impl Bucket {
    /// The state of the upload at `key`.
    pub(super) async fn load(&self, key: &str) -> Result<Option<Stored>> {
        let found = match self.s3.get(&self.path(key)).await {
            Ok(found) => found,
            Err(S3Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(failed(key, error)),
        };
        let version = found.meta.e_tag.clone();
        let bytes = found.bytes().await.map_err(|error| failed(key, error))?;
        let unreadable = || {
            let kind = std::io::ErrorKind::InvalidData;
            io_failed(key, std::io::Error::new(kind, "this is no upload"))
        };
        let state = State::read(bytes).ok_or_else(unreadable)?;
        Ok(Some(Stored { state, version }))
    }

    /// Replaces the state, which has to be the one of that version; `None`: there is none yet.
    pub(super) async fn save(
        &self,
        key: &str,
        state: &mut State,
        replaces: Option<&Version>,
    ) -> Result<Version> {
        state.nonce = Uuid::new_v4().simple().to_string();
        let bytes = state.write().ok_or_else(|| {
            let error = std::io::Error::other("the state of an upload cannot be written down");
            io_failed(key, error)
        })?;
        let mode = if self.conditional {
            match replaces {
                None => PutMode::Create,
                Some(version) => PutMode::Update(UpdateVersion {
                    e_tag: version.clone(),
                    version: None,
                }),
            }
        } else {
            let there = self.version(key).await?;
            if there.as_ref() != replaces {
                return Err(overtaken(key));
            }
            PutMode::Overwrite
        };
        let mut tries_left = 3;
        loop {
            let payload = PutPayload::from_bytes(bytes.clone());
            let options = PutOptions::from(mode.clone());
            let error = match self.s3.put_opts(&self.path(key), payload, options).await {
                Ok(put) => return Ok(put.e_tag),
                Err(error) => error,
            };
            let is_refused = matches!(
                error,
                S3Error::AlreadyExists { .. } | S3Error::Precondition { .. }
            );
            let failure = failed(key, error);
            if !is_refused && !failure.is_retryable() {
                return Err(failure);
            }
            // The answer may have been lost: services refuse a state before they have read it all,
            // and close the connection.
            let there = match self.load(key).await {
                Ok(there) => there,
                Err(error) => return Err(if is_refused { error } else { failure }),
            };
            match there {
                Some(there) if there.state.nonce == state.nonce => return Ok(there.version),
                there if is_refused || there.as_ref().map(|t| &t.version) != replaces => {
                    return Err(overtaken(key));
                }
                _ if tries_left == 0 => return Err(failure),
                _ => tries_left -= 1,
            }
        }
    }

    /// The version of the state; `None` if there is no state.
    async fn version(&self, key: &str) -> Result<Option<Version>> {
        match self.s3.head(&self.path(key)).await {
            Ok(found) => Ok(Some(found.e_tag)),
            Err(S3Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed(key, error)),
        }
    }

    /// Compares the state with what the service holds.
    pub(super) async fn measure(&self, state: &State) -> Result<Standing> {
        let here = |error| failed(&state.to, error);
        if state.sealed {
            let made = self.head(&state.to).await?;
            if made.is_some_and(|made| made.bytes == state.bytes()) {
                return Ok(Standing::Done);
            }
        }
        let Some(id) = state.multipart.as_ref().filter(|_| !state.parts.is_empty()) else {
            return Ok(Standing::Whole);
        };
        let held = self.raw.parts(&self.path(&state.to), id).await;
        let held = held.map_err(here)?;
        let is_held = |(index, tag): &(usize, &String)| {
            let number = index + 1;
            let first = held.partition_point(|part| part.number < number);
            // A part that took the place of another may be listed beside it (SeaweedFS).
            let mut candidates = held[first..]
                .iter()
                .take_while(|part| part.number == number);
            candidates.any(|part| {
                part.size == state.part_bytes
                    // Some services do not tell tags here.
                    && part.e_tag.as_ref().is_none_or(|held| bare(held) == bare(tag))
            })
        };
        let named = state.parts.iter().enumerate();
        let there = named.take_while(is_held).count();
        if there == state.parts.len() {
            return Ok(Standing::Whole);
        }
        let made = self.head(&state.to).await?;
        if made.is_some_and(|made| made.bytes == state.bytes()) {
            return Ok(Standing::Done);
        }
        tracing::error!(
            key = state.to,
            parts = state.parts.len(),
            parts_there = there,
            "the store has lost parts of an upload; is there a rule that deletes unfinished \
             multipart uploads too soon?"
        );
        Ok(Standing::Only(there))
    }
}

fn overtaken(key: &str) -> Error {
    Error::Overtaken {
        key: key.to_owned(),
    }
}

/// A tag without quotes.
fn bare(tag: &str) -> &str {
    tag.trim_matches('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_read_as_it_was_written() {
        let mut state = State::new("videos/originals/a.mp4", 5 << 20);
        state.multipart = Some("id/with\"odd\nletters".into());
        state.parts = vec!["\"a\"".into(), "b-1".into()];
        state.tail = Bytes::from_static(b"\n{}tail\n");
        let read = State::read(state.write().unwrap()).unwrap();
        assert_eq!(read.to, state.to);
        assert_eq!(read.multipart, state.multipart);
        assert_eq!(read.parts, state.parts);
        assert_eq!(read.tail, state.tail);
        assert_eq!(read.bytes(), 2 * (5 << 20) + 8);
    }

    #[test]
    fn what_is_no_state_is_refused() {
        let whole = State::new("a", 1).write().unwrap();
        assert!(State::read(whole.clone()).is_some());
        for wrong in [
            &b""[..],
            b"film",
            b"clipsy-upload-1 9999\n{}",
            &whole[..whole.len() - 1],
        ] {
            assert!(
                State::read(Bytes::copy_from_slice(wrong)).is_none(),
                "{wrong:?}"
            );
        }
    }

    #[test]
    fn what_is_lost_is_cut_off() {
        let mut state = State::new("a", 10);
        state.multipart = Some("id".into());
        state.parts = vec!["1".into(), "2".into()];
        state.tail = Bytes::from_static(b"xyz");
        state.cut(Standing::Whole);
        assert_eq!(state.bytes(), 23);
        state.cut(Standing::Only(1));
        assert_eq!((state.bytes(), state.multipart.is_some()), (10, true));
        state.cut(Standing::Only(0));
        assert_eq!((state.bytes(), state.multipart.is_some()), (0, false));
    }
}
