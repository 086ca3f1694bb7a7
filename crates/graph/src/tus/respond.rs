//! Answers: what they all carry.

use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::http::header::{ALLOW, CACHE_CONTROL};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use clipsy_domain::asset::AssetId;
use clipsy_domain::upload::Upload;
use clipsy_service::UploadError;
use clipsy_service::error::Error;
use clipsy_service::uploads::take_bytes::Refusal;

use super::{VERSION, cors};

use crate::rest::answer::Refused;

pub(super) const TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
pub(super) const TUS_VERSION: HeaderName = HeaderName::from_static("tus-version");
pub(super) const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
pub(super) const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
pub(super) const UPLOAD_DEFER_LENGTH: HeaderName = HeaderName::from_static("upload-defer-length");
pub(super) const UPLOAD_METADATA: HeaderName = HeaderName::from_static("upload-metadata");
pub(super) const UPLOAD_CONCAT: HeaderName = HeaderName::from_static("upload-concat");
const UPLOAD_EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
const CLIPSY_VIDEO_ID: HeaderName = HeaderName::from_static("clipsy-video-id");

/// An answer, or why there is none.
pub(crate) type Result<T = Response> = std::result::Result<T, Refusal>;

/// Makes the answer what every answer is. `allowed` are the methods of the address.
pub(super) fn answer(done: Result, allowed: &[Method]) -> Response {
    let mut response = match done {
        Ok(response) => response,
        Err(refusal) => refuse(refusal, allowed),
    };
    let headers = response.headers_mut();
    // Responses to OPTIONS need only the list of versions.
    if !headers.contains_key(TUS_VERSION) || headers.contains_key(TUS_RESUMABLE) {
        headers.insert(TUS_RESUMABLE, HeaderValue::from_static(VERSION));
    }
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    cors::open(headers);
    response
}

fn refuse(refusal: Refusal, allowed: &[Method]) -> Response {
    let Refusal { error, offset } = refusal;
    let version = matches!(error, Error::Upload(UploadError::Version));
    let method = matches!(error, Error::Method(_));
    let mut response = Refused(error).into_response();
    let headers = response.headers_mut();
    if version {
        headers.insert(TUS_VERSION, HeaderValue::from_static(VERSION));
        headers.insert(TUS_RESUMABLE, HeaderValue::from_static(VERSION));
    }
    if method {
        let names: Vec<&str> = allowed.iter().map(Method::as_str).collect();
        if let Ok(names) = HeaderValue::try_from(names.join(", ")) {
            headers.insert(ALLOW, names);
        }
    }
    if let Some(offset) = offset {
        headers.insert(UPLOAD_OFFSET, offset.into());
    }
    response
}

/// An answer without a body.
pub(super) fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// Says how far the upload is, and what it has become or when it ends.
pub(super) fn tell_progress(response: &mut Response, upload: &Upload, offset: u64) {
    let headers = response.headers_mut();
    headers.insert(UPLOAD_OFFSET, offset.into());
    match upload.asset_id {
        Some(id) => tell_video(response, id),
        None => {
            if let Some(date) = http_date(upload.expires_at.timestamp_millis()) {
                headers.insert(UPLOAD_EXPIRES, date);
            }
        }
    }
}

/// Names the video that an upload has become.
fn tell_video(response: &mut Response, id: AssetId) {
    response.headers_mut().insert(CLIPSY_VIDEO_ID, id.into());
}

/// A moment as HTTP has it (RFC 9110 section 5.6.7).
fn http_date(millis: i64) -> Option<HeaderValue> {
    let since = Duration::from_millis(u64::try_from(millis).ok()?);
    let time = SystemTime::UNIX_EPOCH.checked_add(since)?;
    HeaderValue::try_from(httpdate::fmt_http_date(time)).ok()
}
