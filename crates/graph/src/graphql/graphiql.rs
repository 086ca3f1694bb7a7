//! `GET /graphiql`: a page to try the API with. It is part of the binary and loads nothing from
//! elsewhere.

use axum::Router;
use axum::extract::Path;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use crate::app::App;
use crate::auth::keys::hex;
use crate::error::Error;

/// Names and contents, compressed with gzip, as `web/graphiql/build.mjs` leaves them. Empty if the
/// page was not bundled, which only builds for development allow.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/graphiql.rs"));

/// Only what this server sends. The editor makes styles of its own, and its icons are part of them.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; \
     style-src 'self' 'unsafe-inline'; font-src 'self' data:; img-src 'self' data:; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

pub(crate) fn routes() -> Router<App> {
    let page = |headers: HeaderMap| async move { file("index.html", &headers) };
    Router::new()
        .route("/graphiql", get(page))
        // The page refers to its files by where it is.
        .route("/graphiql/", get(async || Redirect::permanent("/graphiql")))
        .route(
            "/graphiql/{file}",
            get(
                |Path(name): Path<String>, headers: HeaderMap| async move { file(&name, &headers) },
            ),
        )
}

fn file(name: &str, headers: &HeaderMap) -> Response {
    let Some((name, packed)) = FILES.iter().find(|(known, _)| *known == name) else {
        return if FILES.is_empty() {
            let page = "The GraphiQL page is not part of this build. Run `make graphiql` and build again.\n";
            (StatusCode::NOT_FOUND, page).into_response()
        } else {
            Error::NotFound.into_response()
        };
    };
    let mut response = if takes_gzip(headers) {
        Bytes::from_static(packed).into_response()
    } else {
        (
            StatusCode::NOT_ACCEPTABLE,
            "This page comes compressed with gzip only.\n",
        )
            .into_response()
    };
    let etag = format!("\"{}\"", hex(&Sha256::digest(packed)[..12]));
    let known = headers.get(IF_NONE_MATCH);
    if known.is_some_and(|known| known.as_bytes() == etag.as_bytes()) {
        response = StatusCode::NOT_MODIFIED.into_response();
    }
    let fresh = response.status() == StatusCode::OK;
    let headers = response.headers_mut();
    if let Ok(etag) = HeaderValue::try_from(etag) {
        headers.insert(ETAG, etag);
    }
    headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    // Names of pieces change with what is in them.
    let cache = if name.starts_with("chunk-") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    if fresh {
        headers.insert(CONTENT_TYPE, content_type(name));
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// True unless the client refuses gzip; without the header anything goes (RFC 9110 section 12.5.3).
fn takes_gzip(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(ACCEPT_ENCODING) else {
        return true;
    };
    value.to_str().unwrap_or_default().split(',').any(|item| {
        let (coding, parameters) = item.split_once(';').unwrap_or((item, ""));
        let named = matches!(coding.trim(), "gzip" | "x-gzip" | "*");
        let weight = parameters.trim().strip_prefix("q=").unwrap_or("1");
        named && weight.parse::<f32>().is_ok_and(|weight| weight > 0.0)
    })
}

fn content_type(name: &str) -> HeaderValue {
    let extension = name.rsplit('.').next().unwrap_or_default();
    HeaderValue::from_static(match extension {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "ttf" => "font/ttf",
        _ => "application/octet-stream",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_may_be_refused() {
        let takes = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, value.parse().unwrap());
            takes_gzip(&headers)
        };
        assert!(takes_gzip(&HeaderMap::new()));
        for good in ["gzip", "br, gzip;q=0.5", "*", "gzip, deflate, br, zstd"] {
            assert!(takes(good), "{good}");
        }
        for bad in ["identity", "br", "gzip;q=0", "gzip; q=0.0", ""] {
            assert!(!takes(bad), "{bad}");
        }
    }
}
