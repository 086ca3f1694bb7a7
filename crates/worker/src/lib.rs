//! Runs jobs: claims them, runs each in a child process, publishes its output, and ensures that
//! every job ends.
//!
//! The row of the job is the truth. A worker that loses its attempt (because somebody cancelled,
//! deleted, or took the job for abandoned) finds out at its next write, kills the child and
//! removes what it published.

mod attempt;
pub mod cards;
mod child;
pub mod encoders;
pub mod environment;
mod fetch;
mod figures;
mod guard;
mod machine;
mod memory;
mod persist;
mod phases;
mod proofs;
pub mod protocol;
pub mod prover;
mod publish;
mod relay;
mod rows;
pub mod sandbox;
mod scratch;
mod settle;
mod sign;
mod slot;
mod slots;
mod stills;
pub mod sweep;
#[cfg(test)]
mod testing;
mod watch;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cards::Cards;
use child::Spawner;
use clipsy_dispatch::{Dispatch, Message};
use clipsy_domain::asset::AssetId;
use clipsy_domain::clock::Timestamp;
use clipsy_domain::job::{Job, JobId, JobState, RetryPolicy};
use clipsy_domain::ladder::Ladder;
use clipsy_domain::limits::Limits;
use clipsy_domain::worker::{CardFound, EncoderFound};
use clipsy_service::tickets::{Wants, queue_job};
use clipsy_storage::Db;
use clipsy_storage::media::MediaStore;
use memory::Memory;
use sweep::Sweeper;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::environment::Environment;
use crate::protocol::Decoding;
use crate::sandbox::{Closed, Mode};

pub use memory::renew_registry;
pub use sign::host;
pub use slots::{default_slots, slots_with};
pub use stills::{StillSettings, Stills};

/// Shortest time in milliseconds between two processes that start and queue all jobs.
const AT_START_MS: i64 = 5_000;

/// How jobs are done.
#[derive(Debug)]
pub struct WorkerSettings {
    /// Name of this worker in claims; stays the same when the server is started again.
    pub name: String,
    /// Jobs that run side by side.
    pub slots: usize,
    /// How long a claim holds without being renewed. A worker that is cut off from the database for
    /// longer has lost its job.
    pub lease: Duration,
    /// Which machines are to run jobs.
    pub wants: Wants,
    /// True if other processes share database and queue.
    pub peers: bool,
    /// The encoders of this machine, if they were tried already.
    pub tried: Vec<EncoderFound>,
    /// The graphics cards of this machine.
    pub cards: Arc<Cards>,
    /// Folder for what children write. Everything in it is deleted at start.
    pub scratch: PathBuf,
    /// File in which `GStreamer` notes the plugins that it found.
    pub registry: PathBuf,
    /// When attempts are repeated.
    pub retry: RetryPolicy,
    /// Longest run of one attempt.
    pub max_runtime: Duration,
    /// Rungs and settings.
    pub ladder: Ladder,
    /// The encoder catalog as TOML; `None` for the built-in one.
    pub encoders: Option<String>,
    /// The file that it comes from.
    pub encoders_file: Option<PathBuf>,
    /// The decoders that may be used, as TOML; `None` for the built-in list.
    pub decoders: Option<String>,
    /// Limits on the source.
    pub limits: Limits,
    /// Encoder: `auto` or an identifier from the catalog.
    pub encoder: String,
    /// Where to decode.
    pub decoder: Decoding,
    /// How long nothing may move in a child.
    pub stall_timeout: Duration,
    /// Whether children lock themselves in.
    pub sandbox: Mode,
    /// What children get of this process's environment.
    pub environment: Environment,
    /// Memory that a child may take, in bytes.
    pub memory_bytes: u64,
}

