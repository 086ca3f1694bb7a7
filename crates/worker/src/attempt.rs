//! One attempt at one job, from the claim to its end.

use std::path::PathBuf;
use std::sync::Arc;

use clipsy_dispatch::{Delivery, Subscription};
use clipsy_domain::asset::Asset;
use clipsy_domain::failure::{Failure, FailureCode, Stage};
use clipsy_domain::job::Job;
use clipsy_domain::media_key;
use clipsy_service::trace;
use clipsy_storage::Finished;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, Span};

use super::cards::CardHeld;
use super::child::{self, Process, Task};
use super::persist::persist;
use super::proofs::Proofs;
use super::protocol::ChildJob;
use super::publish::Publisher;
use super::relay::{Relay, Told};
use super::scratch::Scratch;
use super::{Worker, fetch, figures, guard, settle};
use crate::sandbox::bounds::Bounds;

/// How an attempt ended.
#[derive(Debug)]
pub(super) enum End {
    /// Everything is made and published.
    Finished(Finished),
    /// It did not work.
    Failed(Failure),
    /// The job belongs to somebody else now, or is gone.
    Lost,
    /// The server is going down.
    Drained,
}

impl End {
    fn name(&self) -> &'static str {
        match self {
            Self::Finished(_) => "finished",
            Self::Failed(_) => "failed",
            Self::Lost => "lost",
            Self::Drained => "drained",
        }
    }
}

/// What an attempt needs besides its job.
pub(super) struct Surroundings<'a> {
    /// The job's ticket; `None` if the job was claimed with that of another one.
    pub(super) delivery: Option<&'a Delivery>,
    pub(super) events: Subscription,
    pub(super) stop: &'a CancellationToken,
}

/// Does `job`, which was claimed, and settles it.
pub(super) async fn run(worker: &Worker, job: &Job, held: CardHeld, around: Surroundings<'_>) {
    let span = tracing::info_span!(
        "attempt",
        job_id = job.id,
        asset_id = job.asset_id,
        attempt = job.attempt,
        trace_id = tracing::field::Empty,
    );
    trace::join(&span, job.trace.as_ref());
    trace::note_number(&span);
    let whole = async {
        tracing::info!("attempt started");
        let running = figures::claimed(worker, job);
        worker.job_changed(job.asset_id, job.id).await;
        let end = work(worker, job, held, around).await;
        let span = Span::current();
        trace::note(&span, "clipsy.outcome", end.name());
        if let End::Failed(failure) = &end {
            trace::failed(&span, failure.code.as_str());
        }
        let settle = settle::settle(worker, job, end);
        let settled = settle.instrument(tracing::info_span!("settle")).await;
        running.ended(settled);
    };
    whole.instrument(span).await;
}

async fn work(worker: &Worker, job: &Job, mut held: CardHeld, mut around: Surroundings<'_>) -> End {
    let asset = persist("read an asset", || worker.db.asset(job.asset_id)).await;
    let Some(Some(asset)) = asset else {
        return End::Lost;
    };
    let scratch = match Scratch::make(&worker.settings.scratch, job).await {
        Ok(scratch) => scratch,
        Err(error) => return End::Failed(disk_failure(&error, "no scratch folder can be made")),
    };
    let input = match source(worker, job, &asset, &mut around, &scratch).await {
        Ok(input) => input,
        Err(end) => {
            scratch.remove().await;
            return end;
        }
    };
    let settings = &worker.settings;
    let mut order = ChildJob {
        parent: std::process::id(),
        input,
        output: scratch.output.clone(),
        scratch: scratch.folder.clone(),
        plugins: settings.environment.plugins.clone(),
        ladder: settings.ladder.clone(),
        encoders: settings.encoders.clone(),
        decoders: settings.decoders.clone(),
        limits: settings.limits.clone(),
        encoder: settings.encoder.clone(),
        decoder: settings.decoder,
        stall_timeout_s: settings.stall_timeout.as_secs(),
        sandbox: settings.sandbox,
        bounds: Bounds::new(settings.memory_bytes, settings.max_runtime),
        card: None,
    };
    // Cards that have failed, and whether another one may be tried.
    let (mut tried, mut may_move) = (Vec::new(), true);
    let end = loop {
        order.card = held.view();
        tracing::debug!(card = held.label(), "the child gets a card");
        tried.extend(held.place());
        let may_move_now = may_move && held.has_other(&tried);
        match in_child(worker, job, &mut around, &order, &scratch, may_move_now).await {
            Ended::Moved => {
                held.shun();
                match held.other(&tried) {
                    Some(other) => held = other,
                    // Others have taken it meanwhile: what this card cannot do the CPU does.
                    None => may_move = false,
                }
            }
            Ended::Here(end) => break end,
        }
    };
    scratch.remove().await;
    end
}

/// How a child's run ended.
enum Ended {
    /// With its attempt.
    Here(End),
    /// An encoder failed, and another card is to make the whole result.
    Moved,
}

/// The original's path on this machine. If the store has it elsewhere, it is downloaded; that is
/// cancelled for the same reasons as a child.
async fn source(
    worker: &Worker,
    job: &Job,
    asset: &Asset,
    around: &mut Surroundings<'_>,
    scratch: &Scratch,
) -> Result<PathBuf, End> {
    if let Some(path) = worker.media.local_path(&asset.source_key).await {
        return Ok(path);
    }
    let path = scratch.folder.join("source");
    tokio::select! {
        biased;
        () = around.stop.cancelled() => Err(End::Drained),
        () = guard::until_lost(worker, job, around.delivery, &mut around.events) => Err(End::Lost),
        () = tokio::time::sleep(worker.settings.max_runtime) => Err(too_long(worker)),
        fetched = fetch::fetch(&*worker.media, &asset.source_key, &path)
            .instrument(tracing::info_span!("fetch")) => match fetched {
            Ok(()) => Ok(path),
            Err(error) => Err(End::Failed(error.to_failure())),
        }
    }
}

