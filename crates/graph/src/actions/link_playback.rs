//! Making a link with which players that send no token can play one video.

use chrono::TimeDelta;
use clipsy_domain::asset::{Asset, AssetId};
use clipsy_domain::clock::{Timestamp, from_millis};
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

/// The prefix of a link for a viewer who may see the asset, and when it ends. Within a quarter of
/// an hour it is the same each time, so that browsers keep what they have loaded through it.
pub(crate) fn playback_prefix(
    app: &App,
    viewer: Viewer,
    asset: &Asset,
) -> Result<(String, Timestamp)> {
    const QUARTER_S: i64 = 15 * 60;
    let end = app.now().timestamp() + seconds(app, asset);
    let end = (end / QUARTER_S + 1) * QUARTER_S;
    let expires_at = from_millis(end.saturating_mul(1_000));
    Ok((prefix(app, viewer, asset.id, expires_at)?, expires_at))
}

/// Makes a link for whoever may see the video. It is good for as long as it takes to play it, and
/// then some.
pub(crate) async fn link_playback(app: &App, viewer: Viewer, id: AssetId) -> Result<PlaybackLink> {
    let asset = find_asset(app, viewer, id).await?;
    let expires_at = app.now() + TimeDelta::seconds(seconds(app, &asset));
    Ok(PlaybackLink {
        prefix: prefix(app, viewer, id, expires_at)?,
        asset,
        expires_at,
    })
}

/// How long a link is good for.
fn seconds(app: &App, asset: &Asset) -> i64 {
    let length_s = asset.duration_s.unwrap_or(0.0).ceil() as i64;
    app.settings.playback_ttl_s.saturating_add(length_s)
}

fn prefix(app: &App, viewer: Viewer, id: AssetId, expires_at: Timestamp) -> Result<String> {
    let issuer = &app.settings.issuer;
    let token = token::issue_link(&app.keys, issuer, id, viewer.user_id(), expires_at)?;
    Ok(format!("/media/s/{token}"))
}
