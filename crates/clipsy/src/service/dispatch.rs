//! Queue and event bus, in this process or between many.

use std::sync::Arc;
use std::time::Duration;

use clipsy_dispatch::Dispatch;
use clipsy_dispatch::nats::Hears;
use clipsy_storage::Db;

use super::does::Does;
use crate::commands::exit::Refusal;
use crate::config::nats::NatsArgs;
use crate::config::service::StateArgs;
use crate::config::work::WorkArgs;

/// Longest wait at the end for what was published last.
const LAST_WORDS: Duration = Duration::from_secs(3);
/// Clocks may differ by so much of a claim's length before it is worth a warning.
const CLOCKS_PART: i64 = 8;

/// Opens what `nats` names, or makes both in this process. `hears` is what the process wants to hear of
/// others.
pub(crate) async fn open(
    nats: &NatsArgs,
    state: &StateArgs,
    work: &WorkArgs,
    does: &Does,
    db: &Db,
    hears: Hears,
) -> anyhow::Result<Dispatch> {
    let name = format!("clipsy on {}", clipsy_worker::host());
    let Some(options) = nats.options(name, work.lease(), does.serves.clone(), hears)? else {
        return Ok(Dispatch::local(Arc::clone(db.clock())));
    };
    check(nats, state)?;
    look_at_clock(db, work.lease()).await?;
    Ok(Dispatch::nats(options, Arc::clone(db.clock())).await?)
}

/// Several processes do not share a `SQLite` file, least of all over a network.
pub(crate) fn check(nats: &NatsArgs, state: &StateArgs) -> anyhow::Result<()> {
    if nats.is_set() && state.database_url()?.starts_with("sqlite:") {
        return Err(Refusal::new(
            "usage",
            "--nats-url is for a service of several processes, which needs PostgreSQL: set \
             --database-url to postgres://…",
        )
        .into());
    }
    Ok(())
}

/// Sessions, uploads and reserved files end by the clock of whoever looks.
async fn look_at_clock(db: &Db, lease: Duration) -> anyhow::Result<()> {
    let ahead_ms = db.clock_ahead_ms().await?;
    let most = i64::try_from(lease.as_millis()).unwrap_or(i64::MAX) / CLOCKS_PART;
    if ahead_ms.abs() > most {
        tracing::warn!(
            ahead_ms,
            "the clocks of this machine and of the database differ: times that are told are wrong, \
             and things expire too early or too late; set both by NTP"
        );
    }
    Ok(())
}

/// Sees to it that others hear what was published last, if they can be reached.
pub(crate) async fn flush(dispatch: &Dispatch) {
    match tokio::time::timeout(LAST_WORDS, dispatch.events.flush()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "others may not have heard what happened last"),
        Err(_) => tracing::warn!("others may not have heard what happened last"),
    }
}
