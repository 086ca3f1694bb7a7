//! Files of the front end as they were built.

use axum::extract::Path;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse as _, Response};
use clipsy_http::assets::{ASK_AGAIN, Assets, FOR_EVER, File, send};

use clipsy_service::error::Error;

use crate::rest::answer::Refused;

include!(concat!(env!("OUT_DIR"), "/site.rs"));

/// The file with that path, if the build has one.
pub(super) fn find(path: &str) -> Option<&'static File> {
    Assets(FILES).find(path)
}

/// Chunks that a page with a player loads as soon as its script runs.
pub(super) fn watch_preloads() -> &'static [&'static str] {
    WATCH_PRELOADS
}

/// `GET /assets/…`: their names change with their content, so browsers may keep them for good.
pub(super) async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Response {
    match find(&format!("assets/{path}")) {
        Some(file) => send(file, &headers, FOR_EVER),
        None => Refused(Error::NotFound).into_response(),
    }
}

/// `GET /favicon.svg` and the like: their names stay, so browsers ask again.
pub(super) async fn root(uri: Uri, headers: HeaderMap) -> Response {
    match find(uri.path().trim_start_matches('/')) {
        Some(file) => send(file, &headers, ASK_AGAIN),
        None => Refused(Error::NotFound).into_response(),
    }
}
