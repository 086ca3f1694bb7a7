//! What the server can do, and that pages of other origins may make use of it: every request needs
//! a token, and there are no cookies.

use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::Response;
use clipsy_http::cors;
use clipsy_service::uploads::checksum::Algorithm;

use super::VERSION;
use super::respond::empty;
use crate::app::App;

const EXTENSIONS: &str = "creation,creation-with-upload,creation-defer-length,expiration,checksum,\
                          termination,concatenation";

/// The answer to `OPTIONS`: what the server can do; if a browser asks, also what pages may send.
pub(super) fn options(app: &App, headers: &HeaderMap) -> Response {
    const METHODS: HeaderValue =
        HeaderValue::from_static("GET, HEAD, POST, PATCH, DELETE, OPTIONS");
    let mut response = empty(StatusCode::NO_CONTENT);
    let answer = response.headers_mut();
    let mut tell = |name: &'static str, value: HeaderValue| {
        answer.insert(HeaderName::from_static(name), value);
    };
    tell("tus-version", HeaderValue::from_static(VERSION));
    tell("tus-extension", HeaderValue::from_static(EXTENSIONS));
    tell("tus-max-size", app.settings.service.max_upload_bytes.into());
    let names = Algorithm::ALL.map(Algorithm::name).join(",");
    if let Ok(names) = HeaderValue::try_from(names) {
        tell("tus-checksum-algorithm", names);
    }
    if cors::is_preflight(&Method::OPTIONS, headers) {
        cors::allow(answer, headers, METHODS);
    }
    response
}

/// Lets pages of other origins read an answer.
pub(super) fn open(headers: &mut HeaderMap) {
    const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
    const EXPOSED: HeaderValue = HeaderValue::from_static(
        "Location, Retry-After, Tus-Resumable, Tus-Version, Tus-Extension, Tus-Max-Size, \
         Tus-Checksum-Algorithm, Upload-Offset, Upload-Length, Upload-Defer-Length, \
         Upload-Metadata, Upload-Expires, Upload-Concat, Clipsy-Video-Id, Clipsy-Error-Code, \
         X-Request-Id",
    );
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
}
