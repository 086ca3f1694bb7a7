//! Making a link with which players that send no token can play one video.

use chrono::TimeDelta;
use clipsy_domain::asset::{Asset, AssetId};
use clipsy_domain::clock::Timestamp;
use clipsy_domain::user::Viewer;

use super::find_video::find_asset;
use crate::app::App;
use crate::auth::token;
use crate::error::Result;

/// A path prefix that stands in for `/media` and opens one video for a while.
#[derive(Debug, Clone)]
pub(crate) struct PlaybackLink {
    pub(crate) asset: Asset,
    /// E.g. `/media/s/eyJ…`, without a slash at the end.
    pub(crate) prefix: String,
    pub(crate) expires_at: Timestamp,
}

/// Makes a link for whoever may see the video. It is good for as long as it takes to play it, and
/// then some.
pub(crate) async fn link_playback(app: &App, viewer: Viewer, id: AssetId) -> Result<PlaybackLink> {
    let asset = find_asset(app, viewer, id).await?;
    let length_s = asset.duration_s.unwrap_or(0.0).ceil() as i64;
    let seconds = app.settings.playback_ttl_s.saturating_add(length_s);
    let expires_at = app.now() + TimeDelta::seconds(seconds);
    let issuer = &app.settings.issuer;
    let token = token::issue_link(&app.keys, issuer, id, viewer.user_id(), expires_at)?;
    Ok(PlaybackLink {
        asset,
        prefix: format!("/media/s/{token}"),
        expires_at,
    })
}
