//! Captions for players: whole, and cut into the same segments as the video.
//!
//! Nothing of this is stored but the file of captions itself. Playlists are those of the highest rendition with
//! other addresses, and segments are cut when they are asked for, so that captions come and go without touching
//! what was encoded.

use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{HeaderValue, Method};
use axum::response::Response;
use bytes::Bytes;
use clipsy_captions::{Captions, MOST_WRITTEN, Window, first_picture};
use clipsy_domain::asset::{Asset, AssetState};
use clipsy_domain::captions::{CaptionKind, CaptionTrack};
use clipsy_domain::media_key::{self, CaptionFile};
use clipsy_domain::playlist;
use clipsy_http::file::Facts;
use clipsy_service::accounts::keys::hex;
use clipsy_service::error::{Error, Result};
use clipsy_service::videos::find_video::renditions;
use clipsy_service::videos::mime;
use futures_util::StreamExt as _;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use sha2::{Digest as _, Sha256};

use super::objects::{Found, InMemory, Output};
use super::{cache_control, respond};
use crate::app::App;

/// How much of a segment is read to find its first picture, in bytes. Tables and the first sound come before it.
const HEAD: u64 = 256 << 10;
/// Captions that are kept ready to be cut, in bytes of text.
const KEPT: u64 = 32 << 20;

/// Captions by output and file, with where they are cut.
#[derive(Debug)]
pub(crate) struct Cuts(Cache<String, Arc<Cut>, Weight>);

/// What segments are cut from.
#[derive(Debug)]
struct Cut {
    captions: Captions,
    /// Where each segment ends, in microseconds.
    ends: Vec<u64>,
    mpeg_start: u64,
    bytes: usize,
}

#[derive(Debug, Clone)]
struct Weight;

impl Weighter<String, Arc<Cut>> for Weight {
    fn weight(&self, key: &String, cut: &Arc<Cut>) -> u64 {
        // A cue takes more than its letters.
        (key.len() + 2 * cut.bytes + 8 * cut.ends.len() + 64 * cut.captions.cues().len()) as u64
    }
}

impl Default for Cuts {
    fn default() -> Self {
        Self(Cache::with_weighter(256, KEPT, Weight))
    }
}

/// The multivariant playlist with the asset's captions, of which there are some.
pub(super) async fn multivariant(
    app: &App,
    parts: &Parts,
    asset: &Asset,
    output: Output<'_>,
    cache: &HeaderValue,
) -> Result<Response> {
    let text = listed(app, asset, output, media_key::MASTER).await?;
    let text = playlist::with_captions(&text, &asset.captions);
    Ok(send(app, parts, asset, mime::PLAYLIST, text, cache))
}

/// A playlist or a segment of captions. `revision` is that of the address, which is the output's if there is one.
pub(super) async fn file(
    app: &App,
    parts: &Parts,
    asset: &Asset,
    output: Output<'_>,
    revision: Option<&str>,
    (language, kind, file): (&str, CaptionKind, CaptionFile),
    private: bool,
) -> Result<Response> {
    let track = asset.caption(language, kind).ok_or(Error::NotFound)?;
    match file {
        CaptionFile::Playlist if revision.is_none() => {
            let text = listed(app, asset, output, &rendition(app, asset).await?.0).await?;
            let text = playlist::captions_playlist(&text, &track.name, output.revision);
            let cache = cache_control(false, private);
            Ok(send(app, parts, asset, mime::PLAYLIST, text, &cache))
        }
        CaptionFile::Segment { name, index } if name == track.name => {
            let cut = cut(app, asset, output, track).await?;
            let index = usize::try_from(index).map_err(|_| Error::NotFound)?;
            let end_us = *cut.ends.get(index).ok_or(Error::NotFound)?;
            let window = Window {
                start_us: index.checked_sub(1).map_or(0, |before| cut.ends[before]),
                end_us,
                mpeg_start: cut.mpeg_start,
            };
            let text = cut.captions.segment(&window);
            let ready = asset.state == AssetState::Ready;
            let cache = cache_control(ready && revision.is_some(), private);
            Ok(send(app, parts, asset, mime::VTT, text, &cache))
        }
        CaptionFile::Playlist | CaptionFile::Segment { .. } => Err(Error::NotFound),
    }
}

