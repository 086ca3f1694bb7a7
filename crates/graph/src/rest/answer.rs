//! Errors as REST answers: the original product's bodies, and the stable code in a header.

use axum::Json;
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::error::{Error, seconds};

/// Header with the stable code of an error.
pub(crate) const ERROR_CODE: HeaderName = HeaderName::from_static("clipsy-error-code");

/// Why an answer is 500, for the log. It travels with the response and is never sent.
#[derive(Debug, Clone)]
pub(crate) struct Cause(pub(crate) String);

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let body = body(&self);
        let mut response = (status(&self), Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(ERROR_CODE, HeaderValue::from_static(self.code()));
        match &self {
            Self::NotSignedIn
            | Self::WrongCredentials
            | Self::AccessToken
            | Self::AuthorizationHeader
            | Self::RefreshToken
            | Self::RevokedToken => {
                let challenge = HeaderValue::from_static("Bearer realm=\"api\"");
                headers.insert(WWW_AUTHENTICATE, challenge);
            }
            Self::Throttled(wait) => {
                headers.insert(RETRY_AFTER, HeaderValue::from(seconds(*wait)));
            }
            Self::Busy => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
            }
            Self::Internal(source) => {
                let cause = Cause(chain(source.as_ref()));
                response.extensions_mut().insert(cause);
            }
            _ => {}
        }
        response
    }
}

fn status(error: &Error) -> StatusCode {
    match error {
        Error::NotFound | Error::NoSuchPage => StatusCode::NOT_FOUND,
        Error::NotSignedIn
        | Error::WrongCredentials
        | Error::AccessToken
        | Error::AuthorizationHeader
        | Error::RefreshToken
        | Error::RevokedToken => StatusCode::UNAUTHORIZED,
        Error::DefaultPassword | Error::Forbidden => StatusCode::FORBIDDEN,
        Error::Fields(_) | Error::Parse(_) => StatusCode::BAD_REQUEST,
        Error::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
        Error::MediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Error::Conflict { .. } => StatusCode::CONFLICT,
        Error::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        Error::TooSlow => StatusCode::REQUEST_TIMEOUT,
        Error::OutOfDisk => StatusCode::INSUFFICIENT_STORAGE,
        Error::Throttled(_) => StatusCode::TOO_MANY_REQUESTS,
        Error::Busy => StatusCode::SERVICE_UNAVAILABLE,
        Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn body(error: &Error) -> Value {
    let detail = error.to_string();
    match error {
        Error::Fields(fields) => {
            let mut object = Map::new();
            for (name, messages) in fields {
                object.insert(name.clone(), json!(messages));
            }
            Value::Object(object)
        }
        // SimpleJWT's shapes.
        Error::AccessToken => json!({
            "detail": detail,
            "code": error.code(),
            "messages": [{
                "token_class": "AccessToken",
                "token_type": "access",
                "message": "Token is invalid or expired",
            }],
        }),
        Error::RefreshToken | Error::RevokedToken | Error::AuthorizationHeader => {
            json!({ "detail": detail, "code": error.code() })
        }
        _ => json!({ "detail": detail }),
    }
}

/// An error and what caused it, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !text.ends_with(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        source = error.source();
    }
    text
}
