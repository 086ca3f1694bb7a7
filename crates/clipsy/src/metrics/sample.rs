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

#[cfg(test)]
mod tests {
    use clipsy_domain::asset::Visibility;
    use clipsy_domain::clock::SystemClock;
    use clipsy_domain::user::Role;
    use clipsy_storage::media::LocalStore;
    use clipsy_storage::{NewAsset, NewUser, sqlite_url};
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    async fn database(folder: &std::path::Path) -> Db {
        let url = sqlite_url(&folder.join("test.db"));
        let db = Db::connect(&url, Arc::new(SystemClock)).await.unwrap();
        db.migrate().await.unwrap();
        db
    }

    async fn add_video(db: &Db, name: &str) {
        let user = NewUser {
            username: name.into(),
            email: String::new(),
            role: Role::User,
            password_hash: String::new(),
            default_password: false,
        };
        let asset = NewAsset {
            owner_id: db.create_user(user).await.unwrap().id,
            title: name.into(),
            description: String::new(),
            visibility: Visibility::Public,
            source_key: format!("videos/originals/{name}.mp4"),
            source_name: "x.mp4".into(),
            source_type: "video/mp4".into(),
            source_bytes: 1,
            source_sha256: None,
        };
        db.create_asset(asset, None).await.unwrap();
    }

    #[tokio::test]
    async fn the_queue_is_read_off() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        // This test runs on one thread.
        let _local = metrics::set_default_local_recorder(&recorder);
        let value = |figure: &str| -> f64 {
            let text = handle.render();
            let line = text.lines().find_map(|line| line.strip_prefix(figure));
            let line = line.unwrap_or_else(|| panic!("{figure} is not in {text}"));
            line.trim().parse().unwrap()
        };
        let is = |figure: &str, expected: f64| {
            let found = value(figure);
            assert!((found - expected).abs() < f64::EPSILON, "{figure}: {found}");
        };
        let folder = tempfile::tempdir().unwrap();
        let db = database(folder.path()).await;
        let media = LocalStore::open(folder.path().join("media")).unwrap();
        look(&db, &media).await.unwrap();
        count(&db).await.unwrap();
        is("clipsy_database_up ", 1.0);
        is("clipsy_queue_jobs{state=\"queued\"} ", 0.0);
        is("clipsy_queue_oldest_seconds ", 0.0);
        is("clipsy_queue_paused ", 0.0);
        is("clipsy_workers ", 0.0);
        // Known before there is one.
        is("clipsy_jobs{state=\"failed\"} ", 0.0);
        assert!(value("clipsy_store_free_bytes ") > 0.0);

        add_video(&db, "ann").await;
        add_video(&db, "ben").await;
        let job = db.claim_job(1, "test", 60_000).await.unwrap();
        assert!(job.is_some());
        db.set_queue_paused(true).await.unwrap();
        // The age is told in milliseconds; until one has passed there is none.
        tokio::time::sleep(Duration::from_millis(5)).await;
        look(&db, &media).await.unwrap();
        count(&db).await.unwrap();
        is("clipsy_queue_jobs{state=\"queued\"} ", 1.0);
        is("clipsy_queue_jobs{state=\"running\"} ", 1.0);
        is("clipsy_jobs{state=\"queued\"} ", 1.0);
        is("clipsy_jobs{state=\"running\"} ", 1.0);
        is("clipsy_queue_paused ", 1.0);
        assert!(value("clipsy_queue_oldest_seconds ") > 0.0);

        // What was read off last stays.
        db.close().await;
        look(&db, &media).await.unwrap();
        is("clipsy_database_up ", 0.0);
        is("clipsy_queue_jobs{state=\"queued\"} ", 1.0);
        assert!(count(&db).await.is_err());
    }
}
