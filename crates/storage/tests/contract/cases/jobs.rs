//! How attempts and jobs end.

use chrono::TimeDelta;
use clipsy_domain::asset::AssetState;
use clipsy_domain::failure::{Failure, FailureCode, Stage};
use clipsy_domain::job::JobState;
use clipsy_storage::AfterFailure;

use crate::support::{LEASE, POLICY, World, crash, finished};

pub(crate) async fn a_failed_attempt_is_repeated_after_a_while(world: World) {
    let db = &world.db;
    let (_, job) = world.asset("film").await;
    let mut wait_ms = POLICY.first_backoff_ms;
    for attempt in 1..POLICY.max_failures {
        world.claim(job.id).await;
        let after = db
            .fail_job(job.id, attempt, &crash(), &POLICY)
            .await
            .unwrap();
        let run_after = world.now() + TimeDelta::milliseconds(wait_ms);
        assert_eq!(after, Some(AfterFailure::Retry { run_after, wait_ms }));
        let failed = world.job(job.id).await;
        assert_eq!((failed.state, failed.failures), (JobState::Queued, attempt));
        assert_eq!(
            (failed.run_after, failed.failure),
            (run_after, Some(crash()))
        );
        assert_eq!((failed.worker, failed.lease_until), (None, None));
        let asset = world.asset_of(&job).await;
        assert_eq!((asset.state, asset.failure), (AssetState::Queued, None));

        world.pass(wait_ms - 1);
        assert_eq!(db.claim_job(job.id, "worker", LEASE).await.unwrap(), None);
        world.pass(1);
        wait_ms *= 2;
    }
    let last = world.claim(job.id).await;
    assert_eq!(last.attempt, POLICY.max_failures);
    let after = db
        .fail_job(job.id, last.attempt, &crash(), &POLICY)
        .await
        .unwrap();
    assert_eq!(after, Some(AfterFailure::Failed));
    let failed = world.job(job.id).await;
    assert_eq!(
        (failed.state, failed.finished_at),
        (JobState::Failed, Some(world.now()))
    );
    let asset = world.asset_of(&job).await;
    assert_eq!(
        (asset.state, asset.failure),
        (AssetState::Failed, Some(crash()))
    );
    let again = db
        .fail_job(job.id, last.attempt, &crash(), &POLICY)
        .await
        .unwrap();
    assert_eq!(again, None);
}

pub(crate) async fn a_bad_file_fails_at_once(world: World) {
    let job = world.running("film").await;
    let failure = Failure::new(
        FailureCode::NoVideoStream,
        Stage::Probe,
        "only \"sound\" 🎵",
    );
    let after = world
        .db
        .fail_job(job.id, 1, &failure, &POLICY)
        .await
        .unwrap();
    assert_eq!(after, Some(AfterFailure::Failed));
    assert_eq!(world.asset_of(&job).await.failure, Some(failure));
}

pub(crate) async fn a_drain_does_not_count(world: World) {
    let db = &world.db;
    let (_, job) = world.asset("film").await;
    world.claim(job.id).await;
    db.fail_job(job.id, 1, &crash(), &POLICY).await.unwrap();
    world.pass(POLICY.first_backoff_ms);
    for attempt in 2..2 + 3 * POLICY.max_failures {
        assert_eq!(world.claim(job.id).await.attempt, attempt);
        world.pass(10);
        assert!(db.requeue_job(job.id, attempt).await.unwrap());
        let put_back = world.job(job.id).await;
        assert_eq!((put_back.state, put_back.failures), (JobState::Queued, 1));
        assert_eq!(put_back.run_after, world.now());
        assert_eq!(put_back.failure, Some(crash()), "what was before stays");
        assert_eq!(world.asset_of(&job).await.state, AssetState::Queued);
        assert!(!db.requeue_job(job.id, attempt).await.unwrap());
    }
    let last = world.claim(job.id).await;
    assert!(
        db.finish_job(job.id, last.attempt, &finished())
            .await
            .unwrap()
    );
    assert_eq!(world.job(job.id).await.failure, None);
}

