//! Receiving the bytes of a video in one go.

use bytes::{Bytes, BytesMut};
use chrono::TimeDelta;
use clipsy_domain::media_key;
use clipsy_domain::upload::{Upload, UploadKind};
use clipsy_domain::user::UserId;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::create_upload::{QuotaLeft, quota_left};
use super::write_upload::Writer;
use crate::app::App;
use crate::auth::token;
use crate::error::{Error, Result};

/// An upload on its way in. If it is dropped before [`Incoming::finish`], as when its sender goes
/// away, its bytes are deleted.
#[derive(Debug)]
pub struct Incoming {
    app: App,
    id: String,
    bytes: u64,
    /// Small chunks, until they are worth a write.
    small: BytesMut,
    /// What the account may still take.
    quota: Option<QuotaLeft>,
    /// Towards the task that writes; closed to end it.
    chunks: Option<mpsc::Sender<Bytes>>,
    writer: Option<JoinHandle<Result<Received>>>,
    /// False once somebody else answers for the bytes.
    discard: bool,
}

/// What arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Number of the upload.
    pub upload_id: String,
    /// Bytes, all of them durable.
    pub bytes: u64,
}

/// Chunks of fewer bytes are gathered, since each write costs a way to another thread and back.
const WORTH_A_WRITE: usize = 128 << 10;

/// Chunks of one upload that may wait to be written. The sender reads on meanwhile.
const WAITING: usize = 2;

/// An upload that breaks off without anybody noticing is given up after this time in hours.
const EXPIRY_H: i64 = 24;

/// Begins an upload. `file_name` and `file_type` are what the sender says.
pub async fn receive_upload(
    app: &App,
    owner_id: UserId,
    file_name: &str,
    file_type: &str,
) -> Result<Incoming> {
    let quota = quota_left(app, owner_id, None).await?;
    if let Some(left) = quota.filter(|left| left.bytes == 0) {
        return Err(left.error());
    }
    let id = token::new_id();
    let now = app.now();
    let upload = Upload {
        id: id.clone(),
        owner_id,
        kind: UploadKind::Multipart,
        length: None,
        title: String::new(),
        description: String::new(),
        visibility: app.settings.default_visibility,
        filename: file_name.to_owned(),
        filetype: file_type.to_owned(),
        metadata: None,
        concat: None,
        asset_id: None,
        created_at: now,
        expires_at: now + TimeDelta::hours(EXPIRY_H),
    };
    // The row comes first, so that after a crash there are no bytes that nobody knows of.
    app.db.insert_upload(&upload).await?;
    let (chunks, waiting) = mpsc::channel(WAITING);
    let mut incoming = Incoming {
        app: app.clone(),
        id: id.clone(),
        bytes: 0,
        small: BytesMut::new(),
        quota,
        chunks: Some(chunks),
        writer: None,
        discard: true,
    };
    let writer = Writer::open(app, &upload, None).await?.all_or_nothing();
    incoming.writer = Some(tokio::spawn(write_all(id, writer, waiting)));
    Ok(incoming)
}

impl Incoming {
    /// Hands bytes over. Waits while the disk is slower than the sender.
    pub async fn write(&mut self, chunk: Bytes) -> Result<()> {
        let bytes = self.bytes + chunk.len() as u64;
        let limit = self.app.settings.max_upload_bytes;
        if bytes > limit {
            return Err(Error::TooLarge { limit });
        }
        if let Some(left) = self.quota.filter(|left| bytes > left.bytes) {
            return Err(left.error());
        }
        self.bytes = bytes;
        if self.small.is_empty() && chunk.len() >= WORTH_A_WRITE {
            return self.pass_on(chunk).await;
        }
        if self.small.capacity() == 0 {
            self.small.reserve(2 * WORTH_A_WRITE);
        }
        self.small.extend_from_slice(&chunk);
        if self.small.len() < WORTH_A_WRITE {
            return Ok(());
        }
        let gathered = std::mem::take(&mut self.small).freeze();
        self.pass_on(gathered).await
    }

    async fn pass_on(&mut self, chunk: Bytes) -> Result<()> {
        if let Some(chunks) = &self.chunks
            && chunks.send(chunk).await.is_ok()
        {
            return Ok(());
        }
        // The writer only stops listening when it has failed.
        match self.join().await {
            Err(error) => Err(error),
            Ok(_) => Err(Error::internal("the upload was ended before")),
        }
    }

    /// Bytes so far, whether written or not.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Waits until everything is durable. From then on the bytes stay; [`super::finish_upload()`]
    /// makes a video of them.
    pub async fn finish(mut self) -> Result<Received> {
        if !self.small.is_empty() {
            let rest = std::mem::take(&mut self.small).freeze();
            self.pass_on(rest).await?;
        }
        let received = self.join().await?;
        if received.bytes != self.bytes {
            return Err(Error::internal(format!(
                "upload {}: {} of {} bytes are durable",
                self.id, received.bytes, self.bytes
            )));
        }
        self.discard = false;
        Ok(received)
    }

    /// Deletes what there is, and comes back when that is done.
    pub async fn discard(mut self) {
        self.discard = false;
        if let Some(writer) = self.writer.take() {
            writer.abort();
            // Not before the last write is over.
            let _ = writer.await;
        }
        discard_upload(&self.app, &self.id).await;
    }

    async fn join(&mut self) -> Result<Received> {
        self.chunks = None;
        let Some(writer) = self.writer.take() else {
            return Err(Error::internal("the upload has ended"));
        };
        writer.await.map_err(Error::internal)?
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if !self.discard {
            return;
        }
        let (app, id) = (self.app.clone(), std::mem::take(&mut self.id));
        let writer = self.writer.take();
        if let Some(writer) = &writer {
            writer.abort();
        }
        let clean = async move {
            if let Some(writer) = writer {
                // Not before the last write is over.
                let _ = writer.await;
            }
            discard_upload(&app, &id).await;
        };
        // Without a runtime the process is ending; the next start cleans up.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(clean);
        }
    }
}

/// Deletes the bytes and the row of an upload that came to nothing. What fails here is done at the
/// next start.
pub(super) async fn discard_upload(app: &App, id: &str) {
    if let Err(error) = app.media.delete(&media_key::upload(id)).await {
        tracing::warn!(%error, upload_id = id, "could not delete the bytes of an upload");
    }
    if let Err(error) = app.db.delete_upload(id).await {
        tracing::warn!(%error, upload_id = id, "could not forget an upload");
    }
}

/// Writes chunks as they come, and syncs at the end.
async fn write_all(
    upload_id: String,
    mut writer: Writer,
    mut chunks: mpsc::Receiver<Bytes>,
) -> Result<Received> {
    while let Some(chunk) = chunks.recv().await {
        writer.write(chunk).await?;
    }
    Ok(Received {
        upload_id,
        bytes: writer.sync().await?,
    })
}

/// Refuses an upload for which there is no room: `announced` bytes, if the sender said how many.
pub async fn check_room(app: &App, announced: Option<u64>) -> Result<()> {
    let limit = app.settings.max_upload_bytes;
    if announced.is_some_and(|bytes| bytes > limit) {
        return Err(Error::TooLarge { limit });
    }
    let needed = app
        .settings
        .reserve_bytes
        .saturating_add(announced.unwrap_or(0));
    match app.media.free_bytes().await {
        Some(free) if free < needed => Err(Error::OutOfDisk),
        _ => Ok(()),
    }
}
