//! Making a link with which players that send no token can play one video.

use chrono::TimeDelta;
use clipsy_domain::asset::{Asset, AssetId};
use clipsy_domain::clock::{Timestamp, from_millis};

use crate::Service;
use crate::accounts::session::{SignedIn, viewer};
use crate::accounts::token::{self, Link};
use crate::error::Result;
use crate::videos::find_video::{Named, find_named};

/// A path prefix that stands in for `/media` and opens one video for a while.
#[derive(Debug, Clone)]
pub struct PlaybackLink {
    /// The video.
    pub asset: Asset,
    /// E.g. `/media/s/eyJ…`, without a slash at the end.
    pub prefix: String,
    /// When the prefix stops being good.
    pub expires_at: Timestamp,
}

/// Whose right a link stands for: that of a session, that of whoever has the video's link, or none but
/// what everybody may.
#[derive(Debug, Clone, Copy)]
enum Right<'a> {
    Session(&'a SignedIn),
    Key(&'a str),
    Everybody,
}

/// The prefix of a link for somebody signed in who may see the asset, and when it ends. Within a quarter of
/// an hour it is the same each time, so that browsers keep what they have loaded through it.
pub fn playback_prefix(
    service: &Service,
    signed_in: Option<&SignedIn>,
    asset: &Asset,
) -> Result<(String, Timestamp)> {
    const QUARTER_S: i64 = 15 * 60;
    let end = service.now().timestamp() + seconds(service, asset);
    let end = (end / QUARTER_S + 1) * QUARTER_S;
    let expires_at = from_millis(end.saturating_mul(1_000));
    let right = signed_in.map_or(Right::Everybody, Right::Session);
    Ok((prefix(service, right, asset.id, expires_at)?, expires_at))
}

/// Makes a link for whoever may see the video. It is good for as long as it takes to play it, and
/// then some, but no longer than the session that it was made in.
pub async fn link_playback(
    service: &Service,
    signed_in: Option<&SignedIn>,
    named: &Named,
) -> Result<PlaybackLink> {
    let viewer = viewer(signed_in);
    let asset = find_named(service, viewer, named).await?;
    let expires_at = service.now() + TimeDelta::seconds(seconds(service, &asset));
    let right = match (signed_in, named) {
        (Some(signed_in), _) if viewer.may_manage(&asset) => Right::Session(signed_in),
        (_, Named::Key(key)) => Right::Key(key),
        (_, Named::Number(_)) => Right::Everybody,
    };
    Ok(PlaybackLink {
        prefix: prefix(service, right, asset.id, expires_at)?,
        asset,
        expires_at,
    })
}

/// How long a link is good for.
fn seconds(service: &Service, asset: &Asset) -> i64 {
    let length_s = asset.duration_s.unwrap_or(0.0).ceil() as i64;
    service.settings.playback_ttl_s.saturating_add(length_s)
}

fn prefix(
    service: &Service,
    right: Right<'_>,
    id: AssetId,
    expires_at: Timestamp,
) -> Result<String> {
    let (session, key) = match right {
        Right::Session(signed_in) => (Some(signed_in.session_id.as_str()), None),
        Right::Key(key) => (None, Some(key)),
        Right::Everybody => (None, None),
    };
    let link = Link {
        asset: id,
        session,
        key,
    };
    let token = token::issue_link(
        &service.accounts.keys,
        &service.settings.issuer,
        link,
        expires_at,
    )?;
    Ok(format!("/media/s/{token}"))
}
