//! Stopping, starting again and deleting.

use clipsy_domain::asset::AssetState;
use clipsy_domain::job::{Job, JobState};
use clipsy_storage::AssetChange;
use futures_util::future;

use crate::support::{LEASE, POLICY, World, crash, finished};

pub(crate) async fn a_queued_job_is_cancelled(world: World) {
    let db = &world.db;
    let (asset, queued) = world.asset("film").await;
    world.pass(1);
    let job = db.cancel_job(asset.id).await.unwrap().unwrap();
    assert_eq!((job.id, job.state), (queued.id, JobState::Cancelled));
    assert_eq!(job.finished_at, Some(world.now()));
    let asset = world.asset_of(&job).await;
    assert_eq!(
        (asset.state, asset.failure.as_ref()),
        (AssetState::Cancelled, None)
    );
    assert_eq!(db.cancel_job(asset.id).await.unwrap(), None);
    assert_eq!(db.cancel_job(asset.id + 1).await.unwrap(), None);
    assert_eq!(db.jobs_to_run().await.unwrap(), []);
}

pub(crate) async fn a_running_job_is_cancelled(world: World) {
    let db = &world.db;
    let running = world.running("film").await;
    let job = db.cancel_job(running.asset_id).await.unwrap().unwrap();
    assert_eq!(
        (job.state, job.attempt),
        (JobState::Cancelled, running.attempt + 1)
    );
    assert_eq!((job.worker, job.lease_until), (None, None));
    for attempt in [running.attempt, running.attempt + 1] {
        assert!(!db.renew_lease(running.id, attempt, LEASE).await.unwrap());
        assert!(
            !db.finish_job(running.id, attempt, &finished())
                .await
                .unwrap()
        );
    }
    let asset = world.asset_of(&running).await;
    assert_eq!(asset.state, AssetState::Cancelled);
    let prefix = format!("videos/processed/{}/{}/", asset.id, running.attempt);
    assert_eq!(world.garbage().await, [prefix]);
    world.pass(LEASE);
    assert_eq!(db.recover("worker", &POLICY).await.unwrap(), []);

    // What is done cannot be stopped.
    let done = world.running("done").await;
    db.finish_job(done.id, 1, &finished()).await.unwrap();
    assert_eq!(db.cancel_job(done.asset_id).await.unwrap(), None);
    assert_eq!(world.asset_of(&done).await.state, AssetState::Ready);
}

/// The new job's attempts write to places that no earlier one wrote to, since what those left is
/// garbage that may be deleted at any moment.
pub(crate) async fn a_retry_goes_on_where_the_job_ended(world: World) {
    let db = &world.db;
    let old = world.running("film").await;
    let asset = old.asset_id;
    assert_eq!(db.retry_job(asset).await.unwrap(), None, "it is running");
    let mut failure = crash();
    failure.retryable = false;
    db.fail_job(old.id, 1, &failure, &POLICY).await.unwrap();
    world
        .run(&format!(
            "UPDATE jobs SET priority = 3 WHERE id = {}",
            old.id
        ))
        .await;
    world.pass(1);

    let new = db.retry_job(asset).await.unwrap().unwrap();
    assert_eq!((new.asset_id, new.state), (asset, JobState::Queued));
    assert!(new.id > old.id);
    assert_eq!(
        (new.failures, new.failure.as_ref(), new.priority),
        (0, None, 3)
    );
    assert_eq!((new.run_after, new.created_at), (world.now(), world.now()));
    let shown = world.asset_of(&old).await;
    assert_eq!((shown.state, shown.failure), (AssetState::Queued, None));
    assert_eq!(db.job_of_asset(asset).await.unwrap().as_ref(), Some(&new));
    assert_eq!(world.job(old.id).await.state, JobState::Failed);
    assert_eq!(db.retry_job(asset).await.unwrap(), None, "it is queued");

    let running = world.claim(new.id).await;
    assert!(running.attempt > old.attempt);
    db.cancel_job(asset).await.unwrap().unwrap();
    let third = db.retry_job(asset).await.unwrap().unwrap();
    let third = world.claim(third.id).await;
    assert!(third.attempt > running.attempt);
    let own = format!("videos/processed/{asset}/{}/", third.attempt);
    assert!(!world.garbage().await.contains(&own));
    assert!(
        db.finish_job(third.id, third.attempt, &finished())
            .await
            .unwrap()
    );
    assert!(!world.garbage().await.contains(&own));
    assert_eq!(db.retry_job(asset).await.unwrap(), None, "it is ready");
    assert_eq!(db.retry_job(4711).await.unwrap(), None);
}

