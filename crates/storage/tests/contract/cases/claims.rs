//! Who holds a job, and for how long.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::TimeDelta;
use clipsy_domain::asset::AssetState;
use clipsy_domain::failure::FailureCode;
use clipsy_domain::job::{Job, JobState};
use clipsy_storage::RenditionUpdate;
use futures_util::future;

use crate::support::{LEASE, POLICY, World, crash, finished, rendition};

/// A hundred workers of two servers want a thousand jobs, five of them each job.
pub(crate) async fn many_claims_of_many_jobs(world: World) {
    const WORKERS: usize = 100;
    const JOBS: usize = 1_000;

    for number in 0..JOBS {
        world.asset(&format!("{number}")).await;
    }
    let jobs = world.db.jobs_to_run().await.unwrap();
    let jobs: Arc<Vec<i64>> = Arc::new(jobs.into_iter().map(|job| job.id).collect());
    assert_eq!(jobs.len(), JOBS);
    let servers = [world.db.clone(), world.another().await];
    let workers = (0..WORKERS).map(|number| {
        let (db, jobs) = (servers[number % 2].clone(), Arc::clone(&jobs));
        tokio::spawn(async move {
            let name = format!("worker {number}");
            let mut claimed = Vec::new();
            for index in 0..JOBS {
                if (index + WORKERS - number) % WORKERS < 5 {
                    claimed.extend(db.claim_job(jobs[index], &name, LEASE).await.unwrap());
                }
            }
            (name, claimed)
        })
    });
    let mut owners = HashMap::new();
    for worker in future::join_all(workers).await {
        let (name, claimed) = worker.unwrap();
        for job in claimed {
            assert_eq!(
                (job.attempt, job.worker.as_deref()),
                (1, Some(name.as_str()))
            );
            let before = owners.insert(job.id, name.clone());
            assert_eq!(before, None, "job {} is held twice", job.id);
        }
    }
    assert_eq!(owners.len(), JOBS, "jobs were lost");
    for (id, owner) in owners {
        let job = world.job(id).await;
        assert_eq!((job.attempt, job.worker), (1, Some(owner)));
    }
    assert_eq!(world.db.jobs_to_run().await.unwrap(), []);
}

pub(crate) async fn a_claim_begins_an_attempt(world: World) {
    let (_, queued) = world.asset("film").await;
    world.pass(5);
    let job = world.claim(queued.id).await;
    let expected = Job {
        state: JobState::Running,
        attempt: 1,
        worker: Some("worker".to_owned()),
        lease_until: Some(world.now() + TimeDelta::milliseconds(LEASE)),
        started_at: Some(world.now()),
        ..queued
    };
    assert_eq!(job, expected);
    assert_eq!(world.job(job.id).await, expected);
    let asset = world.asset_of(&job).await;
    assert_eq!(
        (asset.state, asset.updated_at),
        (AssetState::Processing, world.now())
    );
}

pub(crate) async fn only_queued_jobs_are_claimed(world: World) {
    let claim = |id| world.db.claim_job(id, "other", LEASE);
    assert_eq!(claim(4711).await.unwrap(), None);
    let running = world.running("running").await;
    assert_eq!(claim(running.id).await.unwrap(), None);
    assert_eq!(world.job(running.id).await, running);

    world
        .db
        .finish_job(running.id, 1, &finished())
        .await
        .unwrap();
    assert_eq!(claim(running.id).await.unwrap(), None);

    let (asset, cancelled) = world.asset("cancelled").await;
    world.db.cancel_job(asset.id).await.unwrap();
    assert_eq!(claim(cancelled.id).await.unwrap(), None);
    let asset = world.db.asset(asset.id).await.unwrap().unwrap();
    assert_eq!(asset.state, AssetState::Cancelled);
}

/// A claim is taken only as it was seen: not once it was renewed.
pub(crate) async fn a_claim_lasts_as_long_as_it_is_renewed(world: World) {
    let db = &world.db;
    let job = world.running("film").await;
    // Whatever the clocks say: also one that stands still, or was set.
    for set_ms in [0, LEASE, 8 * DAY_MS, -8 * DAY_MS] {
        let seen = db.claims().await.unwrap();
        assert_eq!((seen[0].job_id, seen[0].attempt), (job.id, 1));
        assert_eq!(seen[0].lease.as_millis(), LEASE as u128);
        world.pass(set_ms);
        assert!(db.renew_lease(job.id, 1, LEASE).await.unwrap());
        assert_ne!(db.claims().await.unwrap(), seen);
        assert_eq!(db.abandon(&seen[0], &POLICY).await.unwrap(), None);
        assert_eq!(world.job(job.id).await.state, JobState::Running);
    }
    let touched = world.abandoned().await;
    assert_eq!(touched.len(), 1);
    assert_eq!(touched[0], world.job(job.id).await);
    assert_eq!(touched[0].state, JobState::Queued);
    assert_eq!((touched[0].failures, touched[0].attempt), (1, 1));
    assert_eq!(
        touched[0].failure.as_ref().unwrap().code,
        FailureCode::Crashed
    );
    assert_eq!(
        touched[0].run_after,
        world.now() + TimeDelta::milliseconds(POLICY.first_backoff_ms)
    );
    let asset = world.asset_of(&job).await;
    assert_eq!((asset.state, asset.failure), (AssetState::Queued, None));
    assert!(!db.renew_lease(job.id, 1, LEASE).await.unwrap());
    assert_eq!(world.abandoned().await, []);
}

