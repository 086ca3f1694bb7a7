//! Answers as server-sent events: the distinct connections mode of the GraphQL over SSE protocol.
//! Each `next` carries one result, `complete` ends the stream.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Executor, Response as GraphqlResponse};
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use clipsy_service::accounts::right::Right;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use serde::Serialize;
use tokio::time::{Instant, timeout_at};

use super::gate::{Caller, Gate, Outcome, unauthenticated};
use super::refusal::{Refusal, code};
use super::request::Prepared;
use super::sockets::StreamPlace;
use crate::app::App;

/// Runs an operation and streams what comes of it.
pub(crate) async fn stream<E: Executor>(
    gate: Arc<Gate<E>>,
    app: &App,
    prepared: Prepared,
    mut caller: Caller,
) -> Result<Response, Refusal> {
    let place = gate.sockets.take(caller.client.subscriber());
    let mut place = place.ok_or_else(full)?;
    let account = caller.signed_in.as_ref().map(|who| who.user.id);
    if account.is_some_and(|account| !place.belongs_to(account)) {
        return Err(full());
    }
    caller.right = Right::watched(app, caller.signed_in.as_ref()).await?;
    let subscribes =
        prepared.operation == Some(async_graphql::parser::types::OperationType::Subscription);
    let results = if subscribes {
        gate.subscribe(prepared, &caller)
    } else {
        let outcome = gate.run(prepared, &caller).await;
        match outcome {
            Outcome::Ran(response) => stream::iter([response]).boxed(),
            Outcome::Refused(refusal) if refusal.document => return Ok(refuse(&refusal)),
            Outcome::Refused(refusal) => return Err(refusal),
        }
    };
    let feed = Feed {
        gate,
        app: app.clone(),
        caller,
        results: Some(results),
        last: Some(Bytes::from_static(COMPLETE)),
        hung_up: false,
        _place: place,
    };
    let pieces = stream::unfold(feed, |mut feed| async move {
        let piece = feed.next().await?;
        Some((Ok::<_, std::convert::Infallible>(piece), feed))
    });
    // The comment makes the head of the answer go out before the first result.
    let first = stream::iter([Ok(Bytes::from_static(COMMENT))]);
    Ok(events(Body::from_stream(first.chain(pieces))))
}

/// A stream with only the reason why a document was not executed.
pub(crate) fn refuse(refusal: &Refusal) -> Response {
    let mut text = next(&refusal.body()).to_vec();
    text.extend_from_slice(COMPLETE);
    events(Body::from(text))
}

/// No place for another stream.
pub(crate) fn full() -> Refusal {
    Refusal::new(
        StatusCode::SERVICE_UNAVAILABLE,
        code::UNAVAILABLE,
        "Too many streams are open. Try again later.",
    )
}

const COMPLETE: &[u8] = b"event: complete\ndata: \n\n";
const COMMENT: &[u8] = b":\n\n";
/// How often a client that sends nothing more is asked whether it is still there: what is sent to one
/// that has gone away comes back.
const LOOK: Duration = Duration::from_secs(1);

struct Feed<E> {
    gate: Arc<Gate<E>>,
    app: App,
    caller: Caller,
    results: Option<BoxStream<'static, GraphqlResponse>>,
    /// What is sent when there are no more results.
    last: Option<Bytes>,
    /// True if the client has shut down its sending side.
    hung_up: bool,
    _place: StreamPlace,
}

impl<E: Executor> Feed<E> {
    /// The next piece of the stream, which is a comment if there is nothing else for a while; `None`
    /// at the end, and at once when the server stops, so that the client comes back elsewhere.
    async fn next(&mut self) -> Option<Bytes> {
        let wait = if self.hung_up {
            LOOK
        } else {
            self.gate.settings.keep_alive
        };
        let until = Instant::now() + wait;
        let hung_up = self.caller.peer.clone().filter(|_| !self.hung_up);
        let hung_up = async {
            match hung_up {
                Some(peer) => peer.hung_up().await,
                None => std::future::pending().await,
            }
        };
        let Some(results) = &mut self.results else {
            return self.last.take();
        };
        let result = tokio::select! {
            biased;
            () = self.app.streams.closing().cancelled() => return None,
            () = self.caller.right.session_ended() => None,
            () = hung_up => {
                self.hung_up = true;
                return Some(Bytes::from_static(COMMENT));
            }
            result = timeout_at(until, results.next()) => Some(result),
        };
        if let Some(ended) = self.caller.right.over(self.app.now()) {
            self.results = None;
            let errors = vec![unauthenticated(ended.message())];
            return Some(next(&Refusal::of_document(errors).body()));
        }
        match result {
            Some(Ok(Some(response))) => Some(match self.gate.outcome(response, &self.caller) {
                Outcome::Ran(response) => next(&response),
                Outcome::Refused(refusal) => {
                    self.results = None;
                    next(&refusal.body())
                }
            }),
            Some(Ok(None)) => {
                self.results = None;
                self.last.take()
            }
            Some(Err(_)) | None => Some(Bytes::from_static(COMMENT)),
        }
    }
}

fn next(result: &impl Serialize) -> Bytes {
    let mut text = b"event: next\ndata: ".to_vec();
    // JSON keeps its line ends escaped, so it stays on one line. Writing to memory cannot fail, and
    // results have only texts as keys.
    if serde_json::to_writer(&mut text, result).is_err() {
        text.extend_from_slice(b"{}");
    }
    text.extend_from_slice(b"\n\n");
    text.into()
}

/// An answer whose events go out as they come.
pub(crate) fn events(body: Body) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream; charset=utf-8"),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Proxies would otherwise collect events until a buffer is full.
    headers.insert(
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    response
}
