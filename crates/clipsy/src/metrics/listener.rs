//! Who may ask for the figures, and where.

use std::future::ready;

use anyhow::Context as _;
use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use clipsy_http::header::bearer_of;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Metrics;
use crate::commands::exit::Refusal;

/// Answers `GET /metrics` to everybody who can reach `address`, until `stop`. `GET /healthz` says
/// that the process is alive, for programs that have no other port.
pub(super) async fn listen(
    metrics: Metrics,
    address: &str,
    stop: &CancellationToken,
    tasks: &TaskTracker,
) -> anyhow::Result<()> {
    let listener = TcpListener::bind(address).await.map_err(|error| {
        let message = format!("cannot listen for metrics on {address}: {error}");
        Refusal::new("listen", message)
    })?;
    let address = listener.local_addr().context("metrics")?;
    tracing::info!(%address, "metrics at /metrics");
    let router = Router::new()
        .route("/metrics", get(move || ready(answer(&metrics))))
        .route("/healthz", get(|| ready("ok\n")));
    let stop = stop.clone();
    tasks.spawn(async move {
        let serve = axum::serve(listener, router);
        tokio::select! {
            () = stop.cancelled() => {}
            result = serve => if let Err(error) = result {
                tracing::error!(%error, "metrics are no longer answered");
            }
        }
    });
    Ok(())
}

/// `GET /metrics` for those who send the token; without a token there is no such route.
pub(super) fn guarded(metrics: Metrics) -> Router {
    let Some(token) = metrics.token.clone() else {
        return Router::new();
    };
    let serve = move |request: Request| {
        ready(match bearer_of(request.headers()) {
            Some(given) if same(given, &token) => answer(&metrics),
            _ => (
                StatusCode::UNAUTHORIZED,
                [(WWW_AUTHENTICATE, "Bearer realm=\"metrics\"")],
            )
                .into_response(),
        })
    };
    Router::new().route("/metrics", get(serve))
}

fn answer(metrics: &Metrics) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
    ];
    (headers, metrics.render()).into_response()
}

/// Compares without telling by the time it takes how much is right.
fn same(given: &str, token: &str) -> bool {
    let different = given
        .bytes()
        .zip(token.bytes())
        .fold(0, |sum, (a, b)| sum | (a ^ b));
    given.len() == token.len() && different == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_is_the_token() {
        assert!(same("secret", "secret"));
        for wrong in ["", "secre", "secret1", "Secret", "terces"] {
            assert!(!same(wrong, "secret"), "{wrong:?}");
        }
    }
}
