//! Bytes of an upload, in a `PATCH` or with its creation.

use std::net::IpAddr;

use axum::http::HeaderMap;
use clipsy_domain::upload::Upload;
use clipsy_domain::user::Viewer;
use clipsy_http::body::{Timed, announced};
use clipsy_service::trace;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::error::UploadError;
use super::headers::number;
use super::lock::Held;
use super::places;
use super::respond::{Refusal, Result};
use crate::actions::append_upload::{Interrupts, append_upload};
use crate::actions::checksum::Checksum;
use crate::actions::create_upload::set_length;
use crate::actions::find_upload::{durable_offset, find_upload, is_complete, is_final, is_partial};
use crate::actions::finish_upload::finish_resumable;
use crate::actions::receive_upload::check_room;
use crate::actions::reserve_bytes::Reservation;
use crate::app::App;
use crate::error::Error;

/// What came of the bytes.
#[derive(Debug)]
pub(super) struct Received {
    /// The upload as it is now.
    pub(super) upload: Upload,
    /// Its bytes, durable.
    pub(super) offset: u64,
    /// Why not all that was sent is among them.
    pub(super) cut: Option<Error>,
}

/// What a sender says about its bytes.
#[derive(Debug)]
pub(super) struct Sending<'a> {
    pub(super) headers: &'a HeaderMap,
    pub(super) offset: u64,
    pub(super) checksum: Option<Checksum>,
    /// Where they come from, if that has a share of the places.
    pub(super) sender: Option<IpAddr>,
    /// Cancelled when the server stops.
    pub(super) stop: CancellationToken,
}

/// Takes the upload over, appends the bytes, and finishes the upload if it is complete then.
pub(super) async fn receive(
    app: &App,
    viewer: Viewer,
    id: &str,
    body: &mut Timed,
    sending: Sending<'_>,
) -> Result<Received> {
    let received = take_over(app, viewer, id, body, &sending).await;
    if !matches!(received, Ok(Received { cut: None, .. })) {
        metrics::counter!("clipsy_upload_interruptions_total").increment(1);
        // The sender may be in the middle of the body, and would not see the answer.
        body.linger();
    }
    received
}

async fn take_over(
    app: &App,
    viewer: Viewer,
    id: &str,
    body: &mut Timed,
    sending: &Sending<'_>,
) -> Result<Received> {
    // Before it disturbs anybody.
    find_upload(app, viewer, id).await?;
    let held = app.locks.take(id).await?;
    let upload = find_upload(app, viewer, id).await?;
    if is_final(&upload) {
        return Err(UploadError::Final.into());
    }
    let offset = durable_offset(app, &upload).await?;
    if sending.offset != offset {
        return Err(UploadError::Offset { offset }.into());
    }
    let upload = with_length(app, upload, offset, sending.headers).await?;
    let span = tracing::info_span!("receive", upload_id = id, offset);
    trace::join(&span, upload.trace.as_ref());
    let received = take(app, upload, offset, body, sending, &held).instrument(span);
    received.await
}

/// Appends what comes and finishes what is complete.
async fn take(
    app: &App,
    upload: Upload,
    offset: u64,
    body: &mut Timed,
    sending: &Sending<'_>,
    held: &Held,
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
        append(app, upload, offset, body, sending, held).await?
    };
    finish(app, received).await
}

/// Sets the length of an upload that began without one, if it is told now. It never changes again.
async fn with_length(
    app: &App,
    upload: Upload,
    offset: u64,
    headers: &HeaderMap,
) -> Result<Upload> {
    let Some(length) = number(headers, "upload-length")? else {
        return Ok(upload);
    };
    match upload.length {
        Some(known) if known.unsigned_abs() == length => Ok(upload),
        Some(_) => Err(Error::Parse("The length of an upload does not change.".into()).into()),
        None if length < offset => {
            Err(Error::Parse("Upload-Length is less than what is there.".into()).into())
        }
        None => Ok(set_length(app, &upload, length).await?),
    }
}

async fn append(
    app: &App,
    upload: Upload,
    offset: u64,
    body: &mut Timed,
    sending: &Sending<'_>,
    held: &Held,
) -> Result<Received> {
    let refuse = |error: Error| Refusal {
        error,
        offset: Some(offset),
    };
    let mut limit = limit(app, &upload, offset).await?;
    let left = limit.bytes.saturating_sub(offset);
    body.set_limit(left, limit.bytes);
    let announced = announced(sending.headers);
    if announced.is_some_and(|bytes| bytes > left) {
        return Err(refuse(limit.error()));
    }
    if let (Some(reserved), Some(bytes)) = (&mut limit.reserved, announced)
        && reserved.ahead(bytes).await? < bytes
    {
        return Err(refuse(reserved.error()));
    }
    check_room(app, announced).await.map_err(refuse)?;
    let _place = places::take(app, upload.owner_id, sending.sender).map_err(refuse)?;
    let interrupts = Interrupts {
        newer: held.asked(),
        stop: &sending.stop,
    };
    let checksum = sending.checksum.as_ref();
    let appended = append_upload(
        app,
        &upload,
        body,
        checksum,
        limit.reserved.as_mut(),
        interrupts,
    )
    .await?;
    // It may have been edited, and its end put off.
    let upload = app.db.upload(&upload.id).await?.ok_or(Error::NotFound)?;
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
pub(super) async fn finish(app: &App, received: Received) -> Result<Received> {
    let Received {
        mut upload, offset, ..
    } = received;
    if is_complete(&upload, offset) && upload.asset_id.is_none() && !is_partial(&upload) {
        let finished = finish_resumable(app, &upload).await;
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

async fn limit(app: &App, upload: &Upload, offset: u64) -> Result<Limit> {
    Ok(match upload.length {
        // Size and room were looked at when it was told.
        Some(length) => Limit {
            bytes: length.unsigned_abs(),
            reserved: None,
        },
        None => Limit {
            bytes: app.settings.max_upload_bytes,
            reserved: Some(Reservation::of(app, upload, offset).await?),
        },
    })
}
