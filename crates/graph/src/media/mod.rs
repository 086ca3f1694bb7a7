//! Playback: `/media/…` as players ask for it.
//!
//! [`media_key::MediaPath`] says what a path names, [`clipsy_service::videos::access`] whether the caller may have it, and
//! [`respond`] sends it. Small files of videos that players ask for again and again come from
//! memory ([`objects`]); then no database and no disk is touched.

pub(crate) mod captions;
pub(crate) mod objects;
pub(crate) mod respond;

use std::borrow::Cow;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ALLOW, CACHE_CONTROL,
    CONTENT_LENGTH, LOCATION,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use clipsy_domain::asset::{Asset, AssetState};
use clipsy_domain::media_key::{self, MediaPath, Poster};
use clipsy_http::Client;
use clipsy_http::cors;
use clipsy_service::error::{Error, Result};
use clipsy_service::videos::access::{Access, Way, may_play};
use clipsy_service::videos::mime;
use objects::{Found, Output};
use percent_encoding::percent_decode_str;

use crate::app::App;
use crate::auth::viewer::authenticate;
use crate::rest::answer::Refused;
use crate::rest::openapi::Detail;

/// Media for players: playlists, segments, captions, images and originals. Private and unlisted media require
/// the bearer token of the owner or an admin, or the path of a playback link, `/media/s/{token}/…`;
/// unlisted media can also be read below `/media/v/{key}/…`, with the key of its link. Pages of all
/// origins may read it.
#[utoipa::path(
    get, path = "/media/{path}", tag = "media", security((), ("bearer" = [])),
    params(
        ("path" = String, Path, description = "E.g. `videos/processed/1/master.m3u8`"),
        ("Range" = Option<String>, Header, description = "One range of bytes"),
        ("If-Range" = Option<String>, Header, description = "ETag or date of the file that the range refers to"),
        ("If-None-Match" = Option<String>, Header, description = "ETags of the client's copies"),
        ("If-Modified-Since" = Option<String>, Header, description = "Date of the client's copy"),
    ),
    responses(
        (status = 200, description = "The file", content(
            ([u8] = "application/vnd.apple.mpegurl"),
            ([u8] = "video/mp2t"),
            ([u8] = "text/vtt"),
            ([u8] = "image/jpeg"),
        )),
        (status = 302, description = "Redirect to the media store, if the server is configured to"),
        (status = 206, description = "The range", content_type = "video/mp2t", body = [u8]),
        (status = 304, description = "Not modified"),
        (status = 404, description = "Not found, or not visible to the caller", body = Detail),
        (status = 416, description = "Range not satisfiable"),
    )
)]
pub(crate) async fn serve(State(app): State<App>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let mut response = match parts.method {
        Method::GET | Method::HEAD => find(&app, &parts).await.unwrap_or_else(|error| {
            let mut response = Refused(error).into_response();
            let never = HeaderValue::from_static("no-store");
            response.headers_mut().insert(CACHE_CONTROL, never);
            response
        }),
        Method::OPTIONS => preflight(&parts.headers),
        ref other => {
            let mut response = Refused(Error::Method(other.to_string())).into_response();
            let allowed = HeaderValue::from_static("GET, HEAD, OPTIONS");
            response.headers_mut().insert(ALLOW, allowed);
            response
        }
    };
    open_to_players(&mut response);
    response
}

async fn find(app: &App, parts: &Parts) -> Result<Response> {
    let path = parts.uri.path();
    let path = path.strip_prefix("/media/").ok_or(Error::NotFound)?;
    let path = decoded(path).ok_or(Error::NotFound)?;
    let (way, path) = Way::of(&path).ok_or(Error::NotFound)?;
    match MediaPath::parse(path).ok_or(Error::NotFound)? {
        MediaPath::Output {
            asset,
            revision,
            file,
        } => {
            let asset = Access::asset(app, asset).await?;
            let asset = allowed(app, parts, way, asset.as_deref()).await?;
            output(app, parts, way, asset, revision.as_deref(), &file).await
        }
        MediaPath::Thumbnail { asset, poster } => {
            let asset = Access::asset(app, asset).await?;
            let asset = allowed(app, parts, way, asset.as_deref()).await?;
            thumbnail(app, parts, way, asset, &poster).await
        }
        MediaPath::Captions { asset, name } => {
            let asset = Access::asset(app, asset).await?;
            let asset = allowed(app, parts, way, asset.as_deref()).await?;
            // Each file has a name of its own.
            let cache = cache_control(true, !way.is_shared(asset));
            captions::whole(app, parts, asset, &name, &cache).await
        }
        MediaPath::Original { key } => {
            let asset = Access::asset_of_original(app, &key).await?;
            let asset = allowed(app, parts, way, asset.as_deref()).await?;
            original(app, parts, way, asset).await
        }
    }
}