/// Captions of an asset as they are stored, by the name of their file.
pub(crate) async fn whole(
    app: &App,
    parts: &Parts,
    asset: &Asset,
    name: &str,
    cache: &HeaderValue,
) -> Result<Response> {
    let track = asset.captions.iter().find(|track| track.name == name);
    let track = track.ok_or(Error::NotFound)?;
    let key = media_key::captions(asset.id, &track.name);
    let content_type = HeaderValue::from_static(mime::VTT);
    let (method, headers) = (&parts.method, &parts.headers);
    respond::stored(method, headers, &*app.media, &key, content_type, cache).await
}

/// The media playlist of the highest rendition and its first segment, as files of the output. Segments are the same
/// in all renditions.
async fn rendition(app: &App, asset: &Asset) -> Result<(String, String)> {
    let known = renditions(app, std::iter::once(asset)).await?;
    let highest = known.get(&asset.id).and_then(|all| all.first());
    let rung = &highest.ok_or(Error::NotFound)?.rung;
    Ok((media_key::playlist(rung), media_key::segment(rung, 0)))
}

/// The text of a playlist of the output.
async fn listed(app: &App, asset: &Asset, output: Output<'_>, file: &str) -> Result<String> {
    let content_type = HeaderValue::from_static(mime::PLAYLIST);
    let found = if asset.state == AssetState::Ready {
        app.objects
            .get(&app.media, output, file, &content_type)
            .await?
    } else {
        output.read(&app.media, file, &content_type).await?
    };
    match found {
        Found::InMemory(held) => {
            let text = str::from_utf8(&held.bytes).map_err(Error::internal)?;
            Ok(text.to_owned())
        }
        Found::Nothing => Err(Error::NotFound),
        Found::Large(_) => Err(Error::internal(format!("{file} is too large"))),
    }
}

/// Captions with where they are cut. Those of outputs that are finished never change, so they are kept.
async fn cut(
    app: &App,
    asset: &Asset,
    output: Output<'_>,
    track: &CaptionTrack,
) -> Result<Arc<Cut>> {
    // The name is that of one file for ever, and the key of the output that of one output.
    let key = format!(
        "{}{}",
        output.key(&track.name),
        output.revision.unwrap_or_default()
    );
    let ready = asset.state == AssetState::Ready && output.revision.is_some();
    if ready && let Some(kept) = app.cuts.0.get(&key) {
        return Ok(kept);
    }
    let (list, first) = rendition(app, asset).await?;
    let text = listed(app, asset, output, &list).await?;
    let broken = || Error::internal(format!("{} is no playlist of ours", output.key(&list)));
    let ends = playlist::segment_ends(&text).ok_or_else(broken)?;
    let head = read(app, &output.key(&first), Some(HEAD)).await?;
    let mpeg_start = first_picture(&head)
        .ok_or_else(|| Error::internal(format!("{} has no picture", output.key(&first))))?;
    let file = read(app, &media_key::captions(asset.id, &track.name), None).await?;
    let text = str::from_utf8(&file).map_err(Error::internal)?;
    let cut = Arc::new(Cut {
        captions: Captions::parse(text).map_err(Error::internal)?,
        ends,
        mpeg_start,
        bytes: file.len(),
    });
    if ready {
        app.cuts.0.insert(key, Arc::clone(&cut));
    }
    Ok(cut)
}

/// The first bytes of an object, or all of them.
async fn read(app: &App, key: &str, most: Option<u64>) -> Result<Bytes> {
    let range = most.map(|most| 0..most);
    let object = app.media.get(key, range).await?;
    let mut body = object.ok_or(Error::NotFound)?.body;
    let mut bytes = Vec::new();
    while let Some(chunk) = body.next().await {
        bytes.extend_from_slice(&chunk.map_err(Error::internal)?);
        if bytes.len() > MOST_WRITTEN {
            return Err(Error::internal(format!("{key} is too large")));
        }
    }
    Ok(bytes.into())
}

/// Answers with a text that was made for this request.
fn send(
    app: &App,
    parts: &Parts,
    asset: &Asset,
    content_type: &'static str,
    text: String,
    cache: &HeaderValue,
) -> Response {
    let changed = if asset.state == AssetState::Ready {
        asset.updated_at
    } else {
        // Playlists grow meanwhile.
        app.now()
    };
    let hash = Sha256::digest(text.as_bytes());
    let etag = hex(&hash[..16]);
    let content_type = HeaderValue::from_static(content_type);
    let modified_s = u64::try_from(changed.timestamp()).unwrap_or(0);
    let made = InMemory {
        facts: Facts::new(text.len() as u64, modified_s, &etag, content_type),
        bytes: text.into(),
    };
    let method: &Method = &parts.method;
    respond::held(method, &parts.headers, &made, cache)
}
