//! Spans of requests, following the semantic conventions for HTTP servers. Nothing happens unless the
//! binary has installed a tracer.

use axum::extract::MatchedPath;
use axum::http::{Method, StatusCode};
use opentelemetry::trace::{Status, TraceContextExt as _};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::measure;

/// Describes the span of a request. False if it is not traced.
pub fn begin(span: &Span, method: &Method, matched: Option<&MatchedPath>) -> bool {
    let context = span.context();
    let traced = context.span();
    if !traced.is_recording() {
        return false;
    }
    let (method, route) = (measure::method(method), measure::route(matched));
    traced.update_name(format!("{method} {route}"));
    span.set_attribute("http.request.method", method);
    span.set_attribute("http.route", route);
    true
}

/// Notes how a request was answered: the status, and the fault of the server if it is one.
pub fn end(span: &Span, status: StatusCode) {
    span.set_attribute("http.response.status_code", i64::from(status.as_u16()));
    if status.is_server_error() {
        span.set_attribute("error.type", status.as_str().to_owned());
        span.set_status(Status::error(status.as_str().to_owned()));
    }
}