/// The asset if it exists and the caller may play it; callers cannot tell the two cases apart.
async fn allowed<'a>(
    app: &App,
    parts: &Parts,
    way: Way<'_>,
    asset: Option<&'a Asset>,
) -> Result<&'a Asset> {
    let asset = asset.ok_or(Error::NotFound)?;
    if may_play(app, authenticate(app, &parts.headers), way, asset).await? {
        Ok(asset)
    } else {
        Err(Error::NotFound)
    }
}

/// Responds with the asset's poster image. Where the address names an older image, which a page may
/// have read before, the response must not be cached.
async fn thumbnail(
    app: &App,
    parts: &Parts,
    way: Way<'_>,
    asset: &Asset,
    asked: &Poster,
) -> Result<Response> {
    let made = asset.output_attempt.filter(|_| asset.has_thumbnail);
    let chosen = asset.chosen_thumbnail.as_deref();
    let private = !way.is_shared(asset);
    let (key, cache) = match (asked, chosen, made) {
        (Poster::Made(asked), _, Some(_)) if asset.output_revision.as_ref() == Some(asked) => {
            return output(app, parts, way, asset, Some(asked), media_key::THUMBNAIL).await;
        }
        (asked, Some(name), _) => {
            let key = media_key::chosen_thumbnail(asset.id, name);
            let is_it = matches!(asked, Poster::Chosen(asked) if asked == name);
            (key, cache_control(is_it, private))
        }
        (_, None, Some(attempt)) => {
            let prefix = media_key::output_prefix(asset.id, attempt);
            let key = format!("{prefix}{}", media_key::THUMBNAIL);
            (key, cache_control(false, private))
        }
        (_, None, None) => return Err(Error::NotFound),
    };
    let content_type = output_type(media_key::THUMBNAIL)?;
    let (method, headers) = (&parts.method, &parts.headers);
    respond::stored(method, headers, &*app.media, &key, content_type, &cache).await
}

/// Responds with a file of the asset's output, of the given revision if the address has one.
async fn output(
    app: &App,
    parts: &Parts,
    way: Way<'_>,
    asset: &Asset,
    revision: Option<&str>,
    file: &str,
) -> Result<Response> {
    let on_show = Output::of(asset).ok_or(Error::NotFound)?;
    // Of an earlier output nothing is left, and bytes of another must not come under its addresses.
    if revision.is_some() && revision != on_show.revision {
        return Err(Error::NotFound);
    }
    let private = !way.is_shared(asset);
    if let Some(named) = media_key::caption_file(file) {
        if !asset.playable {
            return Err(Error::NotFound);
        }
        return captions::file(app, parts, asset, on_show, revision, named, private).await;
    }
    let content_type = output_type(file)?;
    // A poster picture may be there before anything can be played.
    if !asset.playable && file != media_key::THUMBNAIL {
        return Err(Error::NotFound);
    }
    if file == media_key::MASTER && parts.method == Method::GET {
        count_play(app, parts, asset);
    }
    // Playlists have the documented addresses and no others.
    if revision.is_some() && content_type == mime::PLAYLIST {
        return Err(Error::NotFound);
    }
    if file == media_key::MASTER && !asset.captions.is_empty() {
        let cache = cache_control(false, private);
        return captions::multivariant(app, parts, asset, on_show, &cache).await;
    }
    let ready = asset.state == AssetState::Ready;
    let cache = cache_control(ready && revision.is_some(), private);
    let key = || on_show.key(file);
    if ready
        && !private
        && content_type == mime::SEGMENT
        && let Some(elsewhere) = redirect(app, parts, &key()).await?
    {
        return Ok(elsewhere);
    }
    // Until then any file may be rewritten: playlists grow, and another encoder may take over.
    let (method, headers) = (&parts.method, &parts.headers);
    if ready {
        let found = app
            .objects
            .get(&app.media, on_show, file, &content_type)
            .await?;
        match found {
            Found::InMemory(held) => return Ok(respond::held(method, headers, &held, &cache)),
            Found::Large(Some(object)) if respond::wants_all(method, headers) => {
                return Ok(respond::opened(headers, object, content_type, &cache));
            }
            Found::Large(_) => {}
            Found::Nothing => return Err(Error::NotFound),
        }
    } else if objects::lists_segments(file)
        && let Found::InMemory(held) = on_show.read(&app.media, file, &content_type).await?
    {
        return Ok(respond::held(method, headers, &held, &cache));
    }
    respond::stored(method, headers, &*app.media, &key(), content_type, &cache).await
}

