//! `GET /api/videos/{id}/stream/`

use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, VARY};
use axum::response::Response;
use clipsy_domain::asset::Asset;
use clipsy_domain::media_key;
use clipsy_service::accounts::session::{SignedIn, viewer};
use clipsy_service::videos::access::Way;
use clipsy_service::videos::find_video::{Named, find_named};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::VideoName;
use crate::app::App;
use crate::media;
use crate::rest::answer::Answer;
use crate::rest::openapi::{Detail, TokenNotValid};

/// Download the original file, whole or in part.
#[utoipa::path(
    get, path = "/api/videos/{id}/stream/", tag = "videos", security((), ("bearer" = [])),
    params(
        ("id" = i64, Path, description = "Number of the video, or the key of an unlisted video's link"),
        ("Range" = Option<String>, Header, description = "One range of bytes"),
        ("If-Range" = Option<String>, Header, description = "ETag or date of the file that the range refers to"),
        ("If-None-Match" = Option<String>, Header, description = "ETags of the client's copies"),
        ("If-Modified-Since" = Option<String>, Header, description = "Date of the client's copy"),
    ),
    responses(
        (status = 200, description = "The file", content_type = "video/mp4", body = [u8]),
        (status = 206, description = "The range", content_type = "video/mp4", body = [u8]),
        (status = 304, description = "Not modified"),
        (status = 401, description = "Invalid token", body = TokenNotValid),
        (status = 404, description = "Not found, or not visible to the caller", body = Detail),
        (status = 416, description = "Range not satisfiable"),
    )
)]
pub(crate) async fn stream(
    State(app): State<App>,
    signed_in: Option<SignedIn>,
    VideoName(named): VideoName,
    request: Request,
) -> Answer<Response> {
    let asset = find_named(&app, viewer(signed_in.as_ref()), &named).await?;
    let (parts, _) = request.into_parts();
    let way = match &named {
        Named::Number(_) => Way::Bare,
        Named::Key(key) => Way::Key(key),
    };
    let mut response = media::original(&app, &parts, way, &asset).await?;
    let headers = response.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("Authorization"));
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    if let Ok(value) = HeaderValue::try_from(disposition(&asset)) {
        headers.insert(CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

/// Opened by itself, the file may be played by the browser's own page, which may load nothing else.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; media-src 'self'; img-src 'self'; style-src 'unsafe-inline'; \
     frame-ancestors 'none'",
);

/// What stays as it is in an extended parameter (RFC 8187 section 3.2.1).
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Displayed inline, and saved under the title. The uploader's file name stays private.
fn disposition(asset: &Asset) -> String {
    let title: String = asset
        .title
        .chars()
        .map(|c| match c {
            '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' => '_',
            c if c.is_control() => '_',
            c => c,
        })
        .take(100)
        .collect();
    let title = title.trim().trim_matches('.');
    let title = if title.is_empty() { "video" } else { title };
    let name = match media_key::extension(&asset.source_key) {
        Some(extension) => format!("{title}.{extension}"),
        None => title.to_owned(),
    };
    let ascii: String = name
        .chars()
        .map(|c| if matches!(c, ' '..='~') { c } else { '_' })
        .collect();
    let extended = utf8_percent_encode(&name, PLAIN);
    format!("inline; filename=\"{ascii}\"; filename*=UTF-8''{extended}")
}
