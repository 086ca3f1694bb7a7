//! Errors as REST answers: the original product's bodies, and the stable code in a header.

use axum::Json;
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use clipsy_http::body::BodyError;
use clipsy_service::error::{Error, Kind, seconds};
use serde::ser::{Serialize, SerializeMap as _, Serializer};

use super::openapi::TokenMessage;

/// Header with the stable code of an error.
pub(crate) const ERROR_CODE: HeaderName = HeaderName::from_static("clipsy-error-code");

/// Why a response is 500, for the log; kept in the response's extensions and never sent.
#[derive(Debug, Clone)]
pub(crate) struct Cause(pub(crate) String);

/// What handlers of routes return.
pub(crate) type Answer<T> = Result<T, Refused>;

/// An error of the service on its way to the client.
#[derive(Debug)]
pub struct Refused(pub(crate) Error);

impl<E: Into<Error>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

/// Why a body was not read, as reported to clients.
pub(crate) fn unread(error: BodyError) -> Error {
    match error {
        BodyError::TooLarge { limit } => Error::TooLarge { limit },
        BodyError::TooSlow => Error::TooSlow,
        BodyError::Malformed(sentence) => Error::Parse(sentence),
        BodyError::MediaType(kind) => Error::MediaType(kind),
        error => Error::internal(error),
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self(error) = self;
        let mut response = (status(error.kind()), Json(Body(&error))).into_response();
        let headers = response.headers_mut();
        headers.insert(ERROR_CODE, HeaderValue::from_static(error.code()));
        match (error.kind(), &error) {
            (Kind::Unauthenticated, _) => {
                let challenge = HeaderValue::from_static("Bearer realm=\"api\"");
                headers.insert(WWW_AUTHENTICATE, challenge);
            }
            (_, Error::Throttled(wait)) => {
                headers.insert(RETRY_AFTER, HeaderValue::from(seconds(*wait)));
            }
            (Kind::Unavailable, _) => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
            }
            _ => {}
        }
        if let Some(cause) = error.cause() {
            let cause = Cause(chain(cause));
            response.extensions_mut().insert(cause);
        }
        response
    }
}

/// The status that stands for a kind of error.
pub(crate) fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Gone => StatusCode::GONE,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Forbidden | Kind::Limit => StatusCode::FORBIDDEN,
        Kind::Malformed | Kind::Invalid => StatusCode::BAD_REQUEST,
        Kind::Method => StatusCode::METHOD_NOT_ALLOWED,
        Kind::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Locked => StatusCode::LOCKED,
        // tus's own (checksum extension).
        Kind::Checksum => StatusCode::from_u16(460).unwrap_or(StatusCode::BAD_REQUEST),
        Kind::Version => StatusCode::PRECONDITION_FAILED,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::TooSlow => StatusCode::REQUEST_TIMEOUT,
        Kind::Throttled => StatusCode::TOO_MANY_REQUESTS,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::OutOfDisk => StatusCode::INSUFFICIENT_STORAGE,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The body of an error, with fields in the documented order.
struct Body<'a>(&'a Error);

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let error = self.0;
        if let Error::Fields(fields) = error {
            return serializer.collect_map(fields.iter().map(|(name, messages)| (name, messages)));
        }
        if let Error::Tags(wrong) = error {
            return serializer.collect_map([("tags", [wrong.to_string()])]);
        }
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("detail", &error.to_string())?;
        if let Error::Captions(error) = error
            && let Some(line) = error.line()
        {
            map.serialize_entry("line", &line)?;
        }
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
