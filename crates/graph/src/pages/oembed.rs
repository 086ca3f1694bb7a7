//! `GET /oembed`: how other sites turn a link to a video into a player (oembed.com).

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use clipsy_domain::media_key::{page_name, thumbnail_url};
use clipsy_http::Address;
use clipsy_service::error::Error;
use clipsy_service::videos::find_video::Named;
use serde::Deserialize;
use serde_json::json;

use super::page::{escape, open_asset};
use crate::app::App;
use crate::rest::answer::Refused;

/// Width of a player whose caller does not say, in pixels.
const WIDTH: i64 = 640;

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    url: String,
    #[serde(default)]
    format: Option<String>,
    #[serde(default)]
    maxwidth: Option<i64>,
    #[serde(default)]
    maxheight: Option<i64>,
}

/// JSON only; the specification has 501 for other formats, and 404 for what cannot be embedded.
pub(super) async fn oembed(
    State(app): State<App>,
    address: Address,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Response {
    let Ok(Query(asked)) = asked else {
        return Refused(Error::NotFound).into_response();
    };
    if asked
        .format
        .as_deref()
        .is_some_and(|format| format != "json")
    {
        return StatusCode::NOT_IMPLEMENTED.into_response();
    }
    let Some(name) = video_of(&asked.url, address.prefix()) else {
        return Refused(Error::NotFound).into_response();
    };
    let asset = match open_asset(&app, name).await {
        Ok(Some(asset)) => asset,
        Ok(None) => return Refused(Error::NotFound).into_response(),
        Err(error) => return Refused(error).into_response(),
    };
    let owner = match app.db.users_by_id(&[asset.owner_id]).await {
        Ok(users) => users.into_iter().next().map(|user| user.username),
        Err(error) => return Refused::from(error).into_response(),
    };
    let origin = address.url("");
    let (width, height) = fit(
        asset.width.zip(asset.height).unwrap_or((16, 9)),
        asked.maxwidth,
        asked.maxheight,
    );
    let mut answer = json!({
        "version": "1.0",
        "type": "video",
        "provider_name": "Clipsy",
        "provider_url": origin,
        "title": asset.title,
        "author_name": owner,
        "width": width,
        "height": height,
        "html": format!(
            "<iframe src=\"{origin}/embed/{}\" width=\"{width}\" height=\"{height}\" title=\"{}\" \
             frameborder=\"0\" allow=\"autoplay; fullscreen; picture-in-picture\"></iframe>",
            page_name(&asset),
            escape(&asset.title),
        ),
    });
    let size = asset.width.zip(asset.height);
    if let (Some(path), Some((width, height))) = (thumbnail_url(&asset), size) {
        answer["thumbnail_url"] = format!("{origin}{path}").into();
        answer["thumbnail_width"] = width.into();
        answer["thumbnail_height"] = height.into();
    }
    let mut response = Json(answer).into_response();
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// The number or key in an address of a video's page, on whatever host people call this server by.
/// `prefix` is the path below which the server was called.
fn video_of<'a>(address: &'a str, prefix: &str) -> Option<&'a str> {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let path = &rest[rest.find('/')?..];
    let path = path.split(['?', '#']).next()?.strip_prefix(prefix)?;
    let id = path
        .strip_prefix("/watch/")
        .or_else(|| path.strip_prefix("/embed/"))?;
    let id = id.trim_end_matches('/');
    Named::parse(id).map(|_| id)
}

/// The largest player of that shape within the caller's limits.
fn fit((width, height): (i64, i64), max_width: Option<i64>, max_height: Option<i64>) -> (i64, i64) {
    let shape = width.max(1) as f64 / height.max(1) as f64;
    let mut wide = max_width.unwrap_or(WIDTH).clamp(1, 8_192) as f64;
    if let Some(most) = max_height {
        wide = wide.min(most.clamp(1, 8_192) as f64 * shape);
    }
    let whole = |value: f64| (value.round() as i64).max(1);
    (whole(wide), whole(wide / shape))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_videos_are_understood() {
        for (address, id) in [
            ("https://videos.example.org/watch/12", Some("12")),
            ("http://localhost:8000/watch/12/?t=5#x", Some("12")),
            ("https://videos.example.org/embed/3", Some("3")),
            ("videos.example.org/watch/7", Some("7")),
            (
                "https://videos.example.org/watch/0123456789abcdef0123456789abcdef?t=5",
                Some("0123456789abcdef0123456789abcdef"),
            ),
            ("https://videos.example.org/watch/", None),
            ("https://videos.example.org/watch/12/../13", None),
            ("https://videos.example.org/studio/12", None),
            ("nothing", None),
            ("https://videos.example.org/clips/watch/12", None),
        ] {
            assert_eq!(video_of(address, ""), id, "{address}");
        }
    }

    #[test]
    fn below_a_path_addresses_of_videos_have_it() {
        for (address, id) in [
            ("https://example.org/clips/watch/12", Some("12")),
            ("https://example.org/watch/12", None),
            ("https://example.org/clipswatch/12", None),
        ] {
            assert_eq!(video_of(address, "/clips"), id, "{address}");
        }
    }

    #[test]
    fn players_keep_the_shape_of_the_picture() {
        assert_eq!(fit((1920, 1080), None, None), (640, 360));
        assert_eq!(fit((1920, 1080), Some(320), None), (320, 180));
        assert_eq!(fit((1080, 1920), Some(1000), Some(480)), (270, 480));
        assert_eq!(fit((1920, 1080), Some(0), Some(-4)), (1, 1));
    }
}
