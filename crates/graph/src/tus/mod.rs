//! Uploads that can be resumed: tus 1.0.0 (<https://tus.io/protocols/resumable-upload>) with the
//! extensions creation, creation-with-upload, creation-defer-length, expiration, checksum,
//! termination and concatenation.
//!
//! This module is the protocol: headers in, headers out. Bytes and rows are handled by
//! [`clipsy_service::uploads`], which also ensures that one request at a time works on an upload. A few
//! routes in JSON stand beside it, for lists and for what is said about an upload.

mod cors;
mod create;
mod delete;
mod head;
mod headers;
pub(crate) mod json;
pub(crate) mod metadata;
mod patch;
pub(crate) mod probe;
mod respond;
mod sent;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use axum::routing::any;
use clipsy_domain::user::Viewer;
use clipsy_http::header::{MediaType, text};
use clipsy_service::UploadError;
use clipsy_service::error::{Error, Result};
use tracing::Instrument as _;

use crate::app::App;
use crate::auth::viewer::authenticate;

/// The version of tus that is spoken.
const VERSION: &str = "1.0.0";
/// The media type of bytes.
const OFFSET_STREAM: &str = "application/offset+octet-stream";

/// All routes below `/api/uploads/`.
pub(crate) fn routes() -> Router<App> {
    let mut router = Router::new();
    for (path, methods) in [
        ("/api/uploads", any(collection)),
        ("/api/uploads/{id}", any(one)),
        ("/api/uploads/probe/{token}", any(probe::probe)),
    ] {
        router = router
            .route(path, methods.clone())
            .route(&format!("{path}/"), methods);
    }
    router
}

/// `/api/uploads/`
async fn collection(State(app): State<App>, request: Request) -> Response {
    let method = effective_method(&request);
    let done = apart(async move {
        match method {
            Method::OPTIONS => Ok(cors::options(&app, request.headers())),
            Method::GET => json::list(&app, request).await,
            Method::POST => create::create(&app, request).await,
            other => Err(Error::Method(other.to_string()).into()),
        }
    });
    respond::answer(done.await, &[Method::GET, Method::POST, Method::OPTIONS])
}

/// `/api/uploads/{id}`
async fn one(State(app): State<App>, Path(id): Path<String>, request: Request) -> Response {
    let method = effective_method(&request);
    let done = apart(async move {
        match method {
            Method::OPTIONS => Ok(cors::options(&app, request.headers())),
            Method::GET => json::get(&app, &id, request).await,
            Method::HEAD => head::head(&app, &id, request).await,
            Method::PATCH => patch::patch(&app, &id, request).await,
            Method::DELETE => delete::delete(&app, &id, request).await,
            other => Err(Error::Method(other.to_string()).into()),
        }
    });
    let allowed = [
        Method::GET,
        Method::HEAD,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ];
    respond::answer(done.await, &allowed)
}

/// Runs the work in its own task: a request is dropped when its client disconnects, but received
/// bytes must be written, and a waiting request must get the upload.
async fn apart(work: impl Future<Output = respond::Result> + Send + 'static) -> respond::Result {
    let work = tokio::spawn(work.instrument(tracing::Span::current()));
    work.await.map_err(Error::internal)?
}

/// The method, or what `X-HTTP-Method-Override` says, for senders that can only do some.
fn effective_method(request: &Request) -> Method {
    let told = text(request.headers(), "x-http-method-override");
    told.and_then(|name| Method::from_bytes(name.as_bytes()).ok())
        .unwrap_or_else(|| request.method().clone())
}

/// Refuses senders that speak another version.
fn check_version(headers: &HeaderMap) -> Result<()> {
    if text(headers, "tus-resumable") == Some(VERSION) {
        Ok(())
    } else {
        Err(UploadError::Version.into())
    }
}

/// Who asks; nobody is refused.
async fn viewer(app: &App, parts: &Parts) -> Result<Viewer> {
    let signed_in = authenticate(app, &parts.headers).await?;
    Ok(signed_in.ok_or(Error::NotSignedIn)?.viewer())
}

/// Refuses a body that is not bytes of an upload.
fn check_bytes(headers: &HeaderMap) -> Result<()> {
    let kind = MediaType::of(headers);
    if kind.as_ref().is_some_and(|kind| kind.is(OFFSET_STREAM)) {
        return Ok(());
    }
    let kind = kind.map(|kind| kind.essence()).unwrap_or_default();
    Err(Error::MediaType(kind.chars().take(200).collect()))
}
