//! One command a file.

pub(crate) mod backup;
pub(crate) mod child;
pub(crate) mod doctor;
pub(crate) mod exit;
pub(crate) mod health;
pub(crate) mod migrate;
pub(crate) mod pages;
pub(crate) mod priority;
pub(crate) mod probe;
pub(crate) mod restore;
pub(crate) mod schema;
pub(crate) mod serve;
pub(crate) mod transcode;
pub(crate) mod user;
pub(crate) mod verify;
pub(crate) mod work;

use std::io::Write as _;

use clipsy_pipeline::CancelToken;
use serde::Serialize;

use crate::config::environment;

/// Writes one JSON value as a line of standard output.
pub(crate) fn print_json(value: &impl Serialize) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    let mut out = std::io::stdout().lock();
    out.write_all(&line)?;
    out.flush()
}

/// Writes text to standard output.
pub(crate) fn print(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// A token that is cancelled by an interrupt or termination signal. A second signal ends the
/// process at once.
pub(crate) fn cancel_on_signals() -> std::io::Result<CancelToken> {
    let cancel = CancelToken::new();
    for signal in [
        signal_hook::consts::SIGINT,
        signal_hook::consts::SIGTERM,
        signal_hook::consts::SIGHUP,
    ] {
        signal_hook::flag::register_conditional_shutdown(signal, 130, cancel.flag())?;
        signal_hook::flag::register(signal, cancel.flag())?;
    }
    Ok(cancel)
}

/// Starts `GStreamer`, with the plug-in that comes with this program.
pub(crate) fn start_pipeline() -> Result<(), clipsy_pipeline::Error> {
    clipsy_pipeline::init()?;
    clipsy_pipeline::plugins::load(environment::LADDER_FILE, &environment::ladder_plugin());
    Ok(())
}

/// Runs something short that waits for the database.
pub(crate) fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(work)
}
