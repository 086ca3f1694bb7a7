//! Whether a proxy in front holds request bodies back until they are complete. Then an upload that
//! breaks off has lost everything that the proxy held.
//!
//! Somebody sends half of a body to `/api/uploads/probe/{token}` and asks there, in a second
//! request, how much has arrived. `clipsy doctor --proxy` does so.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::Method;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use crate::app::App;
use crate::error::{Error, Result};
use crate::rest::body::Timed;

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

/// Counts the bytes of a `POST` while they come; `GET` says how many there were. It keeps nothing,
/// so that nobody needs to sign in.
pub(crate) async fn probe(
    State(app): State<App>,
    Path(token): Path<String>,
    request: Request,
) -> Result<Response> {
    let sane = (8..=64).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_alphanumeric());
    if !sane {
        return Err(Error::NotFound);
    }
    match *request.method() {
        Method::POST => count(&app, token, request).await,
        Method::GET => {
            let received = app.probes.counts().get(&token).copied();
            Ok(Json(json!({ "received": received.unwrap_or(0) })).into_response())
        }
        ref other => Err(Error::Method(other.to_string())),
    }
}

async fn count(app: &App, token: String, request: Request) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let patience = app.settings.body_timeout;
    let mut body = Timed::new(&parts.headers, body, MAX_BYTES, patience);
    let counting = Counting::begin(app, token)?;
    let mut received = 0;
    while let Some(piece) = body.next().await? {
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