/// A worker that slept through the end of its claim can do nothing any more.
pub(crate) async fn a_late_worker_is_refused(world: World) {
    let db = &world.db;
    let job = world.running("film").await;
    world.pass(LEASE);
    world.abandoned().await;
    world.pass(POLICY.first_backoff_ms);

    // Once while the job is queued again, once while somebody else is at it.
    for round in 0..2 {
        let (job_before, asset_before) = (world.job(job.id).await, world.asset_of(&job).await);
        let garbage = db.garbage().await.unwrap();
        let update = RenditionUpdate {
            rung: "360p".to_owned(),
            percent: Some(50.0),
            file_size: Some(1),
            encoder: None,
        };
        let id = job.id;
        assert!(!db.renew_lease(id, 1, LEASE).await.unwrap());
        assert!(!db.record_media(id, 1, Some(1.0), 2, 2, None).await.unwrap());
        assert!(
            !db.record_renditions(id, 1, &[rendition("360p", 360)])
                .await
                .unwrap()
        );
        assert!(!db.record_progress(id, 1, &[update]).await.unwrap());
        assert!(!db.mark_playable(id, 1).await.unwrap());
        assert!(!db.mark_thumbnail(id, 1).await.unwrap());
        assert!(!db.requeue_job(id, 1).await.unwrap());
        assert_eq!(db.fail_job(id, 1, &crash(), &POLICY).await.unwrap(), None);
        assert!(!db.finish_job(id, 1, &finished()).await.unwrap());

        assert_eq!(world.job(job.id).await, job_before);
        assert_eq!(world.asset_of(&job).await, asset_before);
        assert_eq!(db.renditions(&[job.asset_id]).await.unwrap(), []);
        assert_eq!(db.garbage().await.unwrap(), garbage);
        if round == 0 {
            let next = db.claim_job(job.id, "other", LEASE).await.unwrap();
            assert_eq!(next.unwrap().attempt, 2);
        }
    }
    assert!(db.finish_job(job.id, 2, &finished()).await.unwrap());
    assert_eq!(world.asset_of(&job).await.output_attempt, Some(2));
}

/// A server that starts takes up what it held, at once, and leaves others alone.
pub(crate) async fn what_the_server_held_is_taken_up_without_counting(world: World) {
    let db = &world.db;
    let (_, mine) = world.asset("mine").await;
    let (_, theirs) = world.asset("theirs").await;
    db.claim_job(mine.id, "me", LEASE).await.unwrap().unwrap();
    let theirs = db
        .claim_job(theirs.id, "them", LEASE)
        .await
        .unwrap()
        .unwrap();
    db.mark_playable(mine.id, 1).await.unwrap();

    // Also when it was down for longer than its claim.
    for wait in [0, LEASE / 2] {
        world.pass(wait);
        let touched = db.recover("me", &POLICY).await.unwrap();
        assert_eq!(touched.len(), 1, "{touched:?}");
        assert_eq!(
            (touched[0].id, touched[0].state),
            (mine.id, JobState::Queued)
        );
        assert_eq!((touched[0].failures, &touched[0].failure), (0, &None));
        assert_eq!(touched[0].run_after, world.now());
        let asset = world.asset_of(&mine).await;
        assert_eq!((asset.state, asset.playable), (AssetState::Queued, false));
        assert_eq!(db.recover("me", &POLICY).await.unwrap(), []);
        let again = db.claim_job(mine.id, "me", LEASE / 4).await.unwrap();
        assert!(again.is_some());
    }
    assert_eq!(world.job(theirs.id).await, theirs);
    let prefix = |attempt| format!("videos/processed/{}/{attempt}/", mine.asset_id);
    assert_eq!(world.garbage().await, [prefix(1), prefix(2)]);

    // Theirs is counted, once they are silent.
    let touched = db.recover("me", &POLICY).await.unwrap();
    let failures = |jobs: Vec<Job>| {
        jobs.iter()
            .map(|job| (job.id, job.failures))
            .collect::<Vec<_>>()
    };
    assert_eq!(failures(touched), [(mine.id, 0)]);
    assert_eq!(failures(world.abandoned().await), [(theirs.id, 1)]);
}

