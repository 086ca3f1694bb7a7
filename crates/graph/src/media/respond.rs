//! Answers with the bytes of a file, or a part of them.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::response::Response;
use clipsy_http::file::Facts;
use clipsy_http::ranges::{self, Asked, Part};
use clipsy_service::error::{Error, Result};
use clipsy_storage::media::{MediaStore, Meta, Object};

use super::objects::InMemory;

/// What is told about a stored file.
pub(crate) fn facts(meta: &Meta, content_type: HeaderValue) -> Facts {
    Facts::new(meta.bytes, seconds(meta), &meta.etag, content_type)
}

/// Metadata of a text of `length` bytes that replaces a stored file below one revision.
pub(super) fn revised(
    meta: &Meta,
    content_type: HeaderValue,
    revision: &str,
    length: usize,
) -> Facts {
    let etag = format!("{}-{revision}", meta.etag);
    Facts::new(length as u64, seconds(meta), &etag, content_type)
}

fn seconds(meta: &Meta) -> u64 {
    u64::try_from(meta.modified.timestamp()).unwrap_or(0)
}

/// Answers with a file that is in memory.
pub(super) fn held(
    method: &Method,
    headers: &HeaderMap,
    held: &InMemory,
    cache: &HeaderValue,
) -> Response {
    let part = held.facts.part(method, headers);
    let mut response = held.facts.head(&part, cache);
    if method != Method::HEAD {
        let bytes = match part {
            Part::Whole => held.bytes.clone(),
            Part::Bytes(range) => held.bytes.slice(range.start as usize..range.end as usize),
            Part::NotModified | Part::Beyond => return response,
        };
        *response.body_mut() = Body::from(bytes);
    }
    response
}

/// True if the request can only be answered with the whole file.
pub(super) fn wants_all(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::GET && ranges::asked(headers) == Asked::Whole
}

/// Answers with a file that was opened as a whole, read while it is sent.
pub(super) fn opened(
    headers: &HeaderMap,
    object: Object,
    content_type: HeaderValue,
    cache: &HeaderValue,
) -> Response {
    let facts = facts(&object.meta, content_type);
    let part = facts.part(&Method::GET, headers);
    let mut response = facts.head(&part, cache);
    if matches!(part, Part::Whole | Part::Bytes(_)) {
        *response.body_mut() = Body::from_stream(object.body);
    }
    response
}

/// Responds with a file of the store, streamed. The store is asked once, if the part to be sent can
/// be determined before the file is known.
pub(crate) async fn stored(
    method: &Method,
    headers: &HeaderMap,
    store: &dyn MediaStore,
    key: &str,
    content_type: HeaderValue,
    cache: &HeaderValue,
) -> Result<Response> {
    if method == Method::GET {
        let range = match ranges::asked(headers) {
            Asked::Whole => Some(None),
            Asked::Bytes(range) => Some(Some(range)),
            Asked::Depends => None,
        };
        if let Some(range) = range {
            let object = store.get(key, range).await?.ok_or(Error::NotFound)?;
            return Ok(opened(headers, object, content_type, cache));
        }
    }
    // If the file is replaced between two reads, they differ; then a retry is worthwhile.
    for _ in 0..3 {
        let meta = store.head(key).await?.ok_or(Error::NotFound)?;
        let facts = facts(&meta, content_type.clone());
        let part = facts.part(method, headers);
        let mut response = facts.head(&part, cache);
        let range = match &part {
            Part::Whole => None,
            Part::Bytes(range) => Some(range.clone()),
            Part::NotModified | Part::Beyond => return Ok(response),
        };
        if method == Method::HEAD {
            return Ok(response);
        }
        let object = store.get(key, range).await?.ok_or(Error::NotFound)?;
        if object.meta == meta {
            *response.body_mut() = Body::from_stream(object.body);
            return Ok(response);
        }
    }
    Err(Error::internal(format!(
        "{key} is being replaced all the time"
    )))
}
