//! Figures for Prometheus. The crates count by the `metrics` facade; this module keeps what they
//! count, reads off the rest, and hands all of it out as text.
//!
//! Nothing is kept unless somebody can ask for it: see [`MetricsArgs`].

mod listener;
mod sample;
mod table;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use clipsy_graph::App;
use clipsy_storage::Db;
use clipsy_storage::media::{MediaStore, Timed};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_process::Collector;
use table::{FIGURES, Kind};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::MetricsArgs;

/// How often measured values are sorted into their buckets, which keeps memory small when nobody
/// asks.
const TIDY: Duration = Duration::from_secs(5);

/// Keeps what is counted. Clones share it.
#[derive(Clone)]
pub(crate) struct Metrics {
    handle: PrometheusHandle,
    token: Option<Arc<str>>,
    process: Collector,
    /// What is asked for its figures when somebody asks for ours.
    app: Option<App>,
}

/// Begins to keep what is counted, if anybody can ask for it.
pub(crate) fn start(args: &MetricsArgs) -> anyhow::Result<Option<Metrics>> {
    let token = args.token()?.map(Arc::from);
    if token.is_none() && args.metrics_listen.is_none() {
        return Ok(None);
    }
    let mut builder = PrometheusBuilder::new();
    for figure in FIGURES {
        if let Kind::Histogram(buckets) = figure.kind {
            builder = builder.set_buckets_for_metric(Matcher::Full(figure.name.into()), buckets)?;
        }
    }
    let handle = builder.install_recorder().context("metrics")?;
    table::describe();
    let process = Collector::default();
    process.describe();
    Ok(Some(Metrics {
        handle,
        token,
        process,
        app: None,
    }))
}

/// `store` with its time taken, if that is kept.
pub(crate) fn timed(metrics: Option<&Metrics>, store: Arc<dyn MediaStore>) -> Arc<dyn MediaStore> {
    match metrics {
        Some(_) => Arc::new(Timed::new(store)),
        None => store,
    }
}

impl Metrics {
    /// The same, with what `app` knows of itself.
    pub(crate) fn of_app(mut self, app: &App) -> Self {
        self.app = Some(app.clone());
        self
    }

    /// Listens as `args` say, and reads off `db` and `media` what is not counted, until `stop`.
    /// Comes back when it listens.
    pub(crate) async fn run(
        &self,
        args: &MetricsArgs,
        db: Db,
        media: Arc<dyn MediaStore>,
        stop: &CancellationToken,
        tasks: &TaskTracker,
    ) -> anyhow::Result<()> {
        if let Some(address) = &args.metrics_listen {
            listener::listen(self.clone(), address, stop, tasks).await?;
        }
        tasks.spawn(sample::run(db, media, stop.clone()));
        let (handle, stop) = (self.handle.clone(), stop.clone());
        tasks.spawn(async move {
            while tokio::time::timeout(TIDY, stop.cancelled()).await.is_err() {
                handle.run_upkeep();
            }
        });
        Ok(())
    }

    /// `GET /metrics` for those who know the token, to be added to the service's own routes. Empty
    /// if there is none.
    pub(crate) fn routes(&self) -> Router {
        listener::guarded(self.clone())
    }

    /// All figures as text.
    fn render(&self) -> String {
        if let Some(app) = &self.app {
            clipsy_graph::observe(app);
        }
        self.process.collect();
        self.handle.render()
    }
}
