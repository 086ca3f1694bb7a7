//! `POST /api/videos/{id}/cancel/`

use axum::Json;
use axum::extract::State;
use clipsy_http::Address;
use clipsy_service::accounts::session::SignedIn;
use clipsy_service::videos::cancel_video::cancel_video;

use super::VideoId;
use super::json::VideoDetail;
use crate::app::App;
use crate::rest::answer::Answer;
use crate::rest::openapi::{Detail, TokenNotValid};

/// Stop the processing of a video.
#[utoipa::path(
    post, path = "/api/videos/{id}/cancel/", tag = "videos", security(("bearer" = [])),
    params(("id" = i64, Path, description = "Number of the video")),
    responses(
        (status = 200, description = "The updated video", body = VideoDetail),
        (status = 401, description = "Not signed in", body = TokenNotValid),
        (status = 403, description = "It belongs to another account", body = Detail),
        (status = 404, description = "Not found, or private", body = Detail),
        (status = 409, description = "It is neither queued nor being processed", body = Detail),
    )
)]
pub(crate) async fn cancel(
    State(app): State<App>,
    signed_in: SignedIn,
    address: Address,
    VideoId(id): VideoId,
) -> Answer<Json<VideoDetail>> {
    let video = cancel_video(&app, signed_in.viewer(), id).await?;
    Ok(Json(
        VideoDetail::of(video, signed_in.viewer()).at(&address),
    ))
}
