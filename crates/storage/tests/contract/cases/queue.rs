//! The queue as a whole, what came out of it, who works, and what it takes.

use chrono::TimeDelta;
use clipsy_domain::clock::from_millis;
use clipsy_domain::job::JobState;
use clipsy_domain::worker::{CardFound, EncoderFound, WorkerSign};
use clipsy_storage::{Finished, WORKER_SILENCE_MS};

use crate::support::{LEASE, POLICY, World, crash, finished, rendition};

pub(crate) async fn the_queue_is_counted(world: World) {
    let db = &world.db;
    let counts = db.queue_counts().await.unwrap();
    assert_eq!((counts.queued, counts.running, counts.failed), (0, 0, 0));
    assert_eq!(counts.oldest_queued_at, None);
    assert_eq!(db.backlog().await.unwrap().oldest_due_at, None);

    let first = world.now();
    let (a, _) = world.asset("a").await;
    world.pass(5);
    let (b, _) = world.asset("b").await;
    let running = world.running("c").await;
    let failed = world.running("d").await;
    let mut failure = crash();
    failure.retryable = false;
    db.fail_job(failed.id, 1, &failure, &POLICY).await.unwrap();
    world
        .run(&format!(
            "UPDATE jobs SET priority = 5 WHERE asset_id = {}",
            b.id
        ))
        .await;

    let counts = db.queue_counts().await.unwrap();
    assert_eq!((counts.queued, counts.running, counts.failed), (2, 1, 1));
    assert_eq!(counts.oldest_queued_at, Some(first));
    let backlog = db.backlog().await.unwrap();
    assert_eq!((backlog.queued, backlog.running), (2, 1));
    assert_eq!(backlog.oldest_due_at, Some(first));
    let mut states = db.jobs_by_state().await.unwrap();
    states.sort_unstable_by_key(|(state, _)| state.as_str());
    let three = [
        (JobState::Failed, 1),
        (JobState::Queued, 2),
        (JobState::Running, 1),
    ];
    assert_eq!(states, three);
    let head = db.queue_head(10).await.unwrap();
    let order: Vec<i64> = head.iter().map(|job| job.asset_id).collect();
    assert_eq!(order, [running.asset_id, b.id, a.id]);
    assert_eq!(db.queue_head(1).await.unwrap().len(), 1);
    assert_eq!(db.assets_in_queue().await.unwrap(), [b.id, a.id]);
    let mut places = db
        .queue_places(&[a.id, b.id, running.asset_id, 4711])
        .await
        .unwrap();
    places.sort_unstable();
    assert_eq!(places, [(a.id, 2), (b.id, 1)]);

    // A failed asset that is tried again has two jobs.
    db.retry_job(failed.asset_id).await.unwrap().unwrap();
    let jobs = db.jobs_of_assets(&[failed.asset_id, a.id]).await.unwrap();
    let states: Vec<_> = jobs.iter().map(|job| (job.asset_id, job.state)).collect();
    assert_eq!(
        states,
        [
            (a.id, JobState::Queued),
            (failed.asset_id, JobState::Queued),
            (failed.asset_id, JobState::Failed)
        ]
    );
}

pub(crate) async fn the_queue_is_held_for_everybody(world: World) {
    let db = &world.db;
    assert!(!db.queue_paused().await.unwrap());
    assert!(db.set_queue_paused(true).await.unwrap());
    assert!(!db.set_queue_paused(true).await.unwrap());
    let other = world.another().await;
    assert!(other.queue_paused().await.unwrap());
    assert!(other.queue_counts().await.unwrap().paused);
    assert!(other.set_queue_paused(false).await.unwrap());
    assert!(!other.set_queue_paused(false).await.unwrap());
    assert!(!db.queue_paused().await.unwrap());
}

pub(crate) async fn what_came_out_is_told_by_the_minute(world: World) {
    let db = &world.db;
    let minute = |ms: i64| from_millis(ms - ms.rem_euclid(60_000));
    let start = minute(world.now().timestamp_millis());
    for title in ["a", "b"] {
        let job = world.running(title).await;
        world.pass(1_500);
        db.finish_job(job.id, 1, &finished()).await.unwrap();
    }
    world.pass(120_000);
    let unknown = world.running("of unknown length").await;
    let made = Finished {
        duration_s: None,
        ..finished()
    };
    db.finish_job(unknown.id, 1, &made).await.unwrap();
    let failed = world.running("bad").await;
    let mut failure = crash();
    failure.retryable = false;
    db.fail_job(failed.id, 1, &failure, &POLICY).await.unwrap();

    let samples = db.throughput(start).await.unwrap();
    assert_eq!(samples.len(), 2, "{samples:?}");
    let first = samples[0];
    assert_eq!((first.at, first.finished, first.failed), (start, 2, 0));
    assert!((first.media_s - 25.0).abs() < 1e-9, "{first:?}");
    assert!((first.encode_s - 3.0).abs() < 1e-9, "{first:?}");
    let last = samples[1];
    assert_eq!(last.at, minute(world.now().timestamp_millis()));
    assert_eq!((last.finished, last.failed), (1, 1));
    assert!(last.media_s.abs() < 1e-9);
    let later = world.now() + TimeDelta::minutes(1);
    assert_eq!(db.throughput(later).await.unwrap(), []);
}