pub(crate) async fn jobs_to_run_come_in_order(world: World) {
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(world.asset(&format!("{number}")).await.1.id);
    }
    for (index, priority) in [(1, 5), (3, 9), (4, 5), (2, -1)] {
        let id = ids[index];
        world
            .run(&format!(
                "UPDATE jobs SET priority = {priority} WHERE id = {id}"
            ))
            .await;
    }
    world.claim(ids[3]).await;
    let order = |jobs: Vec<clipsy_domain::job::Job>| -> Vec<i64> {
        jobs.into_iter().map(|job| job.id).collect()
    };
    let waiting = world.db.jobs_to_run().await.unwrap();
    assert_eq!(order(waiting), [ids[1], ids[4], ids[0], ids[2]]);
    // Those that wait for a retry are told as well.
    world
        .db
        .fail_job(ids[3], 1, &crash(), &POLICY)
        .await
        .unwrap();
    let waiting = world.db.jobs_to_run().await.unwrap();
    assert!(waiting[0].run_after > world.now());
    assert_eq!(order(waiting), [ids[3], ids[1], ids[4], ids[0], ids[2]]);
}

/// A worker that did not hear the answer must not take its own result for a stranger's.
pub(crate) async fn finishing_twice_is_fine(world: World) {
    let db = &world.db;
    let job = world.running("film").await;
    assert!(db.finish_job(job.id, 1, &finished()).await.unwrap());
    let (done, asset) = (world.job(job.id).await, world.asset_of(&job).await);
    assert_eq!(
        (done.state, done.finished_at),
        (JobState::Done, Some(world.now()))
    );
    assert_eq!((done.worker.as_ref(), done.lease_until), (None, None));
    world.pass(5);
    assert!(db.finish_job(job.id, 1, &finished()).await.unwrap());
    assert_eq!(world.job(job.id).await, done);
    assert_eq!(world.asset_of(&job).await, asset);
    for other in [0, 2] {
        assert!(!db.finish_job(job.id, other, &finished()).await.unwrap());
    }
    assert_eq!(
        db.fail_job(job.id, 1, &crash(), &POLICY).await.unwrap(),
        None
    );
    assert!(!db.requeue_job(job.id, 1).await.unwrap());
    assert_eq!(world.asset_of(&job).await, asset);
}

/// Finished, failed, put back and cancelled at the same moment: one of them happens, and job and
/// asset agree on which.
pub(crate) async fn an_attempt_ends_one_way(world: World) {
    let other = world.another().await;
    for round in 0..20 {
        let job = world.running(&format!("{round}")).await;
        let (here, there) = (&world.db, &other);
        let made = finished();
        let failure = crash();
        let (finish, fail, put_back, cancel) = tokio::join!(
            here.finish_job(job.id, 1, &made),
            there.fail_job(job.id, 1, &failure, &POLICY),
            here.requeue_job(job.id, 1),
            there.cancel_job(job.asset_id),
        );
        let finish = finish.unwrap();
        let (fail, put_back) = (fail.unwrap().is_some(), put_back.unwrap());
        let cancel = cancel.unwrap().is_some();
        let ends = [finish, fail, put_back]
            .into_iter()
            .filter(|end| *end)
            .count();
        // What was put back can still be cancelled.
        assert!(
            ends == 1 || (ends == 0 && cancel),
            "{finish} {fail} {put_back} {cancel}"
        );
        let expected = if cancel {
            (JobState::Cancelled, AssetState::Cancelled)
        } else if finish {
            (JobState::Done, AssetState::Ready)
        } else {
            (JobState::Queued, AssetState::Queued)
        };
        let asset = world.asset_of(&job).await;
        assert_eq!((world.job(job.id).await.state, asset.state), expected);
        assert_eq!(asset.playable, asset.state == AssetState::Ready);
    }
}
