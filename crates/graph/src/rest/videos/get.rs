//! `GET /api/videos/{id}/`

use axum::Json;
use axum::extract::State;
use clipsy_http::Address;
use clipsy_service::accounts::session::{SignedIn, viewer};
use clipsy_service::videos::find_video::find_video;

use super::VideoName;
use super::json::VideoDetail;
use crate::app::App;
use crate::rest::answer::Answer;
use crate::rest::openapi::{Detail, TokenNotValid};

/// One video.
#[utoipa::path(
    get, path = "/api/videos/{id}/", tag = "videos", security((), ("bearer" = [])),
    params(("id" = i64, Path, description = "Number of the video, or the key of an unlisted video's link")),
    responses(
        (status = 200, description = "The video", body = VideoDetail),
        (status = 401, description = "Invalid token", body = TokenNotValid),
        (status = 404, description = "Not found, or not visible to the caller", body = Detail),
    )
)]
pub(crate) async fn get(
    State(app): State<App>,
    signed_in: Option<SignedIn>,
    address: Address,
    VideoName(named): VideoName,
) -> Answer<Json<VideoDetail>> {
    let viewer = viewer(signed_in.as_ref());
    let video = find_video(&app, viewer, &named).await?;
    Ok(Json(VideoDetail::of(video, viewer).at(&address)))
}
