//! Errors as REST answers: the original product's bodies, and the stable code in a header.

use axum::Json;
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::ser::{Serialize, SerializeMap as _, Serializer};

use super::openapi::TokenMessage;
use crate::error::{Error, seconds};
use crate::upload::error::UploadError;

/// Header with the stable code of an error.
pub(crate) const ERROR_CODE: HeaderName = HeaderName::from_static("clipsy-error-code");

/// Why an answer is 500, for the log. It travels with the response and is never sent.
#[derive(Debug, Clone)]
pub(crate) struct Cause(pub(crate) String);

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = (status(&self), Json(Body(&self))).into_response();
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
            Self::Busy
            | Self::StoreAway
            | Self::DatabaseAway(_)
            | Self::Upload(UploadError::Crowded { .. }) => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
            }
            _ => {}
        }
        if let Some(cause) = self.cause() {
            let cause = Cause(chain(cause));
            response.extensions_mut().insert(cause);
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
        Error::Fields(_) | Error::Username(_) | Error::Parse(_) => StatusCode::BAD_REQUEST,
        Error::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
        Error::MediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Error::Conflict { .. } => StatusCode::CONFLICT,
        Error::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        Error::TooSlow => StatusCode::REQUEST_TIMEOUT,
        Error::OutOfDisk => StatusCode::INSUFFICIENT_STORAGE,
        Error::Throttled(_) => StatusCode::TOO_MANY_REQUESTS,
        Error::Busy | Error::StoreAway | Error::DatabaseAway(_) => StatusCode::SERVICE_UNAVAILABLE,
        Error::Upload(error) => error.status(),
        Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The body of an error, with its fields in the order in which clients know them.
struct Body<'a>(&'a Error);

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let error = self.0;
        if let Error::Fields(fields) = error {
            return serializer.collect_map(fields.iter().map(|(name, messages)| (name, messages)));
        }
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("detail", &error.to_string())?;
        // SimpleJWT's shapes.
        match error {
            Error::AccessToken => {
                map.serialize_entry("code", error.code())?;
                map.serialize_entry("messages", &[TokenMessage::default()])?;
            }
            Error::RefreshToken | Error::RevokedToken | Error::AuthorizationHeader => {
                map.serialize_entry("code", error.code())?;
            }
            _ => {}
        }
        map.end()
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
