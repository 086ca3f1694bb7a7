//! Which tickets the queue gets for the rows.
//!
//! The row of a job is the truth, so that nothing here fails: what the queue does not take now is
//! pushed again when the rows are next gone through.

use chrono::TimeDelta;
use clipsy_dispatch::{Dispatch, Need, Ticket};
use clipsy_domain::clock::Timestamp;
use clipsy_domain::job::{Job, JobId};
use clipsy_domain::worker::{EncoderFound, WorkerSign};
use clipsy_storage::{Db, Result};

/// How long a job waits for a machine with a GPU before any machine may take it.
const GPU_FIRST: TimeDelta = TimeDelta::minutes(1);

/// Which machines are to run jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wants {
    /// Any. Within one process there is nothing to choose.
    #[default]
    Anybody,
    /// Those with a GPU while there are some, and any that is free if those are busy.
    GpuFirst,
    /// Only those with a GPU: an encoder was asked for that others do not have.
    Gpu,
}

/// Queues a job whose row waits.
pub async fn queue_job(db: &Db, dispatch: &Dispatch, wants: Wants, job: &Job) {
    let ticket = Ticket {
        need: need(wants, has_gpu(db, wants).await, job, db.clock().now()),
        ..Ticket::of(job)
    };
    push(dispatch, ticket).await;
}

/// Queues all jobs whose rows wait; a ticket too many does no harm. Says how many there are.
pub async fn queue_waiting(db: &Db, dispatch: &Dispatch, wants: Wants) -> Result<usize> {
    let gpu = has_gpu(db, wants).await;
    let waiting = db.jobs_to_run().await?;
    let mut failed = 0_usize;
    for job in &waiting {
        let ticket = Ticket {
            need: need(wants, gpu, job, db.clock().now()),
            ..Ticket::of(job)
        };
        if let Err(error) = dispatch.queue.push(ticket).await {
            failed += 1;
            // A queue that is away is away for all of them.
            if failed == GIVE_UP {
                tracing::warn!(%error, waiting = waiting.len(), "jobs could not be queued");
                break;
            }
        }
    }
    Ok(waiting.len())
}

/// Tickets in a row of rows that the queue may refuse before the others are left for later.
const GIVE_UP: usize = 3;

/// Takes the ticket of a job away that is not to be run any more. One that stays leads a worker to
/// a row that says so.
pub async fn take_back(dispatch: &Dispatch, job_id: JobId) {
    if let Err(error) = dispatch.queue.remove(job_id).await {
        tracing::warn!(%error, job_id, "a ticket could not be taken back");
    }
}

async fn push(dispatch: &Dispatch, ticket: Ticket) {
    if let Err(error) = dispatch.queue.push(ticket).await {
        tracing::warn!(%error, job_id = ticket.job_id, "a job could not be queued yet");
    }
}

async fn has_gpu(db: &Db, wants: Wants) -> bool {
    if wants != Wants::GpuFirst {
        return false;
    }
    match db.workers().await {
        Ok(workers) => workers.iter().any(serves_gpu),
        Err(error) => {
            tracing::warn!(%error, "could not read which workers there are");
            false
        }
    }
}

/// Whether a machine with these encoders takes jobs that need a GPU.
pub fn use_gpu(encoders: &[EncoderFound]) -> bool {
    encoders
        .iter()
        .any(|encoder| encoder.works && encoder.preferred && encoder.kind != "software")
}

/// Whether a worker takes them at the moment.
fn serves_gpu(worker: &WorkerSign) -> bool {
    use_gpu(&worker.encoders) && !worker.draining && worker.slots > 0
}

fn need(wants: Wants, gpu: bool, job: &Job, now: Timestamp) -> Need {
    match wants {
        Wants::Gpu => Need::Gpu,
        Wants::GpuFirst if gpu && waits_for_gpu(job, now) => Need::Gpu,
        Wants::GpuFirst | Wants::Anybody => Need::Cpu,
    }
}

/// Counted from when the job may run, unless a clock was wrong when it was told.
fn waits_for_gpu(job: &Job, now: Timestamp) -> bool {
    let waited = now - job.run_after;
    waited < GPU_FIRST && waited >= TimeDelta::milliseconds(-job.wait_ms)
}

#[cfg(test)]
mod tests {
    use clipsy_domain::clock::from_millis;
    use clipsy_domain::job::JobState;

    use super::*;

    fn job(run_after: Timestamp) -> Job {
        Job {
            id: 1,
            asset_id: 1,
            state: JobState::Queued,
            priority: 0,
            attempt: 0,
            failures: 0,
            worker: None,
            lease_until: None,
            run_after,
            wait_ms: 1_000,
            failure: None,
            created_at: run_after,
            started_at: None,
            finished_at: None,
            trace: None,
        }
    }

    #[test]
    fn a_gpu_is_waited_for_but_not_for_long() {
        let start = from_millis(1_000_000);
        let job = job(start);
        let later = start + GPU_FIRST;
        for (wants, gpu, now, expected) in [
            (Wants::Anybody, true, start, Need::Cpu),
            (Wants::GpuFirst, true, start, Need::Gpu),
            (Wants::GpuFirst, false, start, Need::Cpu),
            (Wants::GpuFirst, true, later, Need::Cpu),
            (
                Wants::GpuFirst,
                true,
                start - TimeDelta::seconds(1),
                Need::Gpu,
            ),
            (
                Wants::GpuFirst,
                true,
                start - TimeDelta::hours(2),
                Need::Cpu,
            ),
            (Wants::Gpu, false, later, Need::Gpu),
        ] {
            assert_eq!(need(wants, gpu, &job, now), expected, "{wants:?} {gpu}");
        }
    }

    #[test]
    fn a_worker_serves_what_it_uses() {
        let encoder = |kind: &str, works, preferred| EncoderFound {
            id: kind.into(),
            label: kind.into(),
            kind: kind.into(),
            element: String::new(),
            works,
            reason: String::new(),
            advice: None,
            preferred,
        };
        let now = from_millis(0);
        let worker = |encoders, draining| WorkerSign {
            id: "w".into(),
            host: "h".into(),
            version: String::new(),
            started_at: now,
            seen_at: now,
            slots: 1,
            busy: 0,
            encoders,
            cards: Vec::new(),
            draining,
        };
        assert!(serves_gpu(&worker(
            vec![encoder("nvenc", true, true)],
            false
        )));
        assert!(!serves_gpu(&worker(
            vec![encoder("nvenc", true, true)],
            true
        )));
        assert!(!serves_gpu(&worker(
            vec![encoder("nvenc", true, false)],
            false
        )));
        assert!(!serves_gpu(&worker(
            vec![encoder("software", true, true)],
            false
        )));
        assert!(!serves_gpu(&worker(Vec::new(), false)));
    }
}
