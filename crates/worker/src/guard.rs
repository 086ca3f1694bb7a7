//! Keeps the claim on a job, and notices when it is lost.

use clipsy_dispatch::{Delivery, Message, Received, Subscription};
use clipsy_domain::job::Job;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use super::Worker;

/// Renews the claim until it is lost: another attempt has begun, somebody cancelled the job or
/// deleted its asset, or the database did not answer for as long as the claim holds. `delivery` is the
/// job's ticket, if it is in hand.
pub(super) async fn until_lost(
    worker: &Worker,
    job: &Job,
    delivery: Option<&Delivery>,
    events: &mut Subscription,
) {
    let lease = worker.settings.lease;
    let lease_ms = i64::try_from(lease.as_millis()).unwrap_or(i64::MAX);
    let mut renewed = Instant::now();
    // Often enough that three failures in a row do not lose the job.
    let renew = lease / 4;
    let mut timer = interval_at(renewed + renew, renew);
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut listening = true;
    loop {
        tokio::select! {
            _ = timer.tick() => {}
            received = events.next(), if listening => match received {
                Some(Received::Message(message)) if !is_about(&message, job) => continue,
                // What a message says is looked up: only the row knows.
                Some(_) => {}
                None => {
                    listening = false;
                    continue;
                }
            },
        }
        let renewal = worker.db.renew_lease(job.id, job.attempt, lease_ms);
        // A network that swallows everything gives no error for many minutes.
        let left = lease.saturating_sub(renewed.elapsed()).max(renew);
        match timeout(left, renewal).await {
            Ok(Ok(true)) => renewed = Instant::now(),
            Ok(Ok(false)) => return,
            Ok(Err(error)) if renewed.elapsed() < lease => {
                tracing::warn!(%error, "a claim could not be renewed, trying again");
            }
            Err(_) => {
                tracing::error!("a claim ran out, since the database does not answer");
                return;
            }
            Ok(Err(error)) => {
                tracing::error!(%error, "a claim ran out, since it could not be renewed");
                return;
            }
        }
        let Some(delivery) = delivery else {
            continue;
        };
        if let Err(error) = delivery.in_progress().await {
            tracing::warn!(%error, "the queue could not be told that a job goes on");
        }
    }
}

/// Whether the job may have to stop because of this message.
fn is_about(message: &Message, job: &Job) -> bool {
    match message {
        Message::CancelJob { job_id, .. } => *job_id == job.id,
        Message::AssetDeleted { asset_id } => *asset_id == job.asset_id,
        _ => false,
    }
}