fn too_long(worker: &Worker) -> End {
    let limit_s = worker.settings.max_runtime.as_secs();
    let message = format!("processing took longer than {limit_s} s, which is the limit");
    failed(FailureCode::LimitsExceeded, &message)
}

/// Runs a child. `may_move` if there is another card for the job.
async fn in_child(
    worker: &Worker,
    job: &Job,
    around: &mut Surroundings<'_>,
    order: &ChildJob,
    scratch: &Scratch,
    may_move: bool,
) -> Ended {
    let proofs = Proofs {
        spawner: worker.spawner.clone(),
        registry: worker.settings.registry.clone(),
        folder: scratch.folder.clone(),
        temporary: scratch.temporary.clone(),
        encoders: order.encoders.clone(),
        sandbox: order.sandbox,
        card: order.card.clone(),
        memory: Arc::clone(&worker.memory),
    };
    let started = Process::start_with_proofs(Task::Transcode, order, &order.bounds, proofs).await;
    let (mut process, lines) = match started {
        Ok(started) => started,
        Err(error) => {
            return Ended::Here(internal(&format!("no process can be started: {error}")));
        }
    };
    let halt = CancellationToken::new();
    let publisher = Publisher::new(
        worker.media.clone(),
        scratch.output.clone(),
        media_key::output_prefix(job.asset_id, job.attempt),
        halt.clone(),
    );
    let mut relay = Relay::new(
        worker,
        job,
        publisher,
        halt.clone(),
        process.notes(),
        may_move,
    );
    let patience = relay.patience();
    let stopped = {
        let follow = relay.follow(lines);
        tokio::pin!(follow);
        let stopped = tokio::select! {
            biased;
            told = &mut follow => Ok(told),
            () = around.stop.cancelled() => Err(End::Drained),
            () = guard::until_lost(worker, job, around.delivery, &mut around.events) => Err(End::Lost),
            () = tokio::time::sleep(worker.settings.max_runtime) => Err(too_long(worker)),
        };
        if stopped.is_err() {
            process.kill();
            // It may be in the middle of publishing a file. Only once it has stopped is it known
            // what there is to remove.
            halt.cancel();
            follow.await;
        }
        stopped
    };
    Ended::Here(match stopped {
        Ok(Told::Moved) => {
            process.kill();
            process.end().await;
            return Ended::Moved;
        }
        Ok(Told::Finished(made)) => {
            let ended = process.end().await;
            if !ended.is_success() {
                tracing::warn!(
                    how = ended.describe(),
                    "the child did not end well after its work"
                );
            }
            End::Finished(made)
        }
        Ok(Told::Failed(mut failure)) => {
            // It may have something to say yet, but nothing that changes anything.
            process.kill();
            let ended = process.end().await;
            tracing::debug!(last_lines = ended.last_lines(), "the child failed");
            failure.log = log(&ended, order);
            End::Failed(failure)
        }
        Ok(Told::Nothing) => {
            let ended = process.end().await;
            tracing::warn!(
                how = ended.describe(),
                last_lines = ended.last_lines(),
                "the child crashed"
            );
            let mut failure = match ended.excess() {
                // It would do so again.
                Some(excess) => limits_exceeded(&excess),
                None => Failure::new(FailureCode::Crashed, Stage::Transcode, ended.describe()),
            };
            failure.log = log(&ended, order);
            End::Failed(failure)
        }
        Ok(Told::Silent) => {
            process.kill();
            process.end().await;
            let message = format!(
                "the process that handled it said nothing for {} s",
                patience.as_secs()
            );
            failed(FailureCode::Stalled, &message)
        }
        Ok(Told::Lost) => {
            process.kill();
            process.end().await;
            End::Lost
        }
        Err(end) => {
            process.end().await;
            end
        }
    })
}

/// The last lines of a child for people who read failures, without where its files lie here.
fn log(ended: &child::Ended, order: &ChildJob) -> Vec<String> {
    let hide = |line: &str| {
        let mut line = line.to_owned();
        for (path, name) in [
            (&order.output, "output"),
            (&order.scratch, "scratch"),
            (&order.input, "original"),
        ] {
            if let Some(path) = path.to_str().filter(|path| !path.is_empty()) {
                line = line.replace(path, name);
            }
        }
        line
    };
    let lines = ended.last_lines();
    lines
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(hide)
        .collect()
}

fn limits_exceeded(excess: &str) -> Failure {
    let message = format!("the process that handled it was ended: {excess}");
    Failure::new(FailureCode::LimitsExceeded, Stage::Transcode, message)
}

fn failed(code: FailureCode, message: &str) -> End {
    End::Failed(Failure::new(code, Stage::Transcode, message))
}

fn internal(message: &str) -> End {
    failed(FailureCode::Internal, message)
}

fn disk_failure(error: &std::io::Error, what: &str) -> Failure {
    let code = match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            FailureCode::OutOfDisk
        }
        _ => FailureCode::Internal,
    };
    Failure::new(code, Stage::Transcode, format!("{what}: {error}"))
}
