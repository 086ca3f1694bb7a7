//! Periodic sweeps: expired claims, jobs without a ticket, abandoned uploads. Every process does
//! them; where one is enough, they take turns.

use std::time::{Duration, Instant};

use clipsy_dispatch::{Dispatch, Message, Received};
use clipsy_domain::clock::Steadiness;
use clipsy_domain::job::{JobState, RetryPolicy};
use clipsy_domain::upload::UploadKind;
use clipsy_service::tickets::{Wants, queue_job, queue_waiting};
use clipsy_storage::{ClaimWatch, Db};
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// How often claims are looked at, at least.
const CLAIMS: Duration = Duration::from_secs(15);
/// Interval of looking for jobs without a ticket and abandoned uploads.
const REST: Duration = Duration::from_mins(1);
/// Shortest time in milliseconds between two processes that queue all jobs again, as when all of
/// them hear that NATS is back.
const AGAIN_MS: i64 = 5_000;

/// What sweeping needs.
#[derive(Debug, Clone)]
pub struct Sweeper {
    /// Jobs, claims, uploads.
    pub db: Db,
    /// Queue and events.
    pub dispatch: Dispatch,
    /// When attempts are repeated.
    pub retry: RetryPolicy,
    /// Which machines are to run jobs.
    pub wants: Wants,
    /// How long claims hold.
    pub lease: Duration,
    /// True if others sweep the same database.
    pub peers: bool,
}

impl Sweeper {
    /// Sweeps until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let gaps = Notify::new();
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.listen(&gaps) => {}
            () = self.look_after(&gaps) => {}
        }
    }

    /// Reports gaps in the event stream. It only listens: a busy listener would fall behind, which
    /// is a gap too.
    async fn listen(&self, gaps: &Notify) {
        let mut events = self.dispatch.events.subscribe();
        while let Some(received) = events.next().await {
            if matches!(received, Received::Lagged(_)) {
                gaps.notify_one();
            }
        }
        std::future::pending::<()>().await;
    }

    async fn look_after(&self, gaps: &Notify) {
        let mut watch = ClaimWatch::default();
        let mut steadiness = Steadiness::new(&**self.db.clock(), Instant::now());
        let mut claims = interval(CLAIMS.min(self.lease / 4));
        let mut rest = interval(REST);
        for timer in [&mut claims, &mut rest] {
            timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
        }
        loop {
            let result = tokio::select! {
                biased;
                _ = claims.tick() => self.abandoned(&mut watch).await,
                _ = rest.tick() => {
                    let steady = steadiness.look(&**self.db.clock(), Instant::now());
                    self.forgotten(steady).await
                },
                // The queue was unavailable, and may have lost tickets.
                () = gaps.notified() => self.requeue(AGAIN_MS).await,
            };
            if let Err(error) = result {
                tracing::warn!(%error, "could not sweep");
            }
        }
    }

    /// Takes up jobs whose worker has stopped renewing its claim.
    async fn abandoned(&self, watch: &mut ClaimWatch) -> clipsy_storage::Result<()> {
        let claims = self.db.claims().await?;
        for claim in watch.silent(claims, self.lease, Instant::now()) {
            let Some(job) = self.db.abandon(&claim, &self.retry).await? else {
                continue;
            };
            tracing::warn!(
                job_id = job.id,
                asset_id = job.asset_id,
                attempt = job.attempt,
                state = job.state.as_str(),
                "a worker stopped reporting; its job was taken from it"
            );
            if job.state == JobState::Queued {
                queue_job(&self.db, &self.dispatch, self.wants, &job).await;
            }
            let (asset_id, job_id) = (job.asset_id, job.id);
            let message = Message::JobChanged { asset_id, job_id };
            self.dispatch.events.publish(message).await;
        }
        Ok(())
    }

    /// Queues jobs once more, in case a ticket was lost between the database and the queue, and
    /// ends transfers whose time has run out.
    async fn forgotten(&self, steady: bool) -> clipsy_storage::Result<()> {
        // A little less than the time until the next look, so that clocks need not agree.
        let every_ms = i64::try_from(REST.as_millis() / 2).unwrap_or(AGAIN_MS);
        self.requeue(every_ms).await?;
        // What has been sent so far does not come back.
        if !steady {
            return Ok(());
        }
        for upload in self.db.expired_uploads().await? {
            let over = match upload.kind {
                UploadKind::Tus => true,
                // Those of this process alone end with it, and are looked after at its next start.
                UploadKind::Multipart => self.peers,
            };
            if over && upload.asset_id.is_none() && self.db.delete_upload(&upload.id).await? {
                tracing::info!(upload_id = upload.id, "an upload expired");
            }
        }
        Ok(())
    }

    /// Queues every job that waits, unless another process has done so within `every_ms`.
    pub async fn requeue(&self, every_ms: i64) -> clipsy_storage::Result<()> {
        if self.peers && !self.db.take_turn("requeue", every_ms).await? {
            return Ok(());
        }
        queue_waiting(&self.db, &self.dispatch, self.wants).await?;
        Ok(())
    }
}
