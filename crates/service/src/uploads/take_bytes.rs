//! Taking bytes of an upload that can be resumed: who works on it, whether they fit, where they go, and
//! what the upload is then.

use std::net::IpAddr;

use clipsy_domain::upload::Upload;
use clipsy_domain::user::Viewer;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::trace;

use super::error::UploadError;
use super::lock::LockHeld;
use super::places;
use crate::Service;
use crate::error::Error;
use crate::uploads::Source;
use crate::uploads::append_upload::{Interrupts, append_upload};
use crate::uploads::checksum::Checksum;
use crate::uploads::create_upload::set_length;
use crate::uploads::find_upload::{durable_offset, find_upload, is_complete, is_final, is_partial};
use crate::uploads::finish_upload::finish_resumable;
use crate::uploads::receive_upload::check_room;
use crate::uploads::reserve_bytes::Reservation;

/// What became of a request, or why nothing did.
pub type Result<T> = std::result::Result<T, Refusal>;

/// Why a request was not fulfilled, and what its sender should know besides.
#[derive(Debug)]
pub struct Refusal {
    /// Why.
    pub error: Error,
    /// Bytes that the upload has, where that is known.
    pub offset: Option<u64>,
}

impl<E: Into<Error>> From<E> for Refusal {
    fn from(error: E) -> Self {
        let error = error.into();
        let offset = match &error {
            Error::Upload(UploadError::Offset { offset } | UploadError::TakenOver { offset }) => {
                Some(*offset)
            }
            _ => None,
        };
        Self { error, offset }
    }
}

/// What came of the bytes.
#[derive(Debug)]
pub struct Received {
    /// The upload as it is now.
    pub upload: Upload,
    /// Its bytes, durable.
    pub offset: u64,
    /// Why not all that was sent is among them.
    pub cut: Option<Error>,
}

/// What a sender says about its bytes.
#[derive(Debug)]
pub struct Sending {
    /// Where it goes on.
    pub offset: u64,
    /// The length of the whole upload, if it is told now.
    pub length: Option<u64>,
    /// How many bytes come, if that is told.
    pub announced: Option<u64>,
    /// What they have to come to.
    pub checksum: Option<Checksum>,
    /// Where they come from, if that has a share of the places.
    pub sender: Option<IpAddr>,
    /// Cancelled when the server stops.
    pub stop: CancellationToken,
}

/// Takes the upload over, appends the bytes, and finishes the upload if it is complete then.
pub async fn take_bytes(
    service: &Service,
    viewer: Viewer,
    id: &str,
    body: &mut impl Source,
    sending: Sending,
) -> Result<Received> {
    let received = take_over(service, viewer, id, body, &sending).await;
    if !matches!(received, Ok(Received { cut: None, .. })) {
        metrics::counter!("clipsy_upload_interruptions_total").increment(1);
        // The sender may be in the middle of the body, and would not see the answer.
        body.linger();
    }
    received
}

/// Says how far the upload is, and finishes it if it is complete. A sender that asks has lost its
/// connection, whether or not the server noticed: whoever still receives bytes of the upload lets go.
pub async fn look(service: &Service, viewer: Viewer, id: &str) -> Result<Received> {
    find_upload(service, viewer, id).await?;
    let _held = service.uploads.locks.take(id).await?;
    let upload = find_upload(service, viewer, id).await?;
    let offset = durable_offset(service, &upload).await?;
    // A sender that hears that all bytes are there does not come back, so it has to be true.
    let received = Received {
        upload,
        offset,
        cut: None,
    };
    finish(service, received).await
}

async fn take_over(
    service: &Service,
    viewer: Viewer,
    id: &str,
    body: &mut impl Source,
    sending: &Sending,
) -> Result<Received> {
    // Before it disturbs anybody.
    find_upload(service, viewer, id).await?;
    let held = service.uploads.locks.take(id).await?;
    let upload = find_upload(service, viewer, id).await?;
    if is_final(&upload) {
        return Err(UploadError::Final.into());
    }
    let offset = durable_offset(service, &upload).await?;
    if sending.offset != offset {
        return Err(UploadError::Offset { offset }.into());
    }
    let upload = with_length(service, upload, offset, sending.length).await?;
    let span = tracing::info_span!("receive", upload_id = id, offset);
    trace::join(&span, upload.trace.as_ref());
    let received = take(service, upload, offset, body, sending, &held).instrument(span);
    received.await
}