/// Why a worker did not start.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The folder for what children write cannot be emptied.
    #[error("the scratch folder: {0}")]
    Scratch(#[from] std::io::Error),
    /// The database could not be asked or told.
    #[error(transparent)]
    Database(#[from] clipsy_storage::Error),
    /// A part of it crashed.
    #[error("the signs of life: {0}")]
    Crashed(#[from] tokio::task::JoinError),
}

/// What doing jobs needs.
#[derive(Debug)]
pub struct Worker {
    db: Db,
    media: Arc<dyn MediaStore>,
    dispatch: Dispatch,
    settings: WorkerSettings,
    spawner: Spawner,
    /// True once it was said that children are not locked in.
    warned: AtomicBool,
    /// Name of this machine.
    host: String,
    started_at: Timestamp,
    /// Jobs that run.
    busy: AtomicI64,
    /// What encoders were found; empty until they were tried.
    encoders: Mutex<Vec<EncoderFound>>,
    /// The graphics cards as they were when last looked at.
    cards: Mutex<Vec<CardFound>>,
    /// Told when there is news for a sign of life.
    changed: Notify,
    memory: Arc<Memory>,
}

impl Worker {
    /// A worker that has not started.
    pub fn new(
        db: Db,
        media: Arc<dyn MediaStore>,
        dispatch: Dispatch,
        mut settings: WorkerSettings,
    ) -> std::io::Result<Self> {
        Ok(Self {
            spawner: Spawner::start(&settings.environment.variables)?,
            encoders: Mutex::new(std::mem::take(&mut settings.tried)),
            cards: Mutex::default(),
            started_at: db.clock().now(),
            memory: Arc::new(Memory::open(
                &settings.registry,
                settings.encoders.as_deref(),
            )),
            db,
            media,
            dispatch,
            settings,
            warned: AtomicBool::new(false),
            host: sign::host(),
            busy: AtomicI64::new(0),
            changed: Notify::new(),
        })
    }

    /// The graphics cards as they were when last looked at.
    fn cards(&self) -> Vec<CardFound> {
        let cards = self.cards.lock();
        cards.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks at the graphics cards, which takes some milliseconds.
    async fn look_at_cards(&self) {
        let cards = Arc::clone(&self.settings.cards);
        let Ok(found) = tokio::task::spawn_blocking(move || cards.found()).await else {
            return;
        };
        figures::cards(self, &found);
        *self.cards.lock().unwrap_or_else(PoisonError::into_inner) = found;
    }

    /// Takes up what a predecessor left and works until `stop`. Then running jobs are put back,
    /// and it returns when that is done.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) -> Result<(), WorkerError> {
        scratch::sweep(&self.settings.scratch).await?;
        figures::begin(&self);
        // Before there is anything to hand out.
        sign::hold(&self).await;
        self.take_up().await?;
        let ended = CancellationToken::new();
        let signs = tokio::spawn(sign::run(Arc::clone(&self), stop.clone(), ended.clone()));
        let tasks = TaskTracker::new();
        for _ in 0..self.settings.slots {
            tasks.spawn(slot::run(Arc::clone(&self), stop.clone()));
        }
        tasks.spawn(self.sweeper().run(stop.clone()));
        tasks.close();
        tasks.wait().await;
        ended.cancel();
        signs.await?;
        Ok(())
    }

    /// Queues every job that is to be run. What this worker held before it was started again is
    /// being done by nobody.
    async fn take_up(&self) -> Result<(), clipsy_storage::Error> {
        let held = self
            .db
            .recover(&self.settings.name, &self.settings.retry)
            .await?;
        tracing::info!(taken_up = held.len(), "jobs taken up");
        for job in &held {
            self.job_changed(job.asset_id, job.id).await;
        }
        // Nobody else knows of what this process has just put back.
        for job in held.iter().filter(|job| job.state == JobState::Queued) {
            self.queue(job).await;
        }
        self.sweeper().requeue(AT_START_MS).await?;
        Ok(())
    }

    /// Queues a job whose row waits. If that fails the sweeper does it again.
    async fn queue(&self, job: &Job) {
        queue_job(&self.db, &self.dispatch, self.settings.wants, job).await;
    }

    fn sweeper(&self) -> Sweeper {
        Sweeper {
            db: self.db.clone(),
            dispatch: self.dispatch.clone(),
            retry: self.settings.retry,
            wants: self.settings.wants,
            lease: self.settings.lease,
            peers: self.settings.peers,
        }
    }

    async fn job_changed(&self, asset_id: AssetId, job_id: JobId) {
        let message = Message::JobChanged { asset_id, job_id };
        self.dispatch.events.publish(message).await;
    }

    /// Warns, once, if children are not locked in.
    fn note_sandbox(&self, closed: &Closed) {
        tracing::debug!(sandbox = closed.describe(), "child started");
        if closed.missing.is_some() && !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                sandbox = closed.describe(),
                "videos are parsed without a complete sandbox; see CLIPSY_SANDBOX"
            );
        }
    }
}
