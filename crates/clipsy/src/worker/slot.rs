//! One slot: one job after the other.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clipsy_dispatch::Delivery;
use tokio_util::sync::CancellationToken;

use super::attempt::{self, Surroundings};
use super::{LEASE, Worker};

/// Wait after the queue or the database did not answer.
const AGAIN: Duration = Duration::from_secs(5);

/// Pulls and does jobs until `stop`.
pub(super) async fn run(worker: Arc<Worker>, stop: CancellationToken) {
    loop {
        let pulled = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            pulled = worker.dispatch.queue.pull() => pulled,
        };
        match pulled {
            Ok(delivery) => one(&worker, delivery, &stop).await,
            Err(error) => {
                tracing::warn!(%error, "the queue does not answer");
                let _ = tokio::time::timeout(AGAIN, stop.cancelled()).await;
            }
        }
    }
}

async fn one(worker: &Worker, delivery: Delivery, stop: &CancellationToken) {
    let job_id = delivery.ticket.job_id;
    // Listening starts before the claim, so that no cancel can come in between.
    let events = worker.dispatch.events.subscribe();
    let lease_ms = i64::try_from(LEASE.as_millis()).unwrap_or(i64::MAX);
    let settled = match worker
        .db
        .claim_job(job_id, &worker.settings.name, lease_ms)
        .await
    {
        Ok(Some(job)) => {
            let around = Surroundings {
                delivery: &delivery,
                events,
                stop,
            };
            worker.busy.fetch_add(1, Ordering::SeqCst);
            worker.changed.notify_one();
            attempt::run(worker, &job, around).await;
            worker.busy.fetch_sub(1, Ordering::SeqCst);
            worker.changed.notify_one();
            delivery.ack().await
        }
        // Somebody else has it, or it was cancelled or deleted meanwhile.
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
