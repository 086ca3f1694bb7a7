//! Files of the front end as they were built.

use axum::extract::Path;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};

use crate::error::Error;

include!(concat!(env!("OUT_DIR"), "/site.rs"));

/// A file of the build.
#[derive(Debug)]
pub(super) struct File {
    /// Below the site's root, without a slash in front.
    pub(super) path: &'static str,
    kind: &'static str,
    /// Hash of the plain bytes.
    etag: &'static str,
    pub(super) plain: &'static [u8],
    gzip: Option<&'static [u8]>,
    brotli: Option<&'static [u8]>,
}

/// The file with that path, if the build has one.
pub(super) fn find(path: &str) -> Option<&'static File> {
    let at = FILES.binary_search_by(|file| file.path.cmp(path)).ok()?;
    FILES.get(at)
}

/// Chunks that a page with a player loads as soon as its script runs.
pub(super) fn watch_preloads() -> &'static [&'static str] {
    WATCH_PRELOADS
}

/// `GET /assets/…`: their names change with their content, so browsers may keep them for good.
pub(super) async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Response {
    match find(&format!("assets/{path}")) {
        Some(file) => send(file, &headers, "public, max-age=31536000, immutable"),
        None => Error::NotFound.into_response(),
    }
}

/// `GET /favicon.svg` and the like: their names stay, so browsers ask again.
pub(super) async fn root(uri: Uri, headers: HeaderMap) -> Response {
    match find(uri.path().trim_start_matches('/')) {
        Some(file) => send(file, &headers, "no-cache"),
        None => Error::NotFound.into_response(),
    }
}

fn send(file: &File, headers: &HeaderMap, keep: &'static str) -> Response {
    let (encoding, bytes) = match (file.brotli, file.gzip) {
        (Some(bytes), _) if takes(headers, "br") => (Some("br"), bytes),
        (_, Some(bytes)) if takes(headers, "gzip") => (Some("gzip"), bytes),
        _ => (None, file.plain),
    };
    // Each encoding is a representation of its own.
    let etag = format!("\"{}{}\"", file.etag, encoding.unwrap_or(""));
    let mut response = if unchanged(headers, &etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        bytes.into_response()
    };
    let answer = response.headers_mut();
    answer.insert(CONTENT_TYPE, HeaderValue::from_static(file.kind));
    answer.insert(CACHE_CONTROL, HeaderValue::from_static(keep));
    answer.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    if let Ok(etag) = HeaderValue::try_from(etag) {
        answer.insert(ETAG, etag);
    }
    if let Some(encoding) = encoding {
        answer.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

/// Whether the browser has this representation already (RFC 9110, section 13.1.2).
pub(super) fn unchanged(headers: &HeaderMap, etag: &str) -> bool {
    headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|one| one.trim().trim_start_matches("W/"))
        .any(|one| one == etag || one == "*")
}

/// Whether the browser takes an encoding (RFC 9110, section 12.5.3); `q=0` means it does not.
fn takes(headers: &HeaderMap, encoding: &str) -> bool {
    headers
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|one| {
            let (name, parameters) = one.split_once(';').unwrap_or((one, ""));
            let refused = parameters
                .trim()
                .strip_prefix("q=")
                .and_then(|q| q.trim().parse::<f32>().ok())
                .is_some_and(|q| q <= 0.0);
            name.trim().eq_ignore_ascii_case(encoding) && !refused
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    static FILE: File = File {
        path: "assets/a.js",
        kind: "text/javascript; charset=utf-8",
        etag: "0123",
        plain: b"plain",
        gzip: Some(b"zipped"),
        brotli: Some(b"br"),
    };

    fn asking(name: axum::http::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn the_smallest_that_the_browser_takes_is_sent() {
        for (accepted, encoding, etag) in [
            ("gzip, deflate, br, zstd", Some("br"), "\"0123br\""),
            ("gzip, br;q=0", Some("gzip"), "\"0123gzip\""),
            ("identity", None, "\"0123\""),
            ("brotli", None, "\"0123\""),
        ] {
            let response = send(&FILE, &asking(ACCEPT_ENCODING, accepted), "no-cache");
            let header = |name| response.headers().get(name).map(|v| v.to_str().unwrap());
            assert_eq!(header(CONTENT_ENCODING), encoding, "{accepted}");
            assert_eq!(header(ETAG), Some(etag), "{accepted}");
            assert_eq!(header(VARY), Some("Accept-Encoding"));
        }
    }

    #[test]
    fn what_the_browser_has_is_not_sent_again() {
        for (known, status) in [
            ("\"0123\"", 304),
            ("\"x\", W/\"0123\"", 304),
            ("*", 304),
            ("\"0123br\"", 200),
        ] {
            let response = send(&FILE, &asking(IF_NONE_MATCH, known), "no-cache");
            assert_eq!(response.status(), status, "{known}");
        }
    }
}