pub(crate) async fn of_many_retries_one_succeeds(world: World) {
    let (asset, _) = world.asset("film").await;
    world.db.cancel_job(asset.id).await.unwrap();
    let servers = [world.db.clone(), world.another().await];
    let tries = (0..8).map(|number| {
        let db = servers[number % 2].clone();
        tokio::spawn(async move { db.retry_job(asset.id).await.unwrap() })
    });
    let made: Vec<Job> = future::join_all(tries)
        .await
        .into_iter()
        .filter_map(Result::unwrap)
        .collect();
    assert_eq!(world.db.jobs_to_run().await.unwrap(), made);
    assert_eq!(made.len(), 1);
}

/// The worker finds out with the next thing that it wants to say.
pub(crate) async fn deleting_takes_the_job_away(world: World) {
    let db = &world.db;
    let job = world.running("film").await;
    let id = job.id;
    db.mark_playable(id, 1).await.unwrap();
    db.delete_asset(job.asset_id).await.unwrap().unwrap();
    let garbage = db.garbage().await.unwrap();
    assert!(!db.renew_lease(id, 1, LEASE).await.unwrap());
    assert!(!db.record_media(id, 1, None, 1, 1, None).await.unwrap());
    assert!(!db.mark_playable(id, 1).await.unwrap());
    assert!(!db.finish_job(id, 1, &finished()).await.unwrap());
    assert_eq!(db.fail_job(id, 1, &crash(), &POLICY).await.unwrap(), None);
    assert!(!db.requeue_job(id, 1).await.unwrap());
    assert_eq!(db.cancel_job(job.asset_id).await.unwrap(), None);
    assert_eq!(db.retry_job(job.asset_id).await.unwrap(), None);
    world.pass(LEASE);
    assert_eq!(db.recover("worker", &POLICY).await.unwrap(), []);
    assert_eq!(db.garbage().await.unwrap(), garbage);
    assert!(
        world
            .garbage()
            .await
            .contains(&format!("videos/processed/{}/", job.asset_id))
    );
}

/// Nothing that people and workers do at the same time makes the database give up on one of them.
pub(crate) async fn everything_at_once(world: World) {
    let other = world.another().await;
    for round in 0..30 {
        let job = world.running(&format!("{round}")).await;
        let (id, asset) = (job.id, job.asset_id);
        let (here, there) = (&world.db, &other);
        let made = finished();
        let views = [(asset, 1), (asset - 1, 1), (asset + 1, 1)];
        let failure = crash();
        let (media, playable, renew, finish, fail, cancel, retry, change, seen, delete) = tokio::join!(
            here.record_media(id, 1, Some(1.0), 640, 360, None),
            there.mark_playable(id, 1),
            here.renew_lease(id, 1, LEASE),
            there.finish_job(id, 1, &made),
            here.fail_job(id, 1, &failure, &POLICY),
            there.cancel_job(asset),
            here.retry_job(asset),
            there.update_asset(asset, AssetChange::default()),
            here.add_views(&views),
            async {
                if round % 2 == 0 {
                    there.delete_asset(asset).await
                } else {
                    Ok(None)
                }
            },
        );
        media.unwrap();
        playable.unwrap();
        renew.unwrap();
        finish.unwrap();
        fail.unwrap();
        cancel.unwrap();
        retry.unwrap();
        change.unwrap();
        seen.unwrap();
        assert_eq!(delete.unwrap().is_some(), round % 2 == 0);
        let left = world.db.asset(asset).await.unwrap();
        assert_eq!(left.is_none(), round % 2 == 0);
        let newest = world.db.job_of_asset(asset).await.unwrap();
        assert_eq!(newest.is_none(), left.is_none());
        if let (Some(left), Some(job)) = (left, newest) {
            let agree = match job.state {
                JobState::Queued => AssetState::Queued,
                JobState::Running => AssetState::Processing,
                JobState::Done => AssetState::Ready,
                JobState::Failed => AssetState::Failed,
                JobState::Cancelled => AssetState::Cancelled,
            };
            assert_eq!(left.state, agree);
        }
    }
}
