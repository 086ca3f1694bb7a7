//! One slot: one job after the other.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clipsy_dispatch::Delivery;
use clipsy_domain::job::Job;
use tokio_util::sync::CancellationToken;

use super::Worker;
use super::attempt::{self, Surroundings};
use super::cards::{CardHeld, Cards};
use super::fetch::free_bytes;

/// Wait after the queue or the database did not answer.
const AGAIN: Duration = Duration::from_secs(5);

/// What must be free, in bytes, for an attempt to begin.
const ROOM_BYTES: u64 = 32 << 20;

/// How long sessions on a GPU are held without a job.
const IDLE: Duration = Duration::from_secs(10);
/// Time for other workers to take them.
const PASS_ON: Duration = Duration::from_secs(1);

/// Pulls and does jobs until `stop`.
pub(super) async fn run(worker: Arc<Worker>, stop: CancellationToken) {
    loop {
        let pulled = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            pulled = pull(&worker) => pulled,
        };
        match pulled {
            Ok((delivery, held)) => one(&worker, delivery, held, &stop).await,
            Err(error) => {
                tracing::warn!(%error, "the queue does not answer");
                let _ = tokio::time::timeout(AGAIN, stop.cancelled()).await;
            }
        }
    }
}

/// Waits until an attempt has room to begin with: one that ends with a full disk counts as a failure,
/// and a disk stays full for longer than a job is tried again.
async fn wait_for_room(worker: &Worker) {
    let mut said = false;
    loop {
        let here = free_bytes(&worker.settings.scratch).ok();
        let there = worker.media.free_bytes().await;
        let free = here.into_iter().chain(there).min();
        let Some(free) = free.filter(|free| *free < ROOM_BYTES) else {
            return;
        };
        if !said {
            said = true;
            tracing::warn!(free, needed = ROOM_BYTES, "jobs wait for room on the disk");
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Waits for a ticket, with a place on a card and the sessions that its job may take there. They are
/// held before the ticket is: a job in hand must not wait for what other workers have.
async fn pull(worker: &Worker) -> clipsy_dispatch::Result<(Delivery, CardHeld)> {
    wait_for_room(worker).await;
    let cards = &worker.settings.cards;
    if !cards.is_limited() {
        let delivery = worker.dispatch.queue.pull().await?;
        return Ok((delivery, Cards::acquire(cards).await));
    }
    loop {
        let held = Cards::acquire(cards).await;
        if let Ok(pulled) = tokio::time::timeout(IDLE, worker.dispatch.queue.pull()).await {
            return Ok((pulled?, held));
        }
        // Nothing comes here; perhaps it does elsewhere.
        drop(held);
        tokio::time::sleep(PASS_ON).await;
    }
}

async fn one(worker: &Worker, delivery: Delivery, held: CardHeld, stop: &CancellationToken) {
    let job_id = delivery.ticket.job_id;
    // Listening starts before the claim, so that no cancel can come in between.
    let events = worker.dispatch.events.subscribe();
    let lease_ms = i64::try_from(worker.settings.lease.as_millis()).unwrap_or(i64::MAX);
    let claimed = worker
        .db
        .claim_next(job_id, &worker.settings.name, lease_ms)
        .await;
    let settled = match claimed {
        Ok(Some(job)) => {
            // Somebody else's job may be next: then this ticket goes back for its own.
            let delivery = if job.id == job_id {
                Some(delivery)
            } else {
                swap(worker, delivery, &job).await;
                None
            };
            let around = Surroundings {
                delivery: delivery.as_ref(),
                events,
                stop,
            };
            worker.busy.fetch_add(1, Ordering::SeqCst);
            worker.changed.notify_one();
            attempt::run(worker, &job, held, around).await;
            worker.busy.fetch_sub(1, Ordering::SeqCst);
            worker.changed.notify_one();
            match delivery {
                Some(delivery) => delivery.ack().await,
                None => Ok(()),
            }
        }
        // Nothing waits any more: somebody else has it, or it was cancelled or deleted meanwhile.
        Ok(None) => delivery.ack().await,
        Err(error) => {
            tracing::warn!(job_id, %error, "a job could not be claimed");
            delivery.nak(AGAIN).await
        }
    };
    if let Err(error) = settled {
        tracing::warn!(job_id, %error, "a ticket could not be settled");
    }
}

/// Queues the ticket in hand again, and takes away that of `job`, which was claimed with it. What fails
/// here is made up for when the rows are next gone through.
async fn swap(worker: &Worker, delivery: Delivery, job: &Job) {
    let ticket = delivery.ticket;
    let queue = &worker.dispatch.queue;
    // Not given back, which would count as one more try of it, and put it before others.
    let swapped = async {
        delivery.ack().await?;
        queue.push(ticket).await?;
        queue.remove(job.id).await
    };
    if let Err(error) = swapped.await {
        tracing::warn!(job_id = ticket.job_id, %error, "a ticket could not be queued again");
    }
}
