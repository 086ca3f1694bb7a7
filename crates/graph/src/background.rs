//! What goes on beside the requests, with this crate's settings.

use clipsy_service::background;
use tokio_util::sync::CancellationToken;

use crate::app::App;

/// Runs [`background::run`] for the service behind `app` until `stop`.
pub async fn run(app: App, stop: CancellationToken) {
    let recheck = app.settings.graphql.recheck;
    background::run((**app).clone(), recheck, stop).await;
}
