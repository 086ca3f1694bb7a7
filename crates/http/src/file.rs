//! Status and headers of a response with a file or a part of it.

use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, LAST_MODIFIED,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::Response;

use crate::ranges::{self, Part};

/// Metadata of a file, ready to be sent.
#[derive(Debug)]
pub struct Facts {
    length: u64,
    modified: SystemTime,
    etag: HeaderValue,
    last_modified: HeaderValue,
    content_type: HeaderValue,
}

impl Facts {
    /// Metadata of a file of `length` bytes. `modified_s` are seconds since 1970: headers have whole
    /// seconds, and comparisons use the sent value. `etag` identifies the exact bytes; it is quoted
    /// here.
    pub fn new(length: u64, modified_s: u64, etag: &str, content_type: HeaderValue) -> Self {
        let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(modified_s);
        let header = |text: String| {
            HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
        };
        Self {
            length,
            modified,
            etag: header(format!("\"{etag}\"")),
            last_modified: header(httpdate::fmt_http_date(modified)),
            content_type,
        }
    }

    /// Which part of the file a request asks for.
    pub fn part(&self, method: &Method, headers: &HeaderMap) -> Part {
        let etag = self.etag.to_str().unwrap_or_default();
        ranges::part(method, headers, etag, self.modified, self.length)
    }

    /// Status and headers; the body comes separately.
    pub fn head(&self, part: &Part, cache: &HeaderValue) -> Response {
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
