//! What goes on beside the requests.

use std::time::Duration;

use clipsy_dispatch::Received;
use clipsy_domain::clock::Steadiness;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::actions::hash_originals::hash_originals;
use crate::actions::{flush_plays, sweep_garbage};
use crate::app::App;
use crate::live;

/// How often files that are no longer wanted are deleted, and sessions that have expired forgotten.
const SWEEP: Duration = Duration::from_mins(1);
/// How often originals without a checksum are looked for without being told.
const REHASH: Duration = Duration::from_mins(10);

/// Listens to what others change and tells those who watch, writes plays down and sweeps, until
/// `stop`; then writes down what is left. Run it once beside the server.
pub async fn run(app: App, stop: CancellationToken) {
    let watching = tokio::spawn(live::run(app.clone(), stop.clone()));
    let mut events = app.dispatch.events.subscribe();
    // Whatever was read before the subscription began may be out of date.
    app.access.forget_all();
    let mut flush = interval(app.settings.view_flush);
    let mut sweep = interval(SWEEP);
    let mut recheck = interval(app.settings.graphql.recheck);
    flush.set_missed_tick_behavior(MissedTickBehavior::Delay);
    sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
    recheck.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut listening = true;
    let mut steadiness = Steadiness::new(&**app.db.clock(), std::time::Instant::now());
    let hashing = tokio::spawn(hash(app.clone(), stop.clone()));
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            received = events.next(), if listening => match received {
                Some(Received::Message(message)) => {
                    if let Some(asset) = message.asset_id() {
                        app.access.forget(asset);
                    }
                }
                Some(Received::Lagged(_)) => app.access.forget_all(),
                None => listening = false,
            },
            _ = flush.tick() => write_plays(&app).await,
            _ = recheck.tick() => {
                if let Err(error) = app.rights.recheck(&app).await {
                    tracing::warn!(%error, "could not check the sessions of open streams");
                }
            }
            _ = sweep.tick() => {
                if let Err(error) = app.db.keep_room().await {
                    tracing::warn!(%error, "the database could not keep room for when the disk is full");
                }
                sweep_garbage(&app).await;
                let steady = steadiness.look(&**app.db.clock(), std::time::Instant::now());
                if steady && let Err(error) = forget_what_is_over(&app).await {
                    tracing::warn!(%error, "could not sweep sessions and uploads");
                }
            }
        }
    }
    write_plays(&app).await;
    if let Err(error) = watching.await {
        tracing::error!(%error, "live updates ended in a panic");
    }
    // It ends with `stop`, and whatever it leaves is done at the next start.
    let _ = hashing.await;
}

/// Hashes originals as they come.
async fn hash(app: App, stop: CancellationToken) {
    loop {
        if let Err(error) = hash_originals(&app, &stop).await {
            tracing::warn!(%error, "could not look for originals to hash");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = app.unhashed.notified() => {}
            // What could not be read, and what others received and did not get to.
            () = tokio::time::sleep(REHASH) => {}
        }
    }
}

/// Sessions that have expired, and uploads that became videos long ago.
async fn forget_what_is_over(app: &App) -> clipsy_storage::Result<()> {
    app.db.sweep_sessions().await?;
    for upload in app.db.expired_uploads().await? {
        if upload.asset_id.is_some() {
            app.db.delete_upload(&upload.id).await?;
        }
    }
    Ok(())
}

async fn write_plays(app: &App) {
    if let Err(error) = flush_plays(app).await {
        tracing::warn!(%error, "could not write plays down");
    }
}
