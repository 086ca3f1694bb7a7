//! Cross-origin access for pages (Fetch standard, section 3.3).
//!
//! Cookies grant no access: privileged requests need a token, so pages may send any header, and no
//! response allows credentials.

use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};

/// Allows these methods and all headers that the page is about to send: they are echoed, since `*`
/// does not include `Authorization`. `asked` are the headers of the preflight request.
pub fn allow(answer: &mut HeaderMap, asked: &HeaderMap, methods: HeaderValue) {
    answer.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
    if let Some(names) = asked.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
    answer.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
}

/// True for a browser's preflight request.
pub fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS
        && headers.contains_key(ORIGIN)
        && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// True if the origin is among those that the operator has listed.
pub fn lists(allowed: &[String], origin: &HeaderValue) -> bool {
    origin.to_str().is_ok_and(|origin| {
        allowed
            .iter()
            .any(|one| one.trim_end_matches('/').eq_ignore_ascii_case(origin))
    })
}

/// The response to a preflight request of a listed origin.
pub fn preflight(asked: &HeaderMap) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let methods = HeaderValue::from_static("GET, HEAD, POST, PATCH, DELETE");
    allow(response.headers_mut(), asked, methods);
    response
}

/// Allows pages of that origin to read a response and the given headers, if the origin is listed.
pub fn open(answer: &mut HeaderMap, origin: Option<&HeaderValue>, exposed: HeaderValue) {
    answer.append(VARY, HeaderValue::from_static("Origin"));
    let Some(origin) = origin else { return };
    if !answer.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN) {
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }
}
