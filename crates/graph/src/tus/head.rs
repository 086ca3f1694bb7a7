//! `HEAD /api/uploads/{id}`: how far the upload is.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use clipsy_service::uploads::take_bytes::{Received, look};

use super::respond::{
    Result, UPLOAD_CONCAT, UPLOAD_DEFER_LENGTH, UPLOAD_LENGTH, UPLOAD_METADATA, empty,
    tell_progress,
};
use super::{check_version, viewer};
use crate::app::App;

pub(super) async fn head(app: &App, id: &str, request: Request) -> Result {
    let (parts, _) = request.into_parts();
    check_version(&parts.headers)?;
    let viewer = viewer(app, &parts).await?;
    let Received { upload, offset, .. } = look(app, viewer, id).await?;
    let mut response = empty(StatusCode::OK);
    tell_progress(&mut response, &upload, offset);
    match upload.length {
        Some(length) => tell(&mut response, UPLOAD_LENGTH, Some(&length.to_string())),
        None => tell(&mut response, UPLOAD_DEFER_LENGTH, Some("1")),
    }
    tell(&mut response, UPLOAD_METADATA, upload.metadata.as_deref());
    tell(&mut response, UPLOAD_CONCAT, upload.role.told());
    Ok(response)
}

fn tell(response: &mut Response, name: HeaderName, value: Option<&str>) {
    if let Some(Ok(value)) = value.map(HeaderValue::from_str) {
        response.headers_mut().insert(name, value);
    }
}
