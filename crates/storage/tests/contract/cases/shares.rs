//! Whose turn it is.

use std::collections::HashSet;

use clipsy_domain::job::Job;
use clipsy_domain::user::{User, UserId};

use crate::support::{LEASE, POLICY, World, crash, finished, new_asset};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const YEAR: i64 = 365 * 24 * 60 * MINUTE;

async fn jobs(world: &World, owner: &User, count: usize) -> Vec<Job> {
    let mut jobs = Vec::new();
    for number in 0..count {
        let new = new_asset(owner.id, &format!("{} {number}", owner.username));
        jobs.push(world.db.create_asset(new, None).await.unwrap().1);
        world.pass(1);
    }
    jobs
}

/// Claims with the ticket of any job that waits, as a worker does.
async fn next(world: &World) -> Option<Job> {
    let ticket = world.db.jobs_to_run().await.unwrap().first()?.id;
    let claimed = world.db.claim_next(ticket, "worker", LEASE).await.unwrap();
    Some(claimed.expect("a job waits and was not claimed"))
}

async fn owner(world: &World, job: &Job) -> UserId {
    world.asset_of(job).await.owner_id
}

/// Does the next job, which takes so long; whose it was.
async fn work(world: &World, ms: i64) -> Option<UserId> {
    let job = next(world).await?;
    world.pass(ms);
    let done = world.db.finish_job(job.id, job.attempt, &finished()).await;
    assert!(done.unwrap());
    Some(owner(world, &job).await)
}

pub(crate) async fn accounts_take_turns(world: World) {
    let (a, b) = (world.user("a").await, world.user("b").await);
    jobs(&world, &a, 6).await;
    let mut order = Vec::new();
    // Before anybody else comes, one account has all.
    order.extend(work(&world, MINUTE).await);
    jobs(&world, &b, 3).await;
    for _ in 0..7 {
        order.extend(work(&world, MINUTE).await);
    }
    let expected = [a.id, b.id, a.id, b.id, a.id, b.id, a.id, a.id];
    // The first turns may fall either way once both had a minute; nobody waits for two in a row.
    assert_eq!(order[..2], expected[..2]);
    let waits = order.windows(2).take(5).filter(|two| two == &[a.id, a.id]);
    assert_eq!(waits.count(), 0, "{order:?}");
    assert_eq!(order.iter().filter(|id| **id == b.id).count(), 3);
    assert_eq!(work(&world, MINUTE).await, Some(a.id));
    assert_eq!(work(&world, MINUTE).await, None);

    // Much work counts more than little, and is forgotten after a day.
    jobs(&world, &a, 1).await;
    assert_eq!(work(&world, 60 * MINUTE).await, Some(a.id));
    jobs(&world, &b, 1).await;
    assert_eq!(work(&world, SECOND).await, Some(b.id));
    jobs(&world, &a, 1).await;
    jobs(&world, &b, 2).await;
    assert_eq!(work(&world, SECOND).await, Some(b.id));
    assert_eq!(work(&world, SECOND).await, Some(b.id));
    world.pass(24 * 60 * MINUTE);
    jobs(&world, &b, 1).await;
    assert_eq!(work(&world, SECOND).await, Some(a.id), "it came first");
}

pub(crate) async fn running_jobs_count_first(world: World) {
    let (a, b, c) = (
        world.user("a").await,
        world.user("b").await,
        world.user("c").await,
    );
    jobs(&world, &a, 5).await;
    jobs(&world, &b, 2).await;
    let mut owners = Vec::new();
    for _ in 0..4 {
        let job = next(&world).await.unwrap();
        owners.push(owner(&world, &job).await);
    }
    assert_eq!(owners[..2], [a.id, b.id]);
    let mut two = owners[2..].to_vec();
    two.sort_unstable();
    assert_eq!(two, [a.id, b.id]);
    jobs(&world, &c, 1).await;
    let job = next(&world).await.unwrap();
    assert_eq!(owner(&world, &job).await, c.id);
}

pub(crate) async fn priority_counts_among_equals(world: World) {
    let (a, b) = (world.user("a").await, world.user("b").await);
    let of_a = jobs(&world, &a, 3).await;
    let of_b = jobs(&world, &b, 1).await;
    let db = &world.db;
    let raised = db.set_priority(of_a[2].asset_id, 5).await.unwrap().unwrap();
    assert_eq!((raised.id, raised.priority), (of_a[2].id, 5));
    db.set_priority(of_b[0].asset_id, 7).await.unwrap();
    // Nobody had anything yet, so that the priority decides between accounts, too.
    assert_eq!(next(&world).await.unwrap().id, of_b[0].id);
    assert_eq!(next(&world).await.unwrap().id, of_a[2].id);
    assert_eq!(next(&world).await.unwrap().id, of_a[0].id);
    // But not over one's share.
    let more = jobs(&world, &b, 1).await;
    db.set_priority(of_a[1].asset_id, 100).await.unwrap();
    assert_eq!(next(&world).await.unwrap().id, more[0].id);
    assert_eq!(db.set_priority(4711, 1).await.unwrap(), None);
}

