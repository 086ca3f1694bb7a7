//! What a proxy in front makes of requests and answers.
//!
//! One that holds request bodies back until they are complete loses all of an upload that breaks off.
//! Somebody sends half of a body to `/api/uploads/probe/{token}` and asks there, in a second request,
//! how much has arrived, and how the server was called. Who asks for events instead gets one at once
//! and another later: a proxy that collects answers gives out both together. `clipsy doctor --proxy`
//! does all that.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::Method;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use clipsy_http::Address;
use clipsy_http::Client;
use clipsy_http::body::Timed;
use clipsy_service::error::{Error, Result};
use futures_util::{StreamExt as _, stream};
use serde::Serialize;
use serde_json::json;

use crate::app::App;
use crate::rest::answer::{Answer, unread};
use crate::transport::{accept, sse};

/// Bodies that are counted at the same time.
const MOST: usize = 32;
/// Largest body.
const MAX_BYTES: u64 = 8 << 20;

/// Bytes of each body that is being counted, by the token that its sender made up.
#[derive(Debug, Default)]
pub(crate) struct Probes(Mutex<HashMap<String, u64>>);

impl Probes {
    fn counts(&self) -> MutexGuard<'_, HashMap<String, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Between the two events of a stream.
const PAUSE: Duration = Duration::from_secs(8);

/// Counts the bytes of a `POST` as they arrive; `GET` returns the count. It stores nothing, so no
/// sign-in is needed.
pub(crate) async fn probe(
    State(app): State<App>,
    Path(token): Path<String>,
    address: Address,
    client: Client,
    request: Request,
) -> Answer<Response> {
    let sane = (8..=64).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_alphanumeric());
    if !sane {
        return Err(Error::NotFound.into());
    }
    match *request.method() {
        Method::POST => Ok(count(&app, token, request).await?),
        Method::GET if accept::read(request.headers()).events => Ok(events()),
        Method::GET => {
            let received = app.probes.counts().get(&token).copied();
            let told = Told {
                received: received.unwrap_or(0),
                called: address.url("/"),
                proxy_trusted: client.proxied,
            };
            Ok(([(CACHE_CONTROL, "no-store")], Json(told)).into_response())
        }
        ref other => Err(Error::Method(other.to_string()).into()),
    }
}

/// What is told of a body that is being counted.
#[derive(Debug, Serialize)]
struct Told {
    /// Bytes that have arrived.
    received: u64,
    /// The address by which this server was called, as far as it knows.
    called: String,
    /// True if the peer is a trusted proxy.
    proxy_trusted: bool,
}

/// Two events with a pause between them.
fn events() -> Response {
    let first = stream::iter([Bytes::from_static(b"data: first\n\n")]);
    let second = stream::once(async {
        tokio::time::sleep(PAUSE).await;
        Bytes::from_static(b"data: second\n\n")
    });
    let pieces = first.chain(second).map(Ok::<_, std::convert::Infallible>);
    sse::events(Body::from_stream(pieces))
}

async fn count(app: &App, token: String, request: Request) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let mut body = Timed::new(&parts.headers, body, &app.settings.upload_bodies(MAX_BYTES));
    let counting = Counting::begin(app, token)?;
    let mut received = 0;
    while let Some(piece) = body.next().await.map_err(unread)? {
        received += piece.len() as u64;
        app.probes.counts().insert(counting.token.clone(), received);
    }
    Ok(Json(json!({ "received": received })).into_response())
}

/// Forgets the count when it is dropped.
struct Counting<'a> {
    app: &'a App,
    token: String,
}

impl<'a> Counting<'a> {
    fn begin(app: &'a App, token: String) -> Result<Self> {
        let mut counts = app.probes.counts();
        if counts.len() >= MOST || counts.contains_key(&token) {
            return Err(Error::Busy);
        }
        counts.insert(token.clone(), 0);
        drop(counts);
        Ok(Self { app, token })
    }
}

impl Drop for Counting<'_> {
    fn drop(&mut self) {
        self.app.probes.counts().remove(&self.token);
    }
}
