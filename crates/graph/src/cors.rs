//! Which of our addresses pages of listed origins may use, and what of the answers they see.

use axum::http::{HeaderMap, HeaderValue};
use clipsy_http::cors;

/// True for what listed origins may use: REST, GraphQL and event streams. Media and resumable
/// uploads are open to all and say so themselves.
pub(crate) fn covers(path: &str) -> bool {
    path.starts_with("/api/")
        || matches!(
            path,
            "/graphql" | "/graphql/" | "/schema.graphql" | "/oembed"
        )
}

/// Lets pages of that origin read an answer, if it is theirs to read.
pub(crate) fn open(answer: &mut HeaderMap, origin: Option<&HeaderValue>) {
    const EXPOSED: HeaderValue = HeaderValue::from_static(
        "Accept-Ranges, Clipsy-Error-Code, Content-Disposition, Content-Length, Content-Range, \
         ETag, Retry-After, WWW-Authenticate, X-Request-Id",
    );
    cors::open(answer, origin, EXPOSED);
}
