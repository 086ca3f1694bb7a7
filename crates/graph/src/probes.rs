//! `/healthz` and `/readyz` of a process that serves nothing else.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use clipsy_dispatch::Dispatch;
use clipsy_storage::Db;
use clipsy_storage::media::MediaStore;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use clipsy_service::cage::Cage;

/// Longest wait for one part's answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a worker depends on.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The database.
    pub db: Db,
    /// Originals and output.
    pub media: Arc<dyn MediaStore>,
    /// Queue and events.
    pub dispatch: Dispatch,
    /// How well the processes are locked in that parse media.
    pub cage: Cage,
}

/// Serves `listener` until `stop`. A failure is logged: the worker continues without it.
pub async fn serve(listener: TcpListener, parts: Parts, stop: CancellationToken) {
    let router = Router::new()
        .route("/healthz", get(async || Json(json!({ "status": "ok" }))))
        .route("/readyz", get(readyz))
        .with_state(parts);
    let server = axum::serve(listener, router);
    tokio::select! {
        () = stop.cancelled() => {}
        ended = server.into_future() => {
            tracing::warn!(error = ?ended.err(), "health is no longer told");
        }
    }
}

/// 200 if jobs can be done; 503, and what is away, if not.
async fn readyz(State(parts): State<Parts>) -> (StatusCode, Json<Value>) {
    let (database, media, queue) = tokio::join!(
        timeout(PATIENCE, parts.db.ping()),
        timeout(PATIENCE, parts.media.ping()),
        timeout(PATIENCE, parts.dispatch.queue.ping()),
    );
    let word = |good| if good { "ok" } else { "failed" };
    let (database, media, queue) = (
        matches!(database, Ok(Ok(()))),
        matches!(media, Ok(Ok(()))),
        matches!(queue, Ok(Ok(()))),
    );
    let (code, status) = if database && media && queue {
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
    };
    let told = json!({
        "status": status,
        "database": word(database),
        "media": word(media),
        "queue": word(queue),
        "sandbox": parts.cage.words(),
    });
    (code, Json(told))
}
