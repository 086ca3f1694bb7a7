//! Which pages of other origins may use what, as browsers ask (Fetch standard, section 3.3).
//!
//! Nothing here is opened by a cookie: whoever wants more than everybody gets has to send a token, so
//! pages may send any header, and no answer allows credentials.

use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};

/// Lets pages send these methods, and whatever headers they are about to send: it is named back,
/// since `*` stands for all but `Authorization`. `asked` are the headers of the browser's question.
pub fn allow(answer: &mut HeaderMap, asked: &HeaderMap, methods: HeaderValue) {
    answer.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
    if let Some(names) = asked.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
    answer.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
}

/// True if it is a browser's question before a request.
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

/// The answer to a listed origin's question before a request.
pub fn preflight(asked: &HeaderMap) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let methods = HeaderValue::from_static("GET, HEAD, POST, PATCH, DELETE");
    allow(response.headers_mut(), asked, methods);
    response
}

/// Lets pages of that origin read an answer and those of its headers, if it is theirs to read.
pub fn open(answer: &mut HeaderMap, origin: Option<&HeaderValue>, exposed: HeaderValue) {
    answer.append(VARY, HeaderValue::from_static("Origin"));
    let Some(origin) = origin else { return };
    if !answer.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN) {
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }
}
