//! `POST /api/videos/{id}/retry/`

use axum::Json;
use axum::extract::State;
use clipsy_http::Address;
use clipsy_service::accounts::session::SignedIn;
use clipsy_service::videos::retry_video::retry_video;

use super::VideoId;
use super::json::VideoDetail;
use crate::app::App;
use crate::rest::answer::Answer;
use crate::rest::openapi::{Detail, TokenNotValid};

/// Process a video again that failed or was cancelled.
#[utoipa::path(
    post, path = "/api/videos/{id}/retry/", tag = "videos", security(("bearer" = [])),
    params(("id" = i64, Path, description = "Number of the video")),
    responses(
        (status = 200, description = "The updated video", body = VideoDetail),
        (status = 401, description = "Not signed in", body = TokenNotValid),
        (status = 403, description = "It belongs to another account", body = Detail),
        (status = 404, description = "Not found, or private", body = Detail),
        (status = 409, description = "It cannot be retried in its state", body = Detail),
    )
)]
pub(crate) async fn retry(
    State(app): State<App>,
    signed_in: SignedIn,
    address: Address,
    VideoId(id): VideoId,
) -> Answer<Json<VideoDetail>> {
    let video = retry_video(&app, signed_in.viewer(), id).await?;
    Ok(Json(
        VideoDetail::of(video, signed_in.viewer()).at(&address),
    ))
}
