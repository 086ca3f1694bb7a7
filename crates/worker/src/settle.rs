//! Brings an attempt's end into the database, and removes what must not stay.

use clipsy_dispatch::Message;
use clipsy_domain::failure::Failure;
use clipsy_domain::job::Job;
use clipsy_domain::media_key;
use clipsy_storage::{AfterFailure, Finished};

use super::Worker;
use super::attempt::End;
use super::figures::Ended;
use super::persist::persist;

/// Settles `job`, whose attempt ended with `end`, and publishes the result.
pub(super) async fn settle(worker: &Worker, job: &Job, end: End) -> Ended {
    let ended = match end {
        End::Finished(made) => finish(worker, job, &made).await,
        End::Failed(failure) => fail(worker, job, &failure).await,
        End::Lost => lose(worker, job).await,
        End::Drained => put_back(worker, job).await,
    };
    worker.job_changed(job.asset_id, job.id).await;
    ended
}

async fn finish(worker: &Worker, job: &Job, made: &Finished) -> Ended {
    let write = || worker.db.finish_job(job.id, job.attempt, made);
    match persist("finish a job", write).await {
        Some(true) => {
            tracing::info!(
                renditions = made.renditions.len(),
                duration_s = made.duration_s,
                "ready"
            );
            Ended::Finished
        }
        Some(false) => lose(worker, job).await,
        // Its claim runs out and it is done again.
        None => Ended::Unsettled,
    }
}

async fn fail(worker: &Worker, job: &Job, failure: &Failure) -> Ended {
    let policy = &worker.settings.retry;
    let write = || worker.db.fail_job(job.id, job.attempt, failure, policy);
    match persist("fail a job", write).await {
        Some(Some(AfterFailure::Retry { run_after, wait_ms })) => {
            tracing::warn!(
                code = failure.code.as_str(),
                reason = failure.message,
                run_after = run_after.timestamp_millis(),
                "attempt failed, the job will be tried again"
            );
            remove(worker, job).await;
            let again = Job {
                run_after,
                wait_ms,
                ..job.clone()
            };
            worker.queue(&again).await;
            Ended::Retried(failure.code)
        }
        Some(Some(AfterFailure::Failed)) => {
            tracing::warn!(
                code = failure.code.as_str(),
                reason = failure.message,
                "job failed"
            );
            remove(worker, job).await;
            let message = Message::Progress {
                asset_id: job.asset_id,
                job_id: job.id,
                attempt: job.attempt,
                event: clipsy_domain::progress::Event::Failed {
                    failure: failure.clone(),
                },
            };
            worker.dispatch.events.publish(message).await;
            Ended::Failed(failure.code)
        }
        Some(None) => lose(worker, job).await,
        None => Ended::Unsettled,
    }
}

/// Whoever took the job noted what this attempt had published until then; what came after that is
/// noted here.
async fn lose(worker: &Worker, job: &Job) -> Ended {
    tracing::info!("the job was stopped or taken over");
    let prefix = media_key::output_prefix(job.asset_id, job.attempt);
    persist("note what is left of an attempt", || {
        worker.db.add_garbage(&prefix)
    })
    .await;
    remove(worker, job).await;
    Ended::Lost
}

async fn put_back(worker: &Worker, job: &Job) -> Ended {
    let write = || worker.db.requeue_job(job.id, job.attempt);
    match persist("put a job back", write).await {
        Some(true) => {
            tracing::info!("job put back");
            remove(worker, job).await;
            worker.queue(job).await;
            Ended::Drained
        }
        Some(false) => lose(worker, job).await,
        None => Ended::Unsettled,
    }
}

/// Removes what the attempt published. The database has it noted as garbage, so that it goes
/// later if it does not now.
async fn remove(worker: &Worker, job: &Job) {
    let prefix = media_key::output_prefix(job.asset_id, job.attempt);
    if let Err(error) = worker.media.delete_prefix(&prefix).await {
        tracing::warn!(prefix, %error, "the output of an attempt could not be removed yet");
    }
}
