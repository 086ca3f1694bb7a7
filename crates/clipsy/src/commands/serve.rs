//! `clipsy serve`: the whole service in one process, with one child for each running job.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clipsy_dispatch::Dispatch;
use clipsy_graph::auth::keys::Keys;
use clipsy_graph::{App, actions, background, server};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::exit::Refusal;
use super::print;
use crate::config::service::ServiceArgs;
use crate::config::{Settings, give_memory_back};
use crate::service::first_account::{self, SignIn};
use crate::service::state::State;
use crate::service::{database, media, signals};
use crate::worker::{self, Worker};

/// Arguments of `clipsy serve`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    service: ServiceArgs,
}

/// Runs the command. `shown` are the settings in words.
pub(crate) fn run(settings: &Settings, args: &Args, shown: &str) -> anyhow::Result<()> {
    give_memory_back()?;
    raise_open_files();
    tell(&format!("Clipsy {}\n{shown}", env!("CARGO_PKG_VERSION")));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let result = runtime.block_on(serve(settings, &args.service));
    // What still runs is a file operation that nobody waits for.
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

async fn serve(settings: &Settings, args: &ServiceArgs) -> anyhow::Result<()> {
    let stop = CancellationToken::new();
    signals::listen(stop.clone())?;
    let state = State::open(args.state.folder()?)?;
    let ladder = args.transcode.adjust(settings.ladder()?)?;
    let catalog = settings.catalog()?;
    let listener = listen(&args.addresses()?).await?;
    let address = listener.local_addr()?;

    let db = database::open(&args.state).await?;
    let media = media::open(&args.media, state.media(), args.max_upload_bytes()).await?;
    let keys = Keys::load_or_create(&state.keys().join("jwt.key"))?;
    let file = args.admin_password_file.as_deref();
    let sign_in = first_account::make(&db, address, file, &state.keys()).await?;
    let dispatch = Dispatch::local(Arc::clone(db.clock()));
    let app = App::new(
        db.clone(),
        Arc::clone(&media),
        dispatch.clone(),
        keys,
        args.graph(),
    )?;
    actions::heal_uploads(&app).await?;

    let encoder = &args.transcode.encoder;
    let slots = match args.jobs {
        Some(jobs) => jobs.get(),
        None => worker::default_slots(&catalog, encoder).await,
    };
    let worker = worker::Settings {
        name: state.node()?,
        slots,
        scratch: state.scratch(),
        registry: state.registry(),
        retry: args.retry(),
        max_runtime: args.max_runtime(),
        ladder,
        encoders: settings.encoders_text()?,
        encoders_file: settings.encoders_file(),
        limits: args.transcode.limits.limits(),
        encoder: encoder.clone(),
        decoder: args.transcode.decoder,
        stall_timeout: args.transcode.stall_timeout(),
        sandbox: args.sandbox,
    };
    let worker = Arc::new(Worker::new(db.clone(), media, dispatch, worker)?);
    tell(&welcome(address, &sign_in, slots));
    let parts = Parts {
        app,
        worker,
        listener,
        deadline: args.shutdown_timeout(),
    };
    run_parts(parts, stop).await?;
    db.close().await;
    tracing::info!("stopped");
    Ok(())
}

struct Parts {
    app: App,
    worker: Arc<Worker>,
    listener: TcpListener,
    deadline: Duration,
}

/// Runs everything until `stop`, and then until all have ended or the deadline has passed. A part
/// that fails stops the others.
async fn run_parts(parts: Parts, stop: CancellationToken) -> anyhow::Result<()> {
    let Parts {
        app,
        worker,
        listener,
        deadline,
    } = parts;
    // What is written down at the end includes what the last requests did.
    let settled = CancellationToken::new();
    let background = tokio::spawn(background::run(app.clone(), settled.clone()));
    let router = clipsy_graph::router(app.clone());
    let server = {
        let stop = stop.clone();
        tokio::spawn(async move { server::serve(listener, router, &app, stop, deadline).await })
    };
    let work = {
        let stop = stop.clone();
        tokio::spawn(async move {
            let result = worker.run(stop.clone()).await;
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

/// Connections and databases need more open files than the usual limit; children lower it again.
fn raise_open_files() {
    const ENOUGH: u64 = 65_536;
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.map_or(ENOUGH, |maximum| maximum.min(ENOUGH));
    if limit.current.is_some_and(|current| current < most) {
        let raised = Rlimit {
            current: Some(most),
            ..limit
        };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            tracing::warn!(%error, "the number of open files could not be raised");
        }
    }
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
        SignIn::Default => writeln!(
            text,
            "Sign in as admin with the password admin123. It only works on this machine: change it."
        ),
        SignIn::Given => writeln!(text, "Sign in as admin with the password that you set."),
        SignIn::Generated { password, file } => writeln!(
            text,
            "Sign in as admin with the password {password}\nIt is shown only once; {} has it, too.",
            file.display()
        ),
    };
    let _ = writeln!(text, "Videos processed side by side: {slots}");
    text
}
