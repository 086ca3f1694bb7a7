//! What becomes of uploads: objects, parts of others, or nothing.

use bytes::BytesMut;
use futures_util::TryStreamExt as _;
use object_store::multipart::{MultipartStore as _, PartId};
use object_store::{Error as S3Error, ObjectStoreExt as _, PutPayload};

use super::Bucket;
use super::error::failed;
use super::state::{Standing, State};
use crate::media::{Error, Result};

impl Bucket {
    /// Bytes of the upload, as the service holds them.
    pub(super) async fn upload_bytes(&self, key: &str) -> Result<Option<u64>> {
        let Some(stored) = self.load(key).await? else {
            return Ok(None);
        };
        let state = stored.state;
        Ok(Some(match self.measure(&state).await? {
            Standing::Only(parts) => state.bytes_of(parts),
            Standing::Whole | Standing::Done => state.bytes(),
        }))
    }

    /// Completes the multipart upload, which goes to the right place already.
    pub(super) async fn move_upload(&self, key: &str, to: &str) -> Result<()> {
        let stored = self.load(key).await?;
        // An original never changes, so what is there was made before. Whatever lies at the
        // upload's place since is left over.
        if self.head(to).await?.is_some() {
            if let Some(stored) = stored {
                if stored.state.to != to || !stored.state.sealed {
                    self.abandon(&stored.state).await;
                }
                self.delete(key).await?;
            }
            return Ok(());
        }
        let missing = || Error::Missing {
            key: key.to_owned(),
        };
        let mut state = stored.ok_or_else(missing)?.state;
        state.cut(self.measure(&state).await?);
        if state.to == to {
            self.complete(&state).await?;
        } else {
            self.copy_together(std::slice::from_ref(&state), to).await?;
        }
        // Not before it is seen: until then the state is all that knows of the bytes.
        let made = self.head(to).await?;
        if made.is_none_or(|made| made.bytes != state.bytes()) {
            return Err(missing());
        }
        self.delete(key).await
    }

    /// Makes the object that the upload is going to be.
    async fn complete(&self, state: &State) -> Result<()> {
        let here = |error| failed(&state.to, error);
        let path = self.path(&state.to);
        let Some(id) = state.multipart.as_ref().filter(|_| !state.parts.is_empty()) else {
            return self.put(&state.to, state.tail.clone()).await;
        };
        let part = |tag: &String| PartId {
            content_id: tag.clone(),
        };
        let mut parts: Vec<PartId> = state.parts.iter().map(part).collect();
        if !state.tail.is_empty() {
            let tail = PutPayload::from_bytes(state.tail.clone());
            let last = self.s3.put_part(&path, id, parts.len(), tail).await;
            parts.push(last.map_err(here)?);
        }
        match self.s3.complete_multipart(&path, id, parts).await {
            Ok(_) => Ok(()),
            Err(error) => match self.head(&state.to).await? {
                // The answer to the first try was lost.
                Some(made) if made.bytes == state.bytes() => Ok(()),
                _ => Err(here(error)),
            },
        }
    }

    /// Makes an upload of the bytes of others. Those become objects first, since only objects can
    /// be read.
    pub(super) async fn concat(&self, parts: &[String], key: &str, to: &str) -> Result<()> {
        let mut sources = Vec::with_capacity(parts.len());
        for part in parts {
            let stored = self.load(part).await?;
            sources.push(stored.ok_or_else(|| Error::Missing { key: part.clone() })?);
        }
        let before = self.load(key).await?;
        let mut states = Vec::with_capacity(sources.len());
        for (part, stored) in parts.iter().zip(sources) {
            let (mut state, version) = (stored.state, stored.version);
            let standing = self.measure(&state).await?;
            if let Standing::Only(_) = standing {
                return Err(Error::Missing { key: part.clone() });
            }
            if standing != Standing::Done {
                if !state.sealed {
                    state.sealed = true;
                    self.save(part, &mut state, Some(&version)).await?;
                }
                self.complete(&state).await?;
            }
            states.push(state);
        }
        let mut whole = self.read_together(&states, to).await?;
        let version = before.as_ref().map(|before| before.version.clone());
        let saved = self.save(key, &mut whole, version.as_ref()).await;
        match (&saved, before) {
            (Ok(_), Some(before)) => self.abandon(&before.state).await,
            (Err(_), _) => self.abandon(&whole).await,
            _ => {}
        }
        saved.map(drop)
    }

    /// Reads the objects of `sources` into the parts of a new upload to `to`.
    async fn read_together(&self, sources: &[State], to: &str) -> Result<State> {
        let mut whole = State::new(to, self.part_bytes);
        match self.fill(sources, &mut whole).await {
            Ok(()) => Ok(whole),
            Err(error) => {
                self.abandon(&whole).await;
                Err(error)
            }
        }
    }

    async fn fill(&self, sources: &[State], whole: &mut State) -> Result<()> {
        let path = self.path(&whole.to);
        let full = whole.part_bytes as usize;
        let mut tail = BytesMut::new();
        for source in sources {
            let here = |error| failed(&source.to, error);
            let object = self.s3.get(&self.path(&source.to)).await.map_err(here)?;
            let mut chunks = object.into_stream();
            while let Some(mut chunk) = chunks.try_next().await.map_err(here)? {
                while !chunk.is_empty() {
                    let piece = chunk.split_to(chunk.len().min(full - tail.len()));
                    tail.extend_from_slice(&piece);
                    if tail.len() < full {
                        continue;
                    }
                    let id = if let Some(id) = &whole.multipart {
                        id.clone()
                    } else {
                        let id = self.s3.create_multipart(&path).await.map_err(here)?;
                        whole.multipart.insert(id).clone()
                    };
                    let part = PutPayload::from_bytes(tail.split().freeze());
                    let number = whole.parts.len();
                    let put = self.s3.put_part(&path, &id, number, part).await;
                    whole.parts.push(put.map_err(here)?.content_id);
                }
            }
        }
        whole.tail = tail.freeze();
        Ok(())
    }

    /// Makes the object `to` of uploads that were to become others.
    async fn copy_together(&self, sources: &[State], to: &str) -> Result<()> {
        for source in sources {
            self.complete(source).await?;
        }
        let whole = self.read_together(sources, to).await?;
        self.complete(&whole).await?;
        for source in sources {
            self.delete(&source.to).await?;
        }
        Ok(())
    }

    /// Deletes an upload and everything that only it knows of.
    pub(super) async fn delete_upload(&self, key: &str) -> Result<()> {
        match self.load(key).await {
            Ok(None) => return Ok(()),
            Ok(Some(stored)) => {
                let state = stored.state;
                if state.sealed {
                    self.delete(&state.to).await?;
                }
                self.abandon_or_fail(&state).await?;
            }
            // Nothing can be known of what is unreadable.
            Err(Error::Io { .. }) => {}
            Err(error) => return Err(error),
        }
        self.delete(key).await
    }

    /// Gives up the parts of an upload. If that fails they are swept later.
    async fn abandon(&self, state: &State) {
        if let Some(id) = &state.multipart {
            self.abort(&self.path(&state.to), id).await;
        }
    }

    async fn abandon_or_fail(&self, state: &State) -> Result<()> {
        let Some(id) = &state.multipart else {
            return Ok(());
        };
        match self.s3.abort_multipart(&self.path(&state.to), id).await {
            Ok(()) | Err(S3Error::NotFound { .. } | S3Error::PermissionDenied { .. }) => Ok(()),
            Err(error) => Err(failed(&state.to, error)),
        }
    }
}
