//! Traces for those who operate the service: what one request or one upload went through, in all
//! processes that had to do with it. Nothing happens unless the binary has set a tracer.

use clipsy_domain::trace::TraceParent;
use opentelemetry::Context;
use opentelemetry::trace::{
    SpanContext, SpanId, Status, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// Spans with this target are for the log only.
pub const QUIET: &str = "clipsy_service::quiet";

/// What others continue who go on with what the current span does. `None` if nobody traces.
pub fn current() -> Option<TraceParent> {
    let context = Span::current().context();
    let span = context.span();
    let span = span.span_context();
    if !span.is_valid() {
        return None;
    }
    let (trace, id) = (span.trace_id(), span.span_id());
    let flags = span.trace_flags().to_u8();
    TraceParent::parse(&format!("00-{trace}-{id}-{flags:02x}"))
}

/// Makes a new span a part of `trace`, and notes in which request it came about. It must not have
/// been entered. Without a trace it stays where it is.
pub fn join(span: &Span, trace: Option<&TraceParent>) {
    let Some(parent) = trace.and_then(remote) else {
        return;
    };
    let here = Span::current().context();
    let here = here.span().span_context().clone();
    if here.trace_id() != parent.trace_id() {
        span.add_link(here);
    }
    continue_from(span, parent);
}

/// Marks what a span does as failed.
pub fn failed(span: &Span, code: &str) {
    span.set_attribute("error.type", code.to_owned());
    span.set_status(Status::error(code.to_owned()));
}

/// Adds something to a span that the log does not need.
pub fn note(span: &Span, key: &'static str, value: &'static str) {
    span.set_attribute(key, value);
}

/// The number of the span's trace, for the log.
pub fn note_number(span: &Span) {
    let context = span.context();
    let context = context.span();
    let context = context.span_context();
    if context.is_valid() {
        span.record("trace_id", tracing::field::display(context.trace_id()));
    }
}

/// Goes on with the trace that the sender of a request says it is a part of, if that is believed.
pub fn continue_request(span: &Span, traceparent: Option<&str>) {
    let parent = traceparent.and_then(TraceParent::parse);
    if let Some(parent) = parent.as_ref().and_then(remote) {
        continue_from(span, parent);
    }
}

/// The code of an error that a request was answered with.
pub fn note_code(span: &Span, code: &str) {
    span.set_attribute("clipsy.error.code", code.to_owned());
}

/// Notes which operation the current request runs. Names come from clients, so that they are
/// attributes and not the span's name.
pub fn operation(kind: &'static str, name: Option<&str>) {
    let span = Span::current();
    span.set_attribute("graphql.operation.type", kind);
    if let Some(name) = name {
        let name: String = name.chars().take(100).collect();
        span.set_attribute("graphql.operation.name", name);
    }
}

fn continue_from(span: &Span, parent: SpanContext) {
    let context = Context::new().with_remote_span_context(parent);
    // Without a tracer there is nothing to set.
    let _ = span.set_parent(context);
}

fn remote(trace: &TraceParent) -> Option<SpanContext> {
    let mut parts = trace.as_str().split('-').skip(1);
    let trace_id = TraceId::from_hex(parts.next()?).ok()?;
    let span_id = SpanId::from_hex(parts.next()?).ok()?;
    let flags = u8::from_str_radix(parts.next()?, 16).ok()?;
    let flags = TraceFlags::new(flags) & TraceFlags::SAMPLED;
    let state = TraceState::default();
    Some(SpanContext::new(trace_id, span_id, flags, true, state))
}
