//! Receiving the bytes of a video in one go.

use bytes::Bytes;
use chrono::TimeDelta;
use clipsy_domain::media_key;
use clipsy_domain::upload::{Upload, UploadKind};
use clipsy_domain::user::UserId;
use clipsy_service::trace;

use super::reserve_bytes::{Reservation, allowance};
use super::write_upload::{Pieces, Writer};
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
    pieces: Pieces,
    /// What the account may still take.
    reserved: Reservation,
    writer: Writer,
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

/// An upload that breaks off without anybody noticing is given up after this time in hours.
const EXPIRY_H: i64 = 24;

/// Begins an upload. `file_name` and `file_type` are what the sender says, who sends at most
/// `announced` bytes, if that is known.
pub async fn receive_upload(
    app: &App,
    owner_id: UserId,
    file_name: &str,
    file_type: &str,
    announced: Option<u64>,
) -> Result<Incoming> {
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
        trace: trace::current(),
    };
    // The row comes first, so that after a crash there are no bytes that nobody knows of.
    let allowance = allowance(app, owner_id).await?;
    let begun = app
        .db
        .begin_upload(&upload, Some(&app.settings.node), 0, &allowance);
    begun.await??;
    let opened = async {
        let mut reserved = Reservation::of(app, &upload, 0).await?;
        // As much as there is: the file is smaller than the form around it.
        if reserved.ahead(announced.unwrap_or(1)).await? == 0 {
            return Err(reserved.error());
        }
        let writer = Writer::open(app, &upload, None).await?;
        Ok((reserved, writer.all_or_nothing()))
    };
    let (reserved, writer) = match opened.await {
        Ok(opened) => opened,
        Err(error) => {
            discard_upload(app, &id).await;
            return Err(error);
        }
    };
    Ok(Incoming {
        app: app.clone(),
        id,
        bytes: 0,
        pieces: Pieces::default(),
        reserved,
        writer,
        discard: true,
    })
}

impl Incoming {
    /// Hands bytes over. Waits while the disk is slower than the sender.
    pub async fn write(&mut self, chunk: Bytes) -> Result<()> {
        let bytes = self.bytes + chunk.len() as u64;
        let limit = self.app.settings.max_upload_bytes;
        if bytes > limit {
            return Err(Error::TooLarge { limit });
        }
        let more = chunk.len() as u64;
        if self.reserved.ahead(more).await? < more {
            return Err(self.reserved.error());
        }
        self.reserved.came(more);
        self.bytes = bytes;
        self.pieces.take(chunk, &mut self.writer).await
    }

    /// Bytes so far, whether written or not.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Waits until everything is durable. From then on the bytes stay; [`super::finish_upload()`]
    /// makes a video of them.
    pub async fn finish(mut self) -> Result<Received> {
        self.pieces.write(&mut self.writer).await?;
        let bytes = self.writer.sync().await?;
        if bytes != self.bytes {
            return Err(Error::internal(format!(
                "upload {}: {bytes} of {} bytes are durable",
                self.id, self.bytes
            )));
        }
        self.discard = false;
        Ok(Received {
            upload_id: std::mem::take(&mut self.id),
            bytes,
        })
    }

    /// Deletes what there is, and comes back when that is done.
    pub async fn discard(mut self) {
        self.discard = false;
        discard_upload(&self.app, &self.id).await;
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if !self.discard {
            return;
        }
        let (app, id) = (self.app.clone(), std::mem::take(&mut self.id));
        let clean = async move { discard_upload(&app, &id).await };
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
