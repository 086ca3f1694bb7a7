//! Listening with this crate's settings.

use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::app::App;

/// Serves `router` on `listener` until `stop`. Then no connection is accepted any more, streams are
/// closed, and requests that run may end within `deadline`. False if some have not; they end with
/// the runtime.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    app: &App,
    stop: CancellationToken,
    deadline: Duration,
) -> bool {
    let limits = app.settings.connections();
    clipsy_http::server::serve(listener, router, &limits, &app.streams, stop, deadline).await
}
