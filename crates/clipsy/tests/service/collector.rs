//! A collector of traces: takes OTLP over HTTP as protocol buffers, and keeps what it is told.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode as Told;
use prost::Message as _;

use clipsy_testkit::until;

/// A collector on a port of its own, until it is dropped.
#[derive(Debug)]
pub(crate) struct Collector {
    /// `http://127.0.0.1:PORT`
    pub(crate) url: String,
    heard: Arc<Mutex<Vec<Span>>>,
    _runtime: tokio::runtime::Runtime,
}

/// What a process told about something that it did.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) trace: String,
    pub(crate) id: String,
    /// Empty at the top.
    pub(crate) parent: String,
    pub(crate) name: String,
    pub(crate) attributes: BTreeMap<String, String>,
    /// Spans of other traces that it has to do with.
    pub(crate) links: Vec<String>,
    /// Names of what happened meanwhile.
    pub(crate) events: BTreeSet<String>,
    pub(crate) failed: bool,
    /// When, in nanoseconds.
    pub(crate) time: std::ops::RangeInclusive<u64>,
    /// Whose it is.
    pub(crate) resource: BTreeMap<String, String>,
}

impl Collector {
    pub(crate) fn start() -> Self {
        let heard: Arc<Mutex<Vec<Span>>> = Arc::default();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let keep = Arc::clone(&heard);
        let take = move |body: Bytes| {
            let keep = Arc::clone(&keep);
            async move {
                match ExportTraceServiceRequest::decode(body) {
                    Ok(request) => keep.lock().unwrap().extend(spans(request)),
                    Err(_) => return StatusCode::BAD_REQUEST,
                }
                StatusCode::OK
            }
        };
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let routes = axum::Router::new().route("/v1/traces", post(take));
            axum::serve(listener, routes).await.unwrap();
        });
        Self {
            url,
            heard,
            _runtime: runtime,
        }
    }

    /// All that was told so far.
    pub(crate) fn spans(&self) -> Vec<Span> {
        self.heard.lock().unwrap().clone()
    }

    /// Waits for a span.
    #[track_caller]
    pub(crate) fn wait(&self, what: &str, is_it: impl Fn(&Span) -> bool) -> Span {
        until(what, || self.spans().into_iter().find(&is_it))
    }
}

fn spans(request: ExportTraceServiceRequest) -> Vec<Span> {
    let mut all = Vec::new();
    for group in request.resource_spans {
        let resource = attributes(group.resource.unwrap_or_default().attributes);
        for span in group.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            all.push(Span {
                trace: hex(&span.trace_id),
                id: hex(&span.span_id),
                parent: hex(&span.parent_span_id),
                name: span.name,
                attributes: attributes(span.attributes),
                links: span.links.iter().map(|link| hex(&link.span_id)).collect(),
                events: span.events.into_iter().map(|event| event.name).collect(),
                failed: span
                    .status
                    .is_some_and(|status| status.code() == Told::Error),
                time: span.start_time_unix_nano..=span.end_time_unix_nano,
                resource: resource.clone(),
            });
        }
    }
    all
}

fn attributes(list: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |value: Option<AnyValue>| match value.and_then(|value| value.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        Some(other) => format!("{other:?}"),
        None => String::new(),
    };
    list.into_iter()
        .map(|pair| (pair.key, text(pair.value)))
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
