//! `POST /api/uploads/`: a new upload, perhaps with its first bytes, or one put together of parts.

use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use clipsy_domain::upload::{Upload, UploadRole};
use clipsy_domain::user::Viewer;
use clipsy_http::Address;
use clipsy_http::body::Timed;
use clipsy_http::header::{announces_bytes, content_length};
use clipsy_service::UploadError;
use clipsy_service::error::{self, Error};
use clipsy_service::uploads::concat_uploads::concat_uploads;
use clipsy_service::uploads::create_upload::{NewUpload, create_upload};
use clipsy_service::uploads::delete_upload::delete_upload;
use clipsy_service::uploads::take_bytes::{Received, Sending, take_bytes};

use super::headers::{self, Length};
use super::metadata;
use super::patch::stop;
use super::respond::{Result, empty, tell_progress};
use super::sent::Sent;
use super::{check_bytes, check_version, viewer};
use crate::app::App;
use crate::auth::viewer::sender;

pub(super) async fn create(app: &App, request: Request) -> Result {
    let (parts, body) = request.into_parts();
    // How much may come is known later.
    let mut body = Timed::new(&parts.headers, body, &app.settings.upload_bodies(u64::MAX));
    let done = begin(app, &parts, &mut body).await;
    if done.is_err() {
        body.linger();
    }
    done
}

async fn begin(app: &App, parts: &Parts, body: &mut Timed) -> Result {
    check_version(&parts.headers)?;
    let viewer = viewer(app, parts).await?;
    let owner = viewer.user_id().ok_or(Error::NotSignedIn)?;
    let with_bytes = carries_bytes(parts)?;
    let concat = headers::text(&parts.headers, "upload-concat")?;
    let role = concat
        .map(metadata::concat)
        .transpose()?
        .unwrap_or_default();
    let new = new_upload(parts, role)?;
    if matches!(new.role, UploadRole::Joined { .. }) {
        if with_bytes {
            return Err(UploadError::Final.into());
        }
        let (upload, asset) = concat_uploads(app, viewer, owner, new).await?;
        let offset = asset.source_bytes.unsigned_abs();
        return Ok(created(parts, &upload, offset));
    }
    if !with_bytes {
        let upload = create_upload(app, owner, new).await?;
        return Ok(created(parts, &upload, 0));
    }
    if let (Some(length), Some(bytes)) = (new.length, content_length(&parts.headers))
        && bytes > length
    {
        return Err(Error::TooLarge { limit: length }.into());
    }
    let sending = Sending {
        offset: 0,
        length: headers::number(&parts.headers, "upload-length")?,
        announced: content_length(&parts.headers),
        checksum: headers::checksum(&parts.headers)?,
        sender: sender(app, parts),
        stop: stop(&parts.extensions),
    };
    let upload = create_upload(app, owner, new).await?;
    let id = upload.id.clone();
    match take_bytes(app, viewer, &id, &mut Sent(body), sending).await {
        Ok(received) => with_first_bytes(app, viewer, parts, received).await,
        Err(refusal) => {
            give_up(app, viewer, &id).await;
            Err(refusal)
        }
    }
}

/// If the first bytes fail entirely, the client does not know the upload, so it is deleted. If some
/// were stored, the client learns the offset.
async fn with_first_bytes(app: &App, viewer: Viewer, parts: &Parts, received: Received) -> Result {
    let Received {
        upload,
        offset,
        cut,
    } = received;
    match cut {
        Some(error) if offset == 0 || matches!(error, Error::TooLarge { .. }) => {
            give_up(app, viewer, &upload.id).await;
            Err(error.into())
        }
        _ => Ok(created(parts, &upload, offset)),
    }
}

async fn give_up(app: &App, viewer: Viewer, id: &str) {
    if let Err(error) = delete_upload(app, viewer, id).await {
        // It expires.
        tracing::warn!(%error, upload_id = id, "could not delete an upload");
    }
}

/// True if bytes come with the creation. A body of another type is refused.
fn carries_bytes(parts: &Parts) -> error::Result<bool> {
    let some = announces_bytes(&parts.headers);
    if some {
        check_bytes(&parts.headers)?;
    }
    Ok(some)
}

fn new_upload(parts: &Parts, role: UploadRole) -> error::Result<NewUpload> {
    let headers = &parts.headers;
    let joined = matches!(role, UploadRole::Joined { .. });
    let length = match (headers::length(headers)?, joined) {
        (Length::Unsaid, true) | (Length::Deferred, false) => None,
        (Length::Known(length), false) => Some(length),
        (_, true) => {
            let message = "The length of an upload that is put together is that of its parts.";
            return Err(Error::Parse(message.into()));
        }
        (Length::Unsaid, false) => {
            let message = "Upload-Length or Upload-Defer-Length: 1 is missing.";
            return Err(Error::Parse(message.into()));
        }
    };
    let raw = headers::text(headers, "upload-metadata")?;
    let metadata = metadata::metadata(raw.unwrap_or_default())?;
    Ok(NewUpload {
        length,
        file_name: metadata.file_name,
        file_type: metadata.file_type,
        title: metadata.title,
        description: metadata.description,
        tags: Vec::new(),
        visibility: metadata.visibility,
        metadata: raw.map(str::to_owned),
        role,
    })
}

fn created(parts: &Parts, upload: &Upload, offset: u64) -> Response {
    let mut response = empty(StatusCode::CREATED);
    tell_progress(&mut response, upload, offset);
    let address = Address::of(parts);
    let url = address.url(&format!("/api/uploads/{}", upload.id));
    if let Ok(url) = HeaderValue::try_from(url) {
        response.headers_mut().insert(header::LOCATION, url);
    }
    response
}