pub(crate) async fn workers_are_listed_while_they_say_something(world: World) {
    let db = &world.db;
    let sign = |id: &str, host: &str| WorkerSign {
        id: id.into(),
        host: host.into(),
        version: "1.0".into(),
        started_at: from_millis(7),
        seen_at: from_millis(0),
        slots: 2,
        busy: 0,
        encoders: Vec::new(),
        cards: Vec::new(),
        draining: false,
    };
    db.note_worker(&sign("w2", "a")).await.unwrap();
    world.pass(10);
    let encoder = EncoderFound {
        id: "software".into(),
        label: "x264".into(),
        kind: "software".into(),
        element: "x264enc".into(),
        works: true,
        reason: "it \"encoded\"".into(),
        advice: None,
        preferred: true,
    };
    let card = |id: &str| CardFound {
        id: id.into(),
        label: "NVIDIA L4".into(),
        kind: "nvidia".into(),
        jobs: 1,
        sessions: 4,
        session_limit: Some(8),
        encoder_load: Some(93),
        decoder_load: Some(0),
        load: Some(100),
        memory_used: Some(3 << 30),
        memory: Some(24 << 30),
    };
    // Of this one its driver tells nothing.
    let silent = CardFound {
        session_limit: None,
        encoder_load: None,
        decoder_load: None,
        load: None,
        memory_used: None,
        memory: None,
        ..card("renderD128")
    };
    let busy = WorkerSign {
        busy: 1,
        encoders: vec![encoder],
        cards: vec![card("GPU-1"), silent],
        draining: true,
        ..sign("w1", "b")
    };
    db.note_worker(&sign("w1", "b")).await.unwrap();
    db.note_worker(&busy).await.unwrap();
    let now = world.now();
    let listed = db.workers().await.unwrap();
    let ids: Vec<&str> = listed.iter().map(|worker| worker.id.as_str()).collect();
    assert_eq!(ids, ["w2", "w1"]);
    assert_eq!(
        listed[1],
        WorkerSign {
            seen_at: now,
            ..busy
        }
    );

    // A version that knew of no cards leaves this empty.
    world.run("UPDATE workers SET cards = NULL").await;
    let listed = db.workers().await.unwrap();
    assert_eq!((listed.len(), listed[1].cards.len()), (2, 0));

    world.pass(WORKER_SILENCE_MS - 10);
    let listed = db.workers().await.unwrap();
    assert_eq!(listed.len(), 1);
    assert!(db.forget_worker("w1").await.unwrap());
    assert!(!db.forget_worker("w1").await.unwrap());
    assert_eq!(db.workers().await.unwrap(), []);
    // The next sign of anybody forgets those who went silent.
    db.note_worker(&sign("w3", "c")).await.unwrap();
    assert!(!db.forget_worker("w2").await.unwrap());
}

pub(crate) async fn what_everything_takes_is_added_up(world: World) {
    let db = &world.db;
    let usage = db.usage().await.unwrap();
    assert_eq!(
        (usage.assets, usage.originals_bytes, usage.renditions_bytes),
        (0, 0, 0)
    );
    let (small, _) = world.asset("small").await;
    let job = world.running("large").await;
    let sized = |rung: &str, bytes| {
        let mut rendition = rendition(rung, 720);
        rendition.file_size = bytes;
        rendition
    };
    let renditions = [sized("720p", 3_000_000_000), sized("360p", 5)];
    db.record_renditions(job.id, 1, &renditions).await.unwrap();
    let usage = db.usage().await.unwrap();
    assert_eq!(usage.assets, 2);
    assert_eq!(usage.originals_bytes, 2_000_000);
    assert_eq!(usage.renditions_bytes, 3_000_000_005);
    let largest = db.largest_assets(5).await.unwrap();
    let ids: Vec<i64> = largest.iter().map(|asset| asset.id).collect();
    assert_eq!(ids, [job.asset_id, small.id]);
    assert_eq!(db.largest_assets(1).await.unwrap().len(), 1);
    let idle = world.user("idle").await;
    assert_eq!(
        db.usage_of(&[small.owner_id, idle.id]).await.unwrap(),
        [(small.owner_id, 3_002_000_005)]
    );
    let found = db
        .assets_by_id(&[job.asset_id, 4711, small.id])
        .await
        .unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(
        db.asset_ids_of(small.owner_id).await.unwrap(),
        [small.id, job.asset_id]
    );
    assert!(db.claim_job(job.id, "w", LEASE).await.unwrap().is_none());
}
