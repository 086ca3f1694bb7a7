//! `DELETE /api/uploads/{id}`: gives the upload up.

use axum::extract::Request;
use axum::http::StatusCode;
use clipsy_service::uploads::delete_upload::delete_upload;

use super::respond::{Result, empty};
use super::{check_version, viewer};
use crate::app::App;

pub(super) async fn delete(app: &App, id: &str, request: Request) -> Result {
    let (parts, _) = request.into_parts();
    check_version(&parts.headers)?;
    let viewer = viewer(app, &parts).await?;
    delete_upload(app, viewer, id).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}
