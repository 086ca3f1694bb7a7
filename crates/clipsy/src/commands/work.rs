//! `clipsy work`: does jobs for `clipsy serve` processes on this or other machines.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clipsy_dispatch::nats::Hears;
use clipsy_graph::probes;
use clipsy_service::cage::Cage;
use clipsy_worker::Worker;
use tokio::net::TcpListener;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::exit::Refusal;
use super::print;
use crate::config::media::MediaArgs;
use crate::config::nats::NatsArgs;
use crate::config::service::StateArgs;
use crate::config::work::WorkArgs;
use crate::config::{MetricsArgs, Settings, TracesArgs};
use crate::metrics;
use crate::service::state::{self, State};
use crate::service::{database, dispatch, does, limits, media, signals};

/// How often files of workers that died beside this one are looked for.
const SIBLINGS: Duration = Duration::from_mins(1);

/// Arguments of `clipsy work`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    state: StateArgs,
    #[command(flatten)]
    media: MediaArgs,
    #[command(flatten)]
    nats: NatsArgs,
    #[command(flatten)]
    work: WorkArgs,
    /// Address to answer `/healthz` and `/readyz` on [default: none]
    #[arg(long, env = "CLIPSY_WORK_LISTEN", value_name = "ADDRESS:PORT")]
    work_listen: Option<String>,
    #[command(flatten)]
    metrics: MetricsArgs,
    #[command(flatten)]
    pub(crate) traces: TracesArgs,
}

/// Runs the command. `shown` are the settings in words.
pub(crate) fn run(settings: &Settings, args: &Args, shown: &str) -> anyhow::Result<()> {
    limits::raise_open_files();
    tell(&format!("Clipsy {}\n{shown}", env!("CARGO_PKG_VERSION")));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let result = runtime.block_on(work(settings, args));
    // What still runs is a file operation that nobody waits for.
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

async fn work(settings: &Settings, args: &Args) -> anyhow::Result<()> {
    if !args.nats.is_set() {
        let message = "--nats-url is missing: without it `clipsy serve` does the jobs itself";
        return Err(Refusal::new("usage", message).into());
    }
    dispatch::check(&args.nats, &args.state)?;
    let stop = CancellationToken::new();
    signals::listen(stop.clone())?;
    let metrics = metrics::start(&args.metrics)?;
    let folder = args.state.folder()?;
    let state = State::open_worker(&folder)?;
    let cage = Cage::default();
    super::doctor::try_in_background(args.work.sandbox(), cage.clone());
    let listener = match &args.work_listen {
        Some(address) => Some(listen(address).await?),
        None => None,
    };

    let db = database::open(&args.state).await?;
    // It receives no uploads.
    let media = media::open(&args.media, folder.join("media"), 0).await?;
    let media = metrics::timed(metrics.as_ref(), media);
    let does = does::find(
        settings,
        &args.work,
        true,
        does::Whose::Worker,
        &state.registry(),
    )
    .await?;
    let dispatch = dispatch::open(
        &args.nats,
        &args.state,
        &args.work,
        &does,
        &db,
        Hears::Orders,
    )
    .await?;
    let welcome = welcome(&state, &does, listener.as_ref());
    let settings = does.settings(settings, &args.work, &state, true)?;
    let worker = Worker::new(db.clone(), Arc::clone(&media), dispatch.clone(), settings)?;
    // They can be seen to the end.
    let (watched, over) = (TaskTracker::new(), CancellationToken::new());
    if let Some(metrics) = &metrics {
        let media = Arc::clone(&media);
        metrics
            .run(&args.metrics, db.clone(), media, &over, &watched)
            .await?;
    }
    if let Some(listener) = listener {
        let parts = probes::Parts {
            db: db.clone(),
            media,
            dispatch: dispatch.clone(),
            cage,
        };
        tokio::spawn(probes::serve(listener, parts, stop.clone()));
    }
    let siblings = tokio::spawn(look_after_siblings(state, stop.clone()));
    tell(&welcome);

    let too_late = async {
        stop.cancelled().await;
        // The worker keeps to the deadline itself; this is for one that cannot.
        tokio::time::sleep(args.work.shutdown_timeout()).await;
    };
    tokio::select! {
        result = Arc::new(worker).run(stop.clone()) => result.context("the worker")?,
        () = too_late => {
            tracing::warn!("stopped at the deadline; unfinished jobs are taken up by others");
        }
    }
    stop.cancel();
    dispatch::flush(&dispatch).await;
    over.cancel();
    watched.close();
    watched.wait().await;
    db.close().await;
    // Only now may another worker have this one's place.
    drop(siblings.await);
    tracing::info!("stopped");
    Ok(())
}

/// Holds the worker's place until `stop`, and gives it back then.
async fn look_after_siblings(state: State, stop: CancellationToken) -> Arc<State> {
    let state = Arc::new(state);
    let mut timer = tokio::time::interval(SIBLINGS);
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return state,
            _ = timer.tick() => {
                let swept = Arc::clone(&state);
                let done = tokio::task::spawn_blocking(move || swept.sweep_dead_siblings()).await;
                if let Ok(Err(error)) = done {
                    tracing::warn!(%error, "could not clean up after other workers");
                }
            }
        }
    }
}

async fn listen(address: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let message = format!("cannot listen on {address}: {error}");
        Refusal::new("listen", message).into()
    })
}

/// Prints to whoever started the worker. It runs whether or not they listen.
fn tell(text: &str) {
    let _ = print(text);
}

fn welcome(state: &State, does: &does::Does, listener: Option<&TcpListener>) -> String {
    let working = does.tried.iter().filter(|encoder| encoder.works);
    let encoders: Vec<&str> = working.map(|encoder| encoder.id.as_str()).collect();
    let place = state::name(state);
    let address = listener.and_then(|listener| listener.local_addr().ok());
    let listening = address.map_or(String::new(), |address| {
        format!("Listening on http://{address}\n")
    });
    format!(
        "\nWorking as {place} with the encoders {}\n{listening}Videos processed side by side: {}\n",
        encoders.join(", "),
        does.slots
    )
}
