//! Many workers and many jobs on one queue and one database, in one process: none is lost, none is
//! done twice. The workers do nothing, so that they are as fast as queue and database let them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use clipsy_dispatch::nats::Options;
use clipsy_dispatch::{Dispatch, Need};
use clipsy_domain::asset::Visibility;
use clipsy_domain::clock::SystemClock;
use clipsy_domain::job::{Job, JobState, RetryPolicy};
use clipsy_domain::user::{Role, UserId};
use clipsy_service::tickets::{Wants, queue_job, queue_waiting};
use clipsy_storage::{ClaimWatch, Db, Finished, NewAsset, NewRendition, NewUser};
use tokio::task::JoinSet;

use crate::support::HANGS_AFTER;
use crate::support::stack::Stack;

/// How a crowd works.
#[derive(Debug, Clone)]
pub(crate) struct Crowd {
    /// Workers, each with a connection to NATS of its own.
    pub(crate) workers: usize,
    /// Jobs.
    pub(crate) jobs: usize,
    /// How long a job takes.
    pub(crate) work: Duration,
    /// Every so many claims a worker dies over its job; 0 for never.
    pub(crate) deaths: usize,
    /// How long claims hold.
    pub(crate) lease: Duration,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// From the first ticket to the last job's end.
    pub(crate) took: Duration,
    /// Claims by job.
    pub(crate) claims: HashMap<i64, usize>,
    /// Good ends by job.
    pub(crate) finished: HashMap<i64, usize>,
    pub(crate) deaths: usize,
}

#[derive(Debug)]
struct Shared {
    db: Db,
    crowd: Crowd,
    claims: Mutex<HashMap<i64, usize>>,
    finished: Mutex<HashMap<i64, usize>>,
    claimed: AtomicUsize,
    died: AtomicUsize,
}

#[test]
fn of_a_hundred_workers_each_job_has_one() {
    let stack = Stack::start("60");
    let crowd = Crowd {
        workers: 100,
        jobs: 1000,
        work: Duration::ZERO,
        deaths: 50,
        lease: Duration::from_secs(2),
    };
    let outcome = run(&stack, crowd);
    println!(
        "1000 jobs by 100 workers in {:.1} s; {} workers died over a job",
        outcome.took.as_secs_f64(),
        outcome.deaths
    );
    assert!(outcome.deaths > 0);
    assert_eq!(outcome.finished.len(), 1000, "some were lost");
    let twice: Vec<_> = outcome.finished.iter().filter(|(_, n)| **n != 1).collect();
    assert!(twice.is_empty(), "done more than once: {twice:?}");
    // Only a death makes a second claim.
    let claims: usize = outcome.claims.values().sum();
    assert_eq!(claims, 1000 + outcome.deaths);
}

/// Lets a crowd work on a stack.
pub(crate) fn run(stack: &Stack, crowd: Crowd) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .unwrap();
    let whole = async {
        tokio::time::timeout(HANGS_AFTER, work(stack, crowd))
            .await
            .expect("it hangs")
    };
    runtime.block_on(whole)
}