/// Appends what comes and finishes what is complete.
async fn take(
    service: &Service,
    upload: Upload,
    offset: u64,
    body: &mut impl Source,
    sending: &Sending,
    held: &LockHeld,
) -> Result<Received> {
    let received = if is_complete(&upload, offset) {
        // There may be no file any more to write to.
        body.set_limit(0, offset);
        body.next().await?;
        Received {
            upload,
            offset,
            cut: None,
        }
    } else {
        append(service, upload, offset, body, sending, held).await?
    };
    finish(service, received).await
}

/// Sets the length of an upload that began without one, if it is told now. It never changes again.
async fn with_length(
    service: &Service,
    upload: Upload,
    offset: u64,
    length: Option<u64>,
) -> Result<Upload> {
    let Some(length) = length else {
        return Ok(upload);
    };
    match upload.length {
        Some(known) if known.unsigned_abs() == length => Ok(upload),
        Some(_) => Err(Error::Parse("The length of an upload does not change.".into()).into()),
        None if length < offset => {
            Err(Error::Parse("Upload-Length is less than what is there.".into()).into())
        }
        None => Ok(set_length(service, &upload, length).await?),
    }
}

async fn append(
    service: &Service,
    upload: Upload,
    offset: u64,
    body: &mut impl Source,
    sending: &Sending,
    held: &LockHeld,
) -> Result<Received> {
    let refuse = |error: Error| Refusal {
        error,
        offset: Some(offset),
    };
    let mut limit = limit(service, &upload, offset).await?;
    let left = limit.bytes.saturating_sub(offset);
    body.set_limit(left, limit.bytes);
    let announced = sending.announced;
    if announced.is_some_and(|bytes| bytes > left) {
        return Err(refuse(limit.error()));
    }
    if let (Some(reserved), Some(bytes)) = (&mut limit.reserved, announced)
        && reserved.ahead(bytes).await? < bytes
    {
        return Err(refuse(reserved.error()));
    }
    check_room(service, announced).await.map_err(refuse)?;
    let _place = places::take(service, upload.owner_id, sending.sender).map_err(refuse)?;
    let interrupts = Interrupts {
        newer: held.asked(),
        stop: &sending.stop,
    };
    let checksum = sending.checksum.as_ref();
    let appended = append_upload(
        service,
        &upload,
        body,
        checksum,
        limit.reserved.as_mut(),
        interrupts,
    )
    .await?;
    // It may have been edited, and its end put off.
    let upload = service
        .db
        .upload(&upload.id)
        .await?
        .ok_or(Error::NotFound)?;
    let cut = appended.outcome.err().map(|error| match error {
        Error::TooLarge { .. } => limit.error(),
        // What a body that ends too early or falls silent comes to.
        Error::Parse(_) | Error::TooSlow => UploadError::BrokenOff {
            offset: appended.offset,
        }
        .into(),
        error => error,
    });
    Ok(Received {
        upload,
        offset: appended.offset,
        cut,
    })
}

/// Makes a video of an upload that is complete, unless it has become one or is only a part. The
/// caller holds its lock.
async fn finish(service: &Service, received: Received) -> Result<Received> {
    let Received {
        mut upload, offset, ..
    } = received;
    if is_complete(&upload, offset) && upload.asset_id.is_none() && !is_partial(&upload) {
        let finished = finish_resumable(service, &upload).await;
        let asset = finished.map_err(|error| Refusal {
            error,
            offset: Some(offset),
        })?;
        upload.asset_id = Some(asset.id);
    }
    Ok(Received { upload, ..received })
}

/// How many bytes an upload may have in all.
#[derive(Debug)]
struct Limit {
    bytes: u64,
    /// What is reserved as bytes come; `None` if all of it is.
    reserved: Option<Reservation>,
}

impl Limit {
    /// Why no more than these bytes are taken.
    fn error(&self) -> Error {
        Error::TooLarge { limit: self.bytes }
    }
}

async fn limit(service: &Service, upload: &Upload, offset: u64) -> Result<Limit> {
    Ok(match upload.length {
        // Size and room were looked at when it was told.
        Some(length) => Limit {
            bytes: length.unsigned_abs(),
            reserved: None,
        },
        None => Limit {
            bytes: service.settings.max_upload_bytes,
            reserved: Some(Reservation::of(service, upload, offset).await?),
        },
    })
}
