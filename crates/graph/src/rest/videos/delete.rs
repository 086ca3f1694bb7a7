//! `DELETE /api/videos/{id}/`

use axum::extract::State;
use axum::http::StatusCode;
use clipsy_service::accounts::session::SignedIn;
use clipsy_service::videos::delete_video::delete_video;

use super::VideoId;
use crate::app::App;
use crate::rest::answer::Answer;
use crate::rest::openapi::{Detail, TokenNotValid};

/// Delete a video with all its files. A job that runs is stopped.
#[utoipa::path(
    delete, path = "/api/videos/{id}/", tag = "videos", security(("bearer" = [])),
    params(("id" = i64, Path, description = "Number of the video")),
    responses(
        (status = 204, description = "Deleted"),
        (status = 401, description = "Not signed in", body = TokenNotValid),
        (status = 403, description = "It belongs to another account", body = Detail),
        (status = 404, description = "Not found, or private", body = Detail),
    )
)]
pub(crate) async fn delete(
    State(app): State<App>,
    signed_in: SignedIn,
    VideoId(id): VideoId,
) -> Answer<StatusCode> {
    delete_video(&app, signed_in.viewer(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}
