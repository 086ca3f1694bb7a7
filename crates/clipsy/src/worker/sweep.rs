//! What has to be looked after from time to time: claims that ran out, jobs that no ticket tells
//! of, transfers that were given up.

use std::sync::Arc;
use std::time::Duration;

use clipsy_dispatch::Ticket;
use clipsy_domain::upload::UploadKind;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::Worker;

/// How often claims are looked at.
const CLAIMS: Duration = Duration::from_secs(15);
/// How often the rest is.
const REST: Duration = Duration::from_mins(1);

/// Sweeps until `stop`.
pub(super) async fn run(worker: Arc<Worker>, stop: CancellationToken) {
    let mut claims = interval(CLAIMS);
    let mut rest = interval(REST);
    for timer in [&mut claims, &mut rest] {
        timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    }
    loop {
        let result = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            _ = claims.tick() => abandoned(&worker).await,
            _ = rest.tick() => forgotten(&worker).await,
        };
        if let Err(error) = result {
            tracing::warn!(%error, "could not sweep");
        }
    }
}

/// Takes up jobs whose worker has stopped renewing its claim.
async fn abandoned(worker: &Worker) -> clipsy_storage::Result<()> {
    for job in worker.db.recover(None, &worker.settings.retry).await? {
        tracing::warn!(
            job_id = job.id,
            asset_id = job.asset_id,
            attempt = job.attempt,
            state = job.state.as_str(),
            "a worker stopped reporting; its job was taken from it"
        );
        worker.announce(&job).await;
    }
    Ok(())
}

/// Queues jobs once more, in case a ticket was lost between the database and the queue; a ticket
/// too many does no harm. Ends transfers that can still be resumed but whose time has run out.
async fn forgotten(worker: &Worker) -> clipsy_storage::Result<()> {
    for job in worker.db.jobs_to_run().await? {
        worker.push(Ticket::of(&job)).await;
    }
    for upload in worker.db.expired_uploads().await? {
        if upload.kind == UploadKind::Tus && upload.asset_id.is_none() {
            worker.db.delete_upload(&upload.id).await?;
            tracing::info!(upload_id = upload.id, "an upload expired");
        }
    }
    Ok(())
}
