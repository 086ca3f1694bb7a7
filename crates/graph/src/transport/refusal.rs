//! Why a request is not run, and what that looks like: a GraphQL answer with errors and no data.

use async_graphql::{ErrorExtensionValues, Pos, ServerError};
use axum::http::StatusCode;
use clipsy_service::error::Error;
use serde::Serialize;

use super::lexer::Excess;
use crate::rest::answer::status;

/// Stable values of `extensions.code` that this part of the API gives.
pub(crate) mod code {
    use clipsy_service::error::Kind;

    pub(crate) const PARSE_FAILED: &str = "GRAPHQL_PARSE_FAILED";
    pub(crate) const VALIDATION_FAILED: &str = "GRAPHQL_VALIDATION_FAILED";
    pub(crate) const LIMIT_EXCEEDED: &str = "LIMIT_EXCEEDED";
    pub(crate) const INTROSPECTION_DISABLED: &str = "INTROSPECTION_DISABLED";
    pub(crate) const BAD_REQUEST: &str = "BAD_REQUEST";
    pub(crate) const BAD_USER_INPUT: &str = "BAD_USER_INPUT";
    pub(crate) const BATCH_NOT_SUPPORTED: &str = "BATCH_NOT_SUPPORTED";
    pub(crate) const PERSISTED_QUERY_NOT_FOUND: &str = "PERSISTED_QUERY_NOT_FOUND";
    pub(crate) const UNAUTHENTICATED: &str = "UNAUTHENTICATED";
    pub(crate) const FORBIDDEN: &str = "FORBIDDEN";
    pub(crate) const METHOD_NOT_ALLOWED: &str = "METHOD_NOT_ALLOWED";
    pub(crate) const NOT_ACCEPTABLE: &str = "NOT_ACCEPTABLE";
    pub(crate) const UNSUPPORTED_MEDIA_TYPE: &str = "UNSUPPORTED_MEDIA_TYPE";
    pub(crate) const TOO_LARGE: &str = "TOO_LARGE";
    pub(crate) const TOO_SLOW: &str = "TOO_SLOW";
    pub(crate) const TIMEOUT: &str = "TIMEOUT";
    pub(crate) const TOO_MANY_OPERATIONS: &str = "TOO_MANY_OPERATIONS";
    pub(crate) const UNAVAILABLE: &str = "SERVICE_UNAVAILABLE";
    pub(crate) const INTERNAL: &str = "INTERNAL_SERVER_ERROR";

    /// The code for a kind of error, everywhere in the API.
    pub(crate) fn of(kind: Kind) -> &'static str {
        match kind {
            Kind::NotFound | Kind::Gone => "NOT_FOUND",
            Kind::Unauthenticated => UNAUTHENTICATED,
            Kind::Forbidden => FORBIDDEN,
            Kind::Malformed => BAD_REQUEST,
            Kind::Invalid => BAD_USER_INPUT,
            Kind::Method => METHOD_NOT_ALLOWED,
            Kind::MediaType => UNSUPPORTED_MEDIA_TYPE,
            Kind::Conflict | Kind::Limit | Kind::Locked | Kind::Checksum | Kind::Version => {
                "CONFLICT"
            }
            Kind::TooLarge => TOO_LARGE,
            Kind::TooSlow => TOO_SLOW,
            Kind::Throttled => "TOO_MANY_REQUESTS",
            Kind::Unavailable => UNAVAILABLE,
            Kind::OutOfDisk => "INSUFFICIENT_STORAGE",
            Kind::Internal => INTERNAL,
        }
    }
}

/// Errors of one document that are told.
const MOST_ERRORS: usize = 30;

/// A request that was refused before anything of it was run.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// Status of the answer.
    pub(crate) status: StatusCode,
    /// True if it is the document that is at fault: then clients that only know
    /// `application/json` get the status 200 (GraphQL over HTTP, section 6.4.1).
    pub(crate) document: bool,
    /// At least one.
    pub(crate) errors: Vec<ServerError>,
    /// For the log, never for the client.
    pub(crate) cause: Option<String>,
}

/// The answer to a refused request: no `data`, since nothing was run.
#[derive(Debug, Serialize)]
pub(crate) struct Body<'a> {
    errors: &'a [ServerError],
}

impl Refusal {
    /// A request that is not a GraphQL request, or not now.
    pub(crate) fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            document: false,
            errors: vec![error(code, message, None)],
            cause: None,
        }
    }

    /// A request that makes no sense.
    pub(crate) fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code::BAD_REQUEST, message)
    }

    /// A document that cannot be run.
    pub(crate) fn document(code: &str, message: impl Into<String>, at: Option<Pos>) -> Self {
        Self::of_document(vec![error(code, message, at)])
    }

    /// A document with these errors in it.
    pub(crate) fn of_document(mut errors: Vec<ServerError>) -> Self {
        errors.truncate(MOST_ERRORS);
        Self {
            status: StatusCode::BAD_REQUEST,
            document: true,
            errors,
            cause: None,
        }
    }

    /// A document with too much of something. The extensions say what and how much is allowed.
    pub(crate) fn limit(name: &str, most: usize) -> Self {
        let words = name.replace('_', " ");
        let message = format!("Too much for one request: at most {most} {words} are allowed.");
        let mut error = error(code::LIMIT_EXCEEDED, message, None);
        let values = error.extensions.get_or_insert_default();
        values.set("limit", name);
        values.set("maximum", most);
        Self::of_document(vec![error])
    }

    /// A text that the lexer refused.
    pub(crate) fn excess(excess: Excess, limits: &super::settings::Limits) -> Self {
        match excess {
            Excess::Bytes => Self::limit("query_bytes", limits.query_bytes),
            Excess::Tokens => Self::limit("tokens", limits.tokens),
            Excess::Nesting => Self::limit("nested_brackets", limits.nesting),
            Excess::NameBytes => Self::limit("bytes_of_a_name", limits.name_bytes),
        }
    }

    /// The code of the first error.
    pub(crate) fn code(&self) -> &str {
        self.errors.first().and_then(code_of).unwrap_or_default()
    }

    /// What the client gets.
    pub(crate) fn body(&self) -> Body<'_> {
        Body {
            errors: &self.errors,
        }
    }
}

/// An error with its code.
pub(crate) fn error(code: &str, message: impl Into<String>, at: Option<Pos>) -> ServerError {
    let mut error = ServerError::new(message, at);
    set_code(&mut error, code);
    error
}

/// The code of an error, if it has one.
pub(crate) fn code_of(error: &ServerError) -> Option<&str> {
    match error.extensions.as_ref()?.get("code")? {
        async_graphql::Value::String(code) => Some(code),
        _ => None,
    }
}

pub(crate) fn set_code(error: &mut ServerError, code: &str) {
    error
        .extensions
        .get_or_insert_with(ErrorExtensionValues::default)
        .set("code", code);
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let kind = error.kind();
        let mut refusal = Self::new(status(kind), code::of(kind), error.to_string());
        refusal.cause = error.cause().map(ToString::to_string);
        refusal
    }
}
