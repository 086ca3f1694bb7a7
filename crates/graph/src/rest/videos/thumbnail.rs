//! `PUT` and `DELETE /api/videos/{id}/thumbnail/`

use axum::Json;
use axum::extract::{Request, State};
use clipsy_domain::photo::MOST_BYTES;
use clipsy_http::Address;
use clipsy_http::body::{self, read_all};
use clipsy_service::accounts::session::SignedIn;
use clipsy_service::videos::choose_thumbnail::{bring_thumbnail, reset_thumbnail};

use super::VideoId;
use super::json::VideoDetail;
use crate::app::App;
use crate::rest::answer::{Answer, unread};
use crate::rest::openapi::{Detail, TokenNotValid};

/// Make a picture of one's own the poster of a video: the bytes of a JPEG, PNG or WebP of at most 10 MiB and
/// 40 megapixels. It is kept with 1280 pixels on its longer side.
#[utoipa::path(
    put, path = "/api/videos/{id}/thumbnail/", tag = "videos", security(("bearer" = [])),
    params(("id" = i64, Path, description = "Number of the video")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 200, description = "The video as it is now", body = VideoDetail),
        (status = 400, description = "It is no such picture, or is damaged", body = Detail),
        (status = 401, description = "Not signed in", body = TokenNotValid),
        (status = 403, description = "It is somebody else's", body = Detail),
        (status = 404, description = "There is none, or it is private", body = Detail),
        (status = 413, description = "It has too many bytes", body = Detail),
        (status = 503, description = "Too many pictures are being made; see `Retry-After`", body = Detail),
    )
)]
pub(crate) async fn put(
    State(app): State<App>,
    signed_in: SignedIn,
    address: Address,
    VideoId(id): VideoId,
    request: Request,
) -> Answer<Json<VideoDetail>> {
    let (parts, body) = request.into_parts();
    let limits = body::Limits {
        bytes: MOST_BYTES,
        ..app.settings.small_bodies()
    };
    // Only read for those who may do this.
    let picture = async {
        read_all(&parts.headers, body, &limits)
            .await
            .map_err(unread)
    };
    let video = bring_thumbnail(&app, signed_in.viewer(), id, picture).await?;
    Ok(Json(
        VideoDetail::of(video, signed_in.viewer()).at(&address),
    ))
}

/// Make the picture that was made with a video its poster again.
#[utoipa::path(
    delete, path = "/api/videos/{id}/thumbnail/", tag = "videos", security(("bearer" = [])),
    params(("id" = i64, Path, description = "Number of the video")),
    responses(
        (status = 200, description = "The video as it is now", body = VideoDetail),
        (status = 401, description = "Not signed in", body = TokenNotValid),
        (status = 403, description = "It is somebody else's", body = Detail),
        (status = 404, description = "There is none, or it is private", body = Detail),
    )
)]
pub(crate) async fn delete(
    State(app): State<App>,
    signed_in: SignedIn,
    address: Address,
    VideoId(id): VideoId,
) -> Answer<Json<VideoDetail>> {
    let video = reset_thumbnail(&app, signed_in.viewer(), id).await?;
    Ok(Json(
        VideoDetail::of(video, signed_in.viewer()).at(&address),
    ))
}