pub(crate) async fn every_end_of_an_attempt_is_counted(world: World) {
    let db = &world.db;
    // Each account has an hour of work that ends in its own way, and then meets a newcomer who had a
    // minute.
    for way in [
        "finished",
        "failed",
        "cancelled",
        "deleted",
        "drained",
        "abandoned",
        "recovered",
    ] {
        let (hog, newcomer) = (
            world.user(&format!("{way} hog")).await,
            world.user(&format!("{way} newcomer")).await,
        );
        jobs(&world, &newcomer, 1).await;
        assert_eq!(work(&world, MINUTE).await, Some(newcomer.id), "{way}");
        let made = jobs(&world, &hog, 1).await;
        let job = next(&world).await.unwrap();
        assert_eq!(job.id, made[0].id, "{way}");
        world.pass(60 * MINUTE);
        assert!(db.renew_lease(job.id, job.attempt, LEASE).await.unwrap());
        match way {
            "finished" => assert!(
                db.finish_job(job.id, job.attempt, &finished())
                    .await
                    .unwrap()
            ),
            "failed" => {
                let bad = crash();
                let after = db.fail_job(job.id, job.attempt, &bad, &POLICY).await;
                assert!(after.unwrap().is_some());
            }
            "cancelled" => assert!(db.cancel_job(job.asset_id).await.unwrap().is_some()),
            "deleted" => assert!(db.delete_asset(job.asset_id).await.unwrap().is_some()),
            "drained" => assert!(db.requeue_job(job.id, job.attempt).await.unwrap()),
            "abandoned" => assert_eq!(world.abandoned().await.len(), 1),
            _ => assert_eq!(db.recover("worker", &POLICY).await.unwrap().len(), 1),
        }
        // What is queued again goes away, so that both have one job that waits.
        db.delete_asset(job.asset_id).await.unwrap();
        let (of_hog, of_newcomer) = (
            jobs(&world, &hog, 1).await.remove(0),
            jobs(&world, &newcomer, 1).await.remove(0),
        );
        assert_eq!(next(&world).await.unwrap().id, of_newcomer.id, "{way}");
        for job in [of_hog, of_newcomer] {
            db.delete_asset(job.asset_id).await.unwrap();
        }
    }
}

pub(crate) async fn a_ticket_brings_up_what_was_missed(world: World) {
    let a = world.user("a").await;
    let made = jobs(&world, &a, 1).await;
    // An older version adds jobs without their owner, and knows of no shares.
    world.run("UPDATE jobs SET owner_id = NULL").await;
    world.run("DELETE FROM shares").await;
    assert_eq!(next(&world).await.unwrap().id, made[0].id);
    let more = jobs(&world, &a, 2).await;
    world.run("UPDATE shares SET waits = 0").await;
    let db = &world.db;
    let claimed = db.claim_next(more[1].id, "worker", LEASE).await.unwrap();
    assert_eq!(claimed.unwrap().id, more[0].id, "the older one first");
    let none = db.claim_next(more[0].id, "worker", LEASE).await.unwrap();
    assert_eq!(none.unwrap().id, more[1].id, "tickets are all alike");
    assert_eq!(db.claim_next(more[1].id, "w", LEASE).await.unwrap(), None);
}

pub(crate) async fn a_wrong_clock_starves_nobody(world: World) {
    let (a, b) = (world.user("a").await, world.user("b").await);
    world.pass(YEAR);
    jobs(&world, &a, 1).await;
    assert_eq!(work(&world, SECOND).await, Some(a.id));
    world.pass(-YEAR);
    jobs(&world, &b, 1).await;
    assert_eq!(work(&world, MINUTE).await, Some(b.id));
    jobs(&world, &a, 1).await;
    jobs(&world, &b, 1).await;
    assert_eq!(work(&world, SECOND).await, Some(a.id));
}

pub(crate) async fn the_places_are_those_of_the_turns(world: World) {
    let (a, b) = (world.user("a").await, world.user("b").await);
    jobs(&world, &a, 3).await;
    jobs(&world, &b, 2).await;
    assert_eq!(work(&world, MINUTE).await, Some(a.id));
    jobs(&world, &a, 2).await;
    let db = &world.db;
    let mut told = db.assets_in_queue().await.unwrap();
    let places = db.queue_places(&told).await.unwrap();
    for (asset, place) in places {
        let index = usize::try_from(place).unwrap() - 1;
        assert_eq!(told[index], asset);
    }
    let head: Vec<_> = db.queue_head(100).await.unwrap();
    assert_eq!(
        told,
        head.iter().map(|job| job.asset_id).collect::<Vec<_>>()
    );
    let mut came = Vec::new();
    while let Some(job) = next(&world).await {
        came.push(job.asset_id);
    }
    // What runs at the same time counts, too; both say that accounts alternate.
    assert_eq!(came.len(), told.len());
    told.truncate(4);
    assert_eq!(came[..4], told);
}

pub(crate) async fn many_claims_take_each_job_once(world: World) {
    let mut tickets = Vec::new();
    for name in ["a", "b", "c"] {
        let owner = world.user(name).await;
        tickets.extend(jobs(&world, &owner, 8).await);
    }
    let mut workers = tokio::task::JoinSet::new();
    for job in tickets {
        let db = world.db.clone();
        workers.spawn(async move { db.claim_next(job.id, "worker", LEASE).await.unwrap() });
    }
    let claimed = workers.join_all().await;
    let ids: HashSet<_> = claimed.into_iter().flatten().map(|job| job.id).collect();
    assert_eq!(ids.len(), 24, "every ticket led to a job of its own");
}