/// A job that may run at once runs at once, and a wait is no longer than it was to be.
pub(crate) async fn a_clock_that_was_wrong_keeps_no_job_waiting(world: World) {
    let db = &world.db;
    let claims = async |id| db.claim_job(id, "worker", LEASE).await.unwrap().is_some();
    for ahead_ms in [2 * HOUR_MS, 8 * DAY_MS] {
        world.pass(ahead_ms);
        let (_, new) = world.asset("new").await;
        let put_back = world.running("put back").await;
        assert!(db.requeue_job(put_back.id, 1).await.unwrap());
        let mine = world.running("mine").await;
        assert_eq!(db.recover("worker", &POLICY).await.unwrap().len(), 1);
        let (asset, _) = world.asset("again").await;
        db.cancel_job(asset.id).await.unwrap().unwrap();
        let again = db.retry_job(asset.id).await.unwrap().unwrap();
        let failed = world.running("failed").await;
        db.fail_job(failed.id, 1, &crash(), &POLICY).await.unwrap();
        // It waits as long as it was told, by a clock that goes on evenly.
        world.pass(POLICY.first_backoff_ms - 1);
        assert!(!claims(failed.id).await);

        world.pass(-ahead_ms);
        for id in [new.id, put_back.id, mine.id, again.id, failed.id] {
            assert!(
                claims(id).await,
                "job {id} waits for a clock {ahead_ms} ms ahead"
            );
        }
        for job in db.claims().await.unwrap() {
            assert!(
                db.finish_job(job.job_id, job.attempt, &finished())
                    .await
                    .unwrap()
            );
        }
    }
    // Set back in the middle of a wait.
    let failed = world.running("failed").await;
    db.fail_job(failed.id, 1, &crash(), &POLICY).await.unwrap();
    world.pass(-POLICY.first_backoff_ms / 2);
    assert!(claims(failed.id).await);
}

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Without this a file that takes the whole server down would be tried at each start, for ever.
pub(crate) async fn a_job_that_takes_the_server_down_again_and_again(world: World) {
    let db = &world.db;
    let (asset, poison) = world.asset("poison").await;
    for loss in 1..=POLICY.max_losses {
        db.claim_job(poison.id, "me", LEASE).await.unwrap().unwrap();
        // A drain in between does not count.
        assert!(db.requeue_job(poison.id, 2 * loss - 1).await.unwrap());
        db.claim_job(poison.id, "me", LEASE).await.unwrap().unwrap();
        let touched = db.recover("me", &POLICY).await.unwrap();
        assert_eq!(touched.len(), 1);
        let state = match loss {
            POLICY_LAST_LOSS => JobState::Failed,
            _ => JobState::Queued,
        };
        assert_eq!((touched[0].state, touched[0].failures), (state, 0));
    }
    let job = world.job(poison.id).await;
    let failure = job.failure.unwrap();
    assert_eq!(failure.code, FailureCode::Crashed);
    assert!(failure.message.contains("went down 4 times"), "{failure:?}");
    let asset = db.asset(asset.id).await.unwrap().unwrap();
    assert_eq!(asset.state, AssetState::Failed);
    // Whoever knows better tries again, from the start.
    let again = db.retry_job(asset.id).await.unwrap().unwrap();
    db.claim_job(again.id, "me", LEASE).await.unwrap().unwrap();
    let touched = db.recover("me", &POLICY).await.unwrap();
    assert_eq!(touched[0].state, JobState::Queued);
}

const POLICY_LAST_LOSS: i64 = POLICY.max_losses;

/// The job ends, and the next one gets its turn.
pub(crate) async fn a_worker_that_dies_again_and_again(world: World) {
    let db = &world.db;
    let (asset, poison) = world.asset("poison").await;
    let (_, next) = world.asset("next").await;
    for death in 1..=POLICY.max_failures {
        let job = world.claim(poison.id).await;
        assert_eq!(job.attempt, death);
        world.pass(LEASE);
        let touched = world.abandoned().await;
        assert_eq!(touched.len(), 1);
        assert_eq!(touched[0].failures, death);
        world.pass(POLICY.max_backoff_ms);
    }
    let job = world.job(poison.id).await;
    assert_eq!(job.state, JobState::Failed);
    assert!(job.finished_at.is_some() && job.worker.is_none());
    let asset = db.asset(asset.id).await.unwrap().unwrap();
    assert_eq!(asset.state, AssetState::Failed);
    let failure = asset.failure.unwrap();
    assert_eq!(failure.code, FailureCode::Crashed);
    assert_eq!(job.failure, Some(failure));
    assert_eq!(
        db.claim_job(poison.id, "worker", LEASE).await.unwrap(),
        None
    );
    assert_eq!(world.abandoned().await, []);

    let waiting = db.jobs_to_run().await.unwrap();
    assert_eq!(
        waiting.iter().map(|job| job.id).collect::<Vec<_>>(),
        [next.id]
    );
    world.claim(next.id).await;
}
