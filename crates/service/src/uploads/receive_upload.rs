//! Receiving the bytes of a video in one go.

use bytes::Bytes;
use chrono::TimeDelta;
use clipsy_domain::media_key;
use clipsy_domain::upload::{Upload, UploadKind, UploadRole};
use clipsy_domain::user::UserId;

use crate::trace;

use crate::Service;
use crate::accounts::token;
use crate::error::{Error, Result};
use crate::uploads::reserve_bytes::{Reservation, allowance};
use crate::uploads::write_upload::{Pieces, Writer};

/// An upload on its way in. If it is dropped before [`Incoming::finish`], as when its sender goes
/// away, its bytes are deleted.
#[derive(Debug)]
pub struct Incoming {
    service: Service,
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
    service: &Service,
    owner_id: UserId,
    file_name: &str,
    file_type: &str,
    announced: Option<u64>,
) -> Result<Incoming> {
    let id = token::new_id();
    let now = service.now();
    let upload = Upload {
        id: id.clone(),
        owner_id,
        kind: UploadKind::Multipart,
        length: None,
        title: String::new(),
        description: String::new(),
        tags: Vec::new(),
        visibility: service.settings.default_visibility,
        filename: file_name.to_owned(),
        filetype: file_type.to_owned(),
        metadata: None,
        role: UploadRole::Whole,
        asset_id: None,
        created_at: now,
        expires_at: now + TimeDelta::hours(EXPIRY_H),
        trace: trace::current(),
    };
    // The row comes first, so that after a crash there are no bytes that nobody knows of.
    let allowance = allowance(service, owner_id).await?;
    let begun = service
        .db
        .begin_upload(&upload, Some(&service.settings.node), 0, &allowance);
    begun.await??;
    let opened = async {
        let mut reserved = Reservation::of(service, &upload, 0).await?;
        // As much as there is: the file is smaller than the form around it.
        if reserved.ahead(announced.unwrap_or(1)).await? == 0 {
            return Err(reserved.error());
        }
        let writer = Writer::open(service, &upload, None).await?;
        Ok((reserved, writer.all_or_nothing()))
    };
    let (reserved, writer) = match opened.await {
        Ok(opened) => opened,
        Err(error) => {
            discard_upload(service, &id).await;
            return Err(error);
        }
    };
    Ok(Incoming {
        service: service.clone(),
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
        let limit = self.service.settings.max_upload_bytes;
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

    /// Waits until everything is durable. From then on the bytes stay; [`finish_upload`](crate::uploads::finish_upload::finish_upload)
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
        discard_upload(&self.service, &self.id).await;
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if !self.discard {
            return;
        }
        let (service, id) = (self.service.clone(), std::mem::take(&mut self.id));
        let clean = async move { discard_upload(&service, &id).await };
        // Without a runtime the process is ending; the next start cleans up.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(clean);
        }
    }
}

/// Deletes the bytes and the row of an upload that came to nothing. What fails here is done at the
/// next start.
pub async fn discard_upload(service: &Service, id: &str) {
    if let Err(error) = service.media.delete(&media_key::upload(id)).await {
        tracing::warn!(%error, upload_id = id, "could not delete the bytes of an upload");
    }
    if let Err(error) = service.db.delete_upload(id).await {
        tracing::warn!(%error, upload_id = id, "could not forget an upload");
    }
}

/// Refuses an upload for which there is no room: `announced` bytes, if the sender said how many.
pub async fn check_room(service: &Service, announced: Option<u64>) -> Result<()> {
    let limit = service.settings.max_upload_bytes;
    if announced.is_some_and(|bytes| bytes > limit) {
        return Err(Error::TooLarge { limit });
    }
    let needed = service
        .settings
        .reserve_bytes
        .saturating_add(announced.unwrap_or(0));
    match service.media.free_bytes().await {
        Some(free) if free < needed => Err(Error::OutOfDisk),
        _ => Ok(()),
    }
}