/// Responds with the asset's original.
pub(crate) async fn original(
    app: &App,
    parts: &Parts,
    way: Way<'_>,
    asset: &Asset,
) -> Result<Response> {
    let private = !way.is_shared(asset);
    if !private && let Some(elsewhere) = redirect(app, parts, &asset.source_key).await? {
        return Ok(elsewhere);
    }
    let content_type = HeaderValue::from_static(mime::of_original(&asset.source_key));
    let cache = cache_control(false, private);
    let (method, headers) = (&parts.method, &parts.headers);
    let key = &asset.source_key;
    respond::stored(method, headers, &*app.media, key, content_type, &cache).await
}

/// Media type of a job's output file; there are no others.
fn output_type(file: &str) -> Result<HeaderValue> {
    let name = mime::of_output(file).ok_or(Error::NotFound)?;
    Ok(HeaderValue::from_static(name))
}

/// How long a store URL is valid.
const ELSEWHERE: Duration = Duration::from_hours(1);

/// Redirects the caller to the store, if that serves objects itself. For public objects only, since
/// the URL works for anyone who has it.
async fn redirect(app: &App, parts: &Parts, key: &str) -> Result<Option<Response>> {
    if parts.method != Method::GET {
        return Ok(None);
    }
    let url = app.media.public_url(key, ELSEWHERE).await?;
    let Some(url) = url.and_then(|url| HeaderValue::try_from(url).ok()) else {
        return Ok(None);
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::FOUND;
    let headers = response.headers_mut();
    headers.insert(LOCATION, url);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    Ok(Some(response))
}

/// How long a file may be cached: forever where the address identifies a finished file (decision
/// 0033); otherwise it is revalidated each time, at the cost of a 304. Shared caches must revalidate
/// after a minute, so that a video that becomes private disappears from them; private caches may
/// keep what their user was given (decision 0039).
pub(crate) fn cache_control(for_ever: bool, private: bool) -> HeaderValue {
    HeaderValue::from_static(match (for_ever, private) {
        (false, false) => "no-cache",
        (false, true) => "private, no-cache",
        (true, false) => "public, max-age=31536000, s-maxage=60, immutable",
        (true, true) => "private, max-age=31536000, immutable",
    })
}

fn count_play(app: &App, parts: &Parts, asset: &Asset) {
    app.videos.plays.count(
        asset.id,
        Client::of(parts).subscriber(),
        app.now(),
        app.settings.service.view_window_s,
    );
}

/// The path without percent escapes; `None` if that is not text.
fn decoded(path: &str) -> Option<Cow<'_, str>> {
    if path.contains('%') {
        percent_decode_str(path).decode_utf8().ok()
    } else {
        Some(Cow::Borrowed(path))
    }
}

/// Players on any page may read media: access needs a token or a link, never a cookie.
fn open_to_players(response: &mut Response) {
    const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
    const EXPOSED: HeaderValue = HeaderValue::from_static(
        "Accept-Ranges, Content-Length, Content-Range, ETag, X-Request-Id, Clipsy-Error-Code",
    );
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
}

/// Allows the headers that pages make players send, such as buffer lengths (CMCD) and request ids.
fn preflight(asked: &HeaderMap) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    let methods = HeaderValue::from_static("GET, HEAD, OPTIONS");
    headers.insert(ALLOW, methods.clone());
    cors::allow(headers, asked, methods);
    response
}
