//! Answers with the bytes of a file, or a part of them.

use std::time::SystemTime;

use axum::body::Body;
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, LAST_MODIFIED,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::Response;
use clipsy_storage::media::{MediaStore, Meta, Object};

use super::objects::Held;
use super::ranges::{self, Asked, Part};
use crate::error::{Error, Result};

/// What is told about a file, ready to be sent.
#[derive(Debug)]
pub(crate) struct Facts {
    length: u64,
    modified: SystemTime,
    etag: HeaderValue,
    last_modified: HeaderValue,
    content_type: HeaderValue,
}

impl Facts {
    /// What is told about a stored file.
    pub(crate) fn new(meta: &Meta, content_type: HeaderValue) -> Self {
        // Headers carry whole seconds; comparisons go by what was sent.
        let seconds = u64::try_from(meta.modified.timestamp()).unwrap_or(0);
        let modified = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        let header = |text: String| {
            HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
        };
        Self {
            length: meta.bytes,
            modified,
            etag: header(format!("\"{}\"", meta.etag)),
            last_modified: header(httpdate::fmt_http_date(modified)),
            content_type,
        }
    }

    /// What is told about a text of `length` bytes that stands in for a stored file below one
    /// revision.
    pub(super) fn revised(
        meta: &Meta,
        content_type: HeaderValue,
        revision: &str,
        length: usize,
    ) -> Self {
        let meta = Meta {
            bytes: length as u64,
            etag: format!("{}-{revision}", meta.etag),
            ..meta.clone()
        };
        Self::new(&meta, content_type)
    }

    fn part(&self, method: &Method, headers: &HeaderMap) -> Part {
        let etag = self.etag.to_str().unwrap_or_default();
        ranges::part(method, headers, etag, self.modified, self.length)
    }

    /// Status and headers; the body comes separately.
    fn head(&self, part: &Part, cache: &HeaderValue) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = match part {
            Part::NotModified => StatusCode::NOT_MODIFIED,
            Part::Whole => StatusCode::OK,
            Part::Bytes(_) => StatusCode::PARTIAL_CONTENT,
            Part::Beyond => StatusCode::RANGE_NOT_SATISFIABLE,
        };
        let headers = response.headers_mut();
        headers.reserve(16);
        headers.insert(ETAG, self.etag.clone());
        headers.insert(CACHE_CONTROL, cache.clone());
        headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        if *part != Part::Beyond {
            headers.insert(LAST_MODIFIED, self.last_modified.clone());
        }
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        let length = match part {
            Part::NotModified => return response,
            Part::Whole => self.length,
            Part::Bytes(range) => {
                let text = format!("bytes {}-{}/{}", range.start, range.end - 1, self.length);
                if let Ok(value) = HeaderValue::try_from(text) {
                    headers.insert(CONTENT_RANGE, value);
                }
                range.end - range.start
            }
            Part::Beyond => {
                if let Ok(value) = HeaderValue::try_from(format!("bytes */{}", self.length)) {
                    headers.insert(CONTENT_RANGE, value);
                }
                headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
                headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
                return response;
            }
        };
        headers.insert(CONTENT_TYPE, self.content_type.clone());
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        response
    }
}

/// Answers with a file that is in memory.
pub(super) fn held(
    method: &Method,
    headers: &HeaderMap,
    held: &Held,
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
    let facts = Facts::new(&object.meta, content_type);
    let part = facts.part(&Method::GET, headers);
    let mut response = facts.head(&part, cache);
    if matches!(part, Part::Whole | Part::Bytes(_)) {
        *response.body_mut() = Body::from_stream(object.body);
    }
    response
}

/// Answers with a file of the store, read while it is sent. The store is asked once, if what is to be
/// sent can be told before the file is known.
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
    // Two looks at a file that is replaced in between differ; then it is worth another try.
    for _ in 0..3 {
        let meta = store.head(key).await?.ok_or(Error::NotFound)?;
        let facts = Facts::new(&meta, content_type.clone());
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
