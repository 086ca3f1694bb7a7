//! What is read off from time to time, so that asking for it is cheap however often it is done.

use std::sync::Arc;
use std::time::Duration;

use clipsy_domain::job::JobState;
use clipsy_storage::media::MediaStore;
use clipsy_storage::{Db, Result};
use metrics::gauge;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

/// How often the queue and the rest are looked at.
const OFTEN: Duration = Duration::from_secs(10);
/// How often all jobs are counted, for which the database reads them all.
const SELDOM: Duration = Duration::from_mins(10);
/// A database that takes longer counts as away.
const PATIENCE: Duration = Duration::from_secs(5);

/// Looks until `stop`.
pub(super) async fn run(db: Db, media: Arc<dyn MediaStore>, stop: CancellationToken) {
    let mut often = interval(OFTEN);
    let mut seldom = interval(SELDOM);
    for timer in [&mut often, &mut seldom] {
        timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    }
    loop {
        let seen = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            _ = often.tick() => look(&db, &*media).await,
            _ = seldom.tick() => count(&db).await,
        };
        if let Err(error) = seen {
            tracing::debug!(%error, "could not read figures off the database");
        }
    }
}

async fn look(db: &Db, media: &dyn MediaStore) -> Result<()> {
    if let Some(bytes) = media.free_bytes().await {
        gauge!("clipsy_store_free_bytes").set(bytes as f64);
    }
    let started = Instant::now();
    let pong = timeout(PATIENCE, db.ping()).await;
    let up = matches!(pong, Ok(Ok(())));
    gauge!("clipsy_database_up").set(if up { 1.0 } else { 0.0 });
    gauge!("clipsy_database_ping_seconds").set(started.elapsed().as_secs_f64());
    if !up {
        return Ok(());
    }
    let backlog = db.backlog().await?;
    gauge!("clipsy_queue_jobs", "state" => "queued").set(backlog.queued as f64);
    gauge!("clipsy_queue_jobs", "state" => "running").set(backlog.running as f64);
    gauge!("clipsy_queue_paused").set(if backlog.paused { 1.0 } else { 0.0 });
    let oldest_ms = backlog
        .oldest_due_at
        .map_or(0, |due| (db.clock().now() - due).num_milliseconds().max(0));
    gauge!("clipsy_queue_oldest_seconds").set(oldest_ms as f64 / 1_000.0);
    gauge!("clipsy_workers").set(db.workers().await?.len() as f64);
    Ok(())
}

async fn count(db: &Db) -> Result<()> {
    let counted = db.jobs_by_state().await?;
    for state in JobState::ALL {
        let found = counted.iter().find(|(of, _)| *of == state);
        let jobs = found.map_or(0, |(_, jobs)| *jobs);
        gauge!("clipsy_jobs", "state" => state.as_str()).set(jobs as f64);
    }
    Ok(())
}
