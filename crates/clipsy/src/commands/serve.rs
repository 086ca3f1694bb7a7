//! `clipsy serve`: the whole service in one process, with one child for each running job.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clipsy_dispatch::nats::Hears;
use clipsy_graph::{App, SettingShown, background, server};
use clipsy_service::accounts::keys::Keys;
use clipsy_service::cage::Cage;
use clipsy_service::uploads::heal_uploads;
use clipsy_worker::sweep::Sweeper;
use clipsy_worker::{StillSettings, Stills, Worker};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::exit::Refusal;
use super::print;
use crate::config::service::ServiceArgs;
use crate::config::{Settings, TracesArgs, environment};
use crate::metrics;
use crate::service::first_account::{self, SignIn};
use crate::service::state::State;
use crate::service::{database, dispatch, does, limits, media, signals};

/// Arguments of `clipsy serve`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    service: ServiceArgs,
}

impl Args {
    /// Where traces go.
    pub(crate) fn traces(&self) -> &TracesArgs {
        &self.service.traces
    }
}

/// Runs the command. `shown` are the settings in words, `told` the same for admins to look at.
pub(crate) fn run(
    settings: &Settings,
    args: &Args,
    shown: &str,
    told: Vec<SettingShown>,
) -> anyhow::Result<()> {
    limits::raise_open_files();
    tell(&format!("Clipsy {}\n{shown}", env!("CARGO_PKG_VERSION")));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let result = runtime.block_on(serve(settings, &args.service, told));
    // What still runs is a file operation that nobody waits for.
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

async fn serve(
    settings: &Settings,
    args: &ServiceArgs,
    told: Vec<SettingShown>,
) -> anyhow::Result<()> {
    let stop = CancellationToken::new();
    signals::listen(stop.clone())?;
    let metrics = metrics::start(&args.metrics)?;
    let state = State::open(args.state.folder()?)?;
    let peers = args.nats.is_set();
    let listener = listen(&args.addresses()?).await?;
    let address = listener.local_addr()?;

    let db = database::open(&args.state).await?;
    let media = media::open(&args.media, state.media(), args.max_upload_bytes()).await?;
    let media = metrics::timed(metrics.as_ref(), media);
    let keys = Keys::load_or_create(&match &args.key_file {
        Some(file) => file.clone(),
        None => state.keys().join("jwt.key"),
    })?;
    if peers && args.key_file.is_none() {
        tracing::warn!(
            "tokens are signed with a key of this state folder: if there is more than one \
             `clipsy serve`, give all of them the same --key-file"
        );
    }
    let file = args.admin_password_file.as_deref();
    let sign_in = first_account::make(&db, args.demo, file, &state.keys()).await?;
    let does = does::find(
        settings,
        &args.work,
        peers,
        does::Whose::Server,
        &state.registry(),
    )
    .await?;
    let dispatch = dispatch::open(
        &args.nats,
        &args.state,
        &args.work,
        &does,
        &db,
        Hears::Everything,
    )
    .await?;
    let stills = StillSettings {
        folder: state.stills(),
        registry: state.registry(),
        limits: args.work.transcode.limits.limits(),
        sandbox: args.work.sandbox(),
        environment: environment::of_children(),
    };
    let stills = Stills::start(Arc::clone(&media), stills, stop.clone()).await?;
    let cage = Cage::default();
    super::doctor::try_in_background(args.work.sandbox(), cage.clone());
    let mut settings_of_api = limits::fitted(args.graph());
    settings_of_api.media_origin = media::origin(&*media).await?;
    settings_of_api.service.node = state.node()?;
    settings_of_api.service.peers = peers;
    settings_of_api.service.wants = does.wants;
    settings_of_api.service.cage = cage;
    settings_of_api.shown = told;
    let app = App::new(
        db.clone(),
        Arc::clone(&media),
        dispatch.clone(),
        keys,
        Arc::new(stills),
        settings_of_api,
    )?;
    heal_uploads(&app).await?;

    let slots = does.slots;
    let sweeper = Sweeper {
        db: db.clone(),
        dispatch: dispatch.clone(),
        retry: args.work.retry(),
        wants: does.wants,
        lease: args.work.lease(),
        peers,
    };
    let work = if slots == 0 {
        Work::Elsewhere(sweeper)
    } else {
        let settings = does.settings(settings, &args.work, &state, peers)?;
        let worker = Worker::new(db.clone(), Arc::clone(&media), dispatch.clone(), settings)?;
        Work::Here(Arc::new(worker))
    };
    let metrics = metrics.map(|metrics| metrics.of_app(&app));
    // They can be seen to the end.
    let (watched, over) = (TaskTracker::new(), CancellationToken::new());
    if let Some(metrics) = &metrics {
        metrics
            .run(&args.metrics, db.clone(), media, &over, &watched)
            .await?;
    }
    tell(&welcome(address, &sign_in, slots));
    let parts = Parts {
        more: metrics.map(|metrics| metrics.routes()).unwrap_or_default(),
        app,
        work,
        listener,
        deadline: args.work.shutdown_timeout(),
    };
    let ended = run_parts(parts, stop).await;
    over.cancel();
    watched.close();
    watched.wait().await;
    ended?;
    dispatch::flush(&dispatch).await;
    db.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// Who does the jobs.
enum Work {
    /// This process.
    Here(Arc<Worker>),
    /// Others; this one only sees to it that they hear of them.
    Elsewhere(Sweeper),
}

struct Parts {
    app: App,
    /// Routes beside those of the service.
    more: axum::Router,
    work: Work,
    listener: TcpListener,
    deadline: Duration,
}

/// Runs everything until `stop`, and then until all have ended or the deadline has passed. A part
/// that fails stops the others.
async fn run_parts(parts: Parts, stop: CancellationToken) -> anyhow::Result<()> {
    let Parts {
        app,
        more,
        work,
        listener,
        deadline,
    } = parts;
    // What is written down at the end includes what the last requests did.
    let settled = CancellationToken::new();
    let background = tokio::spawn(background::run(app.clone(), settled.clone()));
    let router = clipsy_graph::router(app.clone()).merge(more);
    let server = {
        let stop = stop.clone();
        tokio::spawn(async move { server::serve(listener, router, &app, stop, deadline).await })
    };
    let work = {
        let stop = stop.clone();
        tokio::spawn(async move {
            let result = match work {
                Work::Here(worker) => worker.run(stop.clone()).await,
                Work::Elsewhere(sweeper) => {
                    sweeper.run(stop.clone()).await;
                    Ok(())
                }
            };
            stop.cancel();
            result
        })
    };
    let ends = async {
        let (all_answered, worked) = tokio::join!(server, work);
        settled.cancel();
        background.await?;
        if !all_answered? {
            tracing::warn!("requests were cut off at the deadline");
        }
        worked?.context("the worker")
    };
    let too_late = async {
        stop.cancelled().await;
        // The parts keep to the deadline themselves; this is for those that cannot.
        tokio::time::sleep(deadline + Duration::from_secs(1)).await;
    };
    tokio::select! {
        result = ends => result,
        () = too_late => {
            tracing::warn!("stopped at the deadline; unfinished jobs are taken up at the next start");
            Ok(())
        }
    }
}

async fn listen(addresses: &[SocketAddr]) -> anyhow::Result<TcpListener> {
    TcpListener::bind(addresses).await.map_err(|error| {
        let names: Vec<String> = addresses.iter().map(SocketAddr::to_string).collect();
        let message = format!("cannot listen on {}: {error}", names.join(" or "));
        Refusal::new("listen", message).into()
    })
}

/// Prints to whoever started the server. It runs whether or not they listen.
fn tell(text: &str) {
    let _ = print(text);
}

fn welcome(address: SocketAddr, sign_in: &SignIn, slots: usize) -> String {
    let host = match address {
        _ if address.ip().is_unspecified() => format!("localhost:{}", address.port()),
        address => address.to_string(),
    };
    let mut text = format!("\nListening on http://{host} (API: http://{host}/api/docs/)\n");
    let _ = match sign_in {
        SignIn::AsBefore => writeln!(text, "Sign in with an account that you have."),
        SignIn::Demo => writeln!(
            text,
            "This is a demonstration, for this machine only: sign in as admin with the password \
             admin123.\nStart without --demo for anything else."
        ),
        SignIn::Locked(name) => writeln!(
            text,
            "Sign in with an account that you have. {name} still has the documented password and \
             is refused:\ngive it another with `clipsy user passwd {name}`."
        ),
        SignIn::Given => writeln!(text, "Sign in as admin with the password that you set."),
        SignIn::Generated { password, file } => writeln!(
            text,
            "Sign in as admin with the password {password}\nIt is shown only once; {} has it, too.",
            file.display()
        ),
    };
    let _ = match slots {
        0 => writeln!(
            text,
            "Videos processed side by side: none here; `clipsy work` does it"
        ),
        slots => writeln!(text, "Videos processed side by side: {slots}"),
    };
    text
}
