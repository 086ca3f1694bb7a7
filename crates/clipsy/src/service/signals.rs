//! The signals that stop the service.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// What the shell reports of a program that an interrupt ended.
const INTERRUPTED: i32 = 130;

/// Cancels `stop` at the first signal to end; a second one ends the process at once. Children end
/// with it.
pub(crate) fn listen(stop: CancellationToken) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        loop {
            let name = tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
                _ = hang_up.recv() => "SIGHUP",
            };
            if stop.is_cancelled() {
                tracing::warn!(signal = name, "ending at once");
                std::process::exit(INTERRUPTED);
            }
            tracing::info!(signal = name, "stopping; once more ends at once");
            stop.cancel();
        }
    });
    Ok(())
}
