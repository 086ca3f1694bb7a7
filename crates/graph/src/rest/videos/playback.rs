//! `POST /api/videos/{id}/playback/`

use axum::Json;
use axum::extract::State;
use clipsy_domain::media_key;
use clipsy_http::Address;
use clipsy_service::accounts::session::SignedIn;
use clipsy_service::videos::link_playback::link_playback;
use serde::Serialize;
use utoipa::ToSchema;

use super::VideoName;
use super::json::time;
use crate::app::App;
use crate::rest::answer::Answer;
use crate::rest::openapi::{Detail, TokenNotValid};

/// Paths for players that send no token. Anyone who has them can play the video.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlaybackPaths {
    /// Prefix that replaces `/media` in all paths of this video.
    prefix: String,
    /// Multivariant playlist; the files it refers to are accessible too.
    #[schema(required)]
    hls_playlist: Option<String>,
    /// Poster image.
    #[schema(required)]
    thumbnail: Option<String>,
    /// Storyboard.
    #[schema(required)]
    storyboard: Option<String>,
    /// The original file.
    original: String,
    /// When the paths expire.
    #[schema(format = DateTime)]
    expires_at: String,
}

/// Get temporary paths that play a video without a token.
#[utoipa::path(
    post, path = "/api/videos/{id}/playback/", tag = "videos", security((), ("bearer" = [])),
    params(("id" = i64, Path, description = "Number of the video, or the key of an unlisted video's link")),
    responses(
        (status = 200, description = "The paths", body = PlaybackPaths),
        (status = 401, description = "Invalid token", body = TokenNotValid),
        (status = 404, description = "Not found, or not visible to the caller", body = Detail),
    )
)]
pub(crate) async fn playback(
    State(app): State<App>,
    signed_in: Option<SignedIn>,
    address: Address,
    VideoName(named): VideoName,
) -> Answer<Json<PlaybackPaths>> {
    let link = link_playback(&app, signed_in.as_ref(), &named).await?;
    let asset = &link.asset;
    let below = |path: String| address.path(&media_key::behind(&link.prefix, &path));
    Ok(Json(PlaybackPaths {
        hls_playlist: asset.playable.then(|| below(media_key::master_url(asset))),
        thumbnail: media_key::thumbnail_url(asset).map(below),
        storyboard: asset
            .has_storyboard
            .then(|| below(media_key::storyboard_url(asset))),
        original: below(media_key::original_url(asset)),
        expires_at: time(link.expires_at),
        prefix: address.path(&link.prefix),
    }))
}
