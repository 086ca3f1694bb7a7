//! What goes on beside the requests.

use std::time::Duration;

use clipsy_dispatch::Received;
use clipsy_domain::clock::Steadiness;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::Service;
use crate::uploads::hash_originals::hash_originals;
use crate::videos::flush_plays;
use crate::videos::sweep_garbage::sweep_until;
use crate::watch;

/// How often files that are no longer wanted are deleted, and sessions that have expired forgotten.
const SWEEP: Duration = Duration::from_mins(1);
/// How often originals without a checksum are looked for without being told.
const REHASH: Duration = Duration::from_mins(10);

/// Forwards changes to watchers, stores plays and sweeps, until `stop`; then stores what is left.
/// Run it once beside the server. `recheck` is the interval of checking the sessions of open streams
/// in the database.
pub async fn run(service: Service, recheck: Duration, stop: CancellationToken) {
    let watching = {
        let (service, stop) = (service.clone(), stop.clone());
        watch::keep("live updates", move || {
            watch::run(service.clone(), stop.clone())
        })
    };
    let mut events = service.dispatch.events.subscribe();
    // Whatever was read before the subscription began may be out of date.
    service.videos.access.forget_all();
    let mut flush = interval(service.settings.view_flush);
    let mut recheck = interval(recheck);
    flush.set_missed_tick_behavior(MissedTickBehavior::Delay);
    recheck.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut listening = true;
    let sweeping = tokio::spawn(sweep(service.clone(), stop.clone()));
    let hashing = tokio::spawn(hash(service.clone(), stop.clone()));
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            received = events.next(), if listening => match received {
                Some(Received::Message(message)) => {
                    if let Some(asset) = message.asset_id() {
                        service.videos.access.forget(asset);
                    }
                }
                Some(Received::Lagged(_)) => service.videos.access.forget_all(),
                None => listening = false,
            },
            _ = flush.tick() => write_plays(&service).await,
            _ = recheck.tick() => {
                if let Err(error) = service.accounts.rights.recheck(&service).await {
                    tracing::warn!(%error, "could not check the sessions of open streams");
                }
            }
        }
    }
    write_plays(&service).await;
    if let Err(error) = watching.await {
        tracing::error!(%error, "live updates could not be waited for");
    }
    // They end with `stop`, and whatever they leave is done at the next start.
    let _ = tokio::join!(hashing, sweeping);
}

/// Deletes garbage. A slow store delays nothing else.
async fn sweep(service: Service, stop: CancellationToken) {
    let mut timer = interval(SWEEP);
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut steadiness = Steadiness::new(&**service.db.clock(), std::time::Instant::now());
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = timer.tick() => {}
        }
        if let Err(error) = service.db.keep_room().await {
            tracing::warn!(%error, "the database could not keep room for when the disk is full");
        }
        let steady = steadiness.look(&**service.db.clock(), std::time::Instant::now());
        match takes_turn(&service).await {
            Ok(true) => sweep_until(&service, &stop).await,
            Ok(false) => continue,
            Err(error) => {
                tracing::warn!(%error, "could not look whose turn it is to sweep");
                continue;
            }
        }
        if steady && let Err(error) = forget_what_is_over(&service).await {
            tracing::warn!(%error, "could not sweep sessions and uploads");
        }
    }
}

/// True if no other process has swept lately.
async fn takes_turn(service: &Service) -> clipsy_storage::Result<bool> {
    let lately_ms = SWEEP.as_millis() as i64 / 2;
    Ok(!service.settings.peers || service.db.take_turn("garbage", lately_ms).await?)
}

/// Hashes originals as they come.
async fn hash(service: Service, stop: CancellationToken) {
    loop {
        if let Err(error) = hash_originals(&service, &stop).await {
            tracing::warn!(%error, "could not look for originals to hash");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = service.uploads.unhashed.notified() => {}
            // What could not be read, and what others received and did not get to.
            () = tokio::time::sleep(REHASH) => {}
        }
    }
}

/// Sessions that have expired, and uploads that became videos long ago.
async fn forget_what_is_over(service: &Service) -> clipsy_storage::Result<()> {
    service.db.sweep_sessions().await?;
    for upload in service.db.expired_uploads().await? {
        if upload.asset_id.is_some() {
            service.db.delete_upload(&upload.id).await?;
        }
    }
    Ok(())
}

async fn write_plays(service: &Service) {
    if let Err(error) = flush_plays(service).await {
        tracing::warn!(%error, "could not write plays down");
    }
}