async fn work(stack: &Stack, crowd: Crowd) -> Outcome {
    let db = Db::connect(&stack.postgres.url(), Arc::new(SystemClock))
        .await
        .unwrap();
    db.migrate().await.unwrap();
    let jobs = fill(&db, crowd.jobs).await;
    let shared = Arc::new(Shared {
        db: db.clone(),
        crowd: crowd.clone(),
        claims: Mutex::default(),
        finished: Mutex::default(),
        claimed: AtomicUsize::new(0),
        died: AtomicUsize::new(0),
    });
    let server = connect(stack, &crowd, Vec::new()).await;
    let mut workers = JoinSet::new();
    for number in 0..crowd.workers {
        let dispatch = connect(stack, &crowd, vec![Need::Cpu]).await;
        workers.spawn(worker(Arc::clone(&shared), dispatch, number));
    }
    let started = Instant::now();
    for job in &jobs {
        queue_job(&db, &server, Wants::Anybody, job).await;
    }
    // What a sweeper does, until all is done.
    let policy = RetryPolicy {
        max_failures: 100,
        first_backoff_ms: 0,
        ..RetryPolicy::default()
    };
    let mut watch = ClaimWatch::default();
    while shared.finished.lock().unwrap().len() < crowd.jobs {
        let mut taken = false;
        if crowd.deaths > 0 {
            let claims = db.claims().await.unwrap();
            for claim in watch.silent(claims, crowd.lease, Instant::now()) {
                taken |= db.abandon(&claim, &policy).await.unwrap().is_some();
            }
        }
        if taken {
            queue_waiting(&db, &server, Wants::Anybody).await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let took = started.elapsed();
    workers.shutdown().await;
    for job in &jobs {
        let job = db.job(job.id).await.unwrap().unwrap();
        assert_eq!(job.state, JobState::Done, "{job:?}");
    }
    db.close().await;
    Outcome {
        took,
        claims: shared.claims.lock().unwrap().clone(),
        finished: shared.finished.lock().unwrap().clone(),
        deaths: shared.died.load(Ordering::SeqCst),
    }
}

async fn worker(shared: Arc<Shared>, dispatch: Dispatch, number: usize) {
    let name = format!("worker {number}");
    let crowd = &shared.crowd;
    let lease_ms = i64::try_from(crowd.lease.as_millis()).unwrap();
    loop {
        let delivery = dispatch.queue.pull().await.unwrap();
        let id = delivery.ticket.job_id;
        let claimed = shared.db.claim_job(id, &name, lease_ms).await.unwrap();
        let Some(job) = claimed else {
            delivery.ack().await.unwrap();
            continue;
        };
        *shared.claims.lock().unwrap().entry(id).or_default() += 1;
        let claims = shared.claimed.fetch_add(1, Ordering::SeqCst) + 1;
        if crowd.deaths > 0 && claims.is_multiple_of(crowd.deaths) {
            shared.died.fetch_add(1, Ordering::SeqCst);
            // As with a power cut, the ticket is neither settled nor given back.
            std::mem::forget(delivery);
            continue;
        }
        tokio::time::sleep(crowd.work).await;
        if shared
            .db
            .finish_job(id, job.attempt, &made())
            .await
            .unwrap()
        {
            *shared.finished.lock().unwrap().entry(id).or_default() += 1;
        }
        // A ticket whose lease ran out meanwhile belongs to somebody else.
        let _ = delivery.ack().await;
    }
}

async fn connect(stack: &Stack, crowd: &Crowd, serves: Vec<Need>) -> Dispatch {
    let options = Options {
        servers: stack.nats.url(),
        ack_wait: crowd.lease,
        serves,
        ..Options::default()
    };
    Dispatch::nats(options, Arc::new(SystemClock))
        .await
        .unwrap()
}

async fn fill(db: &Db, jobs: usize) -> Vec<Job> {
    let owner = NewUser {
        username: "owner".into(),
        email: String::new(),
        role: Role::User,
        password_hash: String::new(),
        default_password: false,
    };
    let owner = match db.user_by_name("owner").await.unwrap() {
        Some((owner, _)) => owner,
        None => db.create_user(owner).await.unwrap(),
    };
    let mut made = Vec::new();
    for _ in 0..jobs {
        made.push(db.create_asset(asset(owner.id), None).await.unwrap().1);
    }
    made
}

fn asset(owner_id: UserId) -> NewAsset {
    NewAsset {
        owner_id,
        title: "Test".into(),
        description: String::new(),
        visibility: Visibility::Public,
        source_key: format!("videos/originals/{}.mp4", uuid::Uuid::new_v4().simple()),
        source_name: "x.mp4".into(),
        source_type: "video/mp4".into(),
        source_bytes: 1,
        source_sha256: None,
    }
}

fn made() -> Finished {
    Finished {
        renditions: vec![NewRendition {
            rung: "360p".into(),
            width: 640,
            height: 360,
            bitrate: 700,
            file_size: 1,
            codecs: None,
            encoder: None,
        }],
        duration_s: Some(1.0),
        has_thumbnail: true,
        has_storyboard: true,
    }
}
