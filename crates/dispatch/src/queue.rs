//! The queue: tickets that say which job to run.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use clipsy_domain::clock::Timestamp;
use clipsy_domain::job::{Attempt, Job, JobId, left_ms};
use serde::{Deserialize, Serialize};

use crate::Result;

/// What a machine must have to run a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// An encoder on a GPU.
    Gpu,
    /// Nothing that not every machine has.
    #[default]
    Cpu,
}

impl Need {
    /// All needs, the scarcest machines first.
    pub const ALL: [Self; 2] = [Self::Gpu, Self::Cpu];

    /// The name on the wire, e.g. `"gpu"`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gpu => "gpu",
            Self::Cpu => "cpu",
        }
    }
}

/// A request to run a job. Everything else about the job is in its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// The job.
    pub job_id: JobId,
    /// The attempt counter of its row. A requeued job has a higher one, which distinguishes a new
    /// ticket from a repeated one.
    pub attempt: Attempt,
    /// Who can run it.
    pub need: Need,
    /// Tickets of higher priority come first.
    pub priority: i64,
    /// Earliest delivery, unless it is further away than `wait_ms`.
    pub run_after: Timestamp,
    /// Length of its delay in milliseconds; 0 if it is due at once.
    #[serde(default)]
    pub wait_ms: i64,
}

impl Ticket {
    /// The ticket for `job`.
    pub fn of(job: &Job) -> Self {
        Self {
            job_id: job.id,
            attempt: job.attempt,
            need: Need::default(),
            priority: job.priority,
            run_after: job.run_after,
            wait_ms: job.wait_ms,
        }
    }

    /// Remaining delay at `now`; see [`left_ms`].
    pub fn left(&self, now: Timestamp) -> Duration {
        let left_ms = left_ms(self.run_after, self.wait_ms, now);
        Duration::from_millis(u64::try_from(left_ms).unwrap_or(0))
    }
}

/// Distributes tickets to workers, each to one of them.
#[async_trait]
pub trait Queue: Send + Sync + Debug {
    /// Adds a ticket. It replaces a waiting ticket of the same job. A ticket that is held by a
    /// worker stays with it. Pushing the same ticket again does no harm.
    ///
    /// An error means that the ticket may be missing: the sweeper pushes it again later. Errors are
    /// returned at once or after a few seconds; it never waits for a service to recover.
    async fn push(&self, ticket: Ticket) -> Result<()>;

    /// Waits for a ticket that is due and hands it out: the highest priority first, among equal
    /// ones the lowest job number. A queue that reaches beyond the process only tells negative
    /// priorities, zero and positive ones apart, and hands out equal ones in the order in which
    /// they came. Nothing is lost if the caller stops waiting.
    ///
    /// It goes on waiting while the service behind the queue is away.
    async fn pull(&self) -> Result<Delivery>;

    /// Takes the waiting ticket of a job away; fine if there is none. Of one that a worker holds
    /// it is open whether it comes again after [`Delivery::nak`].
    async fn remove(&self, job_id: JobId) -> Result<()>;

    /// While paused nothing is handed out, in no process; tickets that were handed out are not
    /// affected.
    async fn set_paused(&self, paused: bool) -> Result<()>;

    /// True while nothing is handed out.
    async fn paused(&self) -> Result<bool>;

    /// Whether the queue works at the moment.
    async fn ping(&self) -> Result<()>;

    /// Tickets that this process gave up since it started, because they had been handed out very
    /// often and nobody ever settled them, or because they could not be read. Each was logged.
    /// A job whose row still waits is queued again when the rows are next gone through.
    fn dead_letters(&self) -> u64;
}

/// A ticket in the hands of a worker. If it is dropped without [`Delivery::ack`] or
/// [`Delivery::nak`], as in a panic, the ticket goes back at once.
#[derive(Debug)]
pub struct Delivery {
    /// What is to be run.
    pub ticket: Ticket,
    receipt: Box<dyn Receipt>,
}

impl Delivery {
    /// A delivery of `ticket` that is settled through `receipt`.
    pub fn new(ticket: Ticket, receipt: Box<dyn Receipt>) -> Self {
        Self { ticket, receipt }
    }

    /// The ticket was dealt with and goes away.
    pub async fn ack(self) -> Result<()> {
        self.receipt.ack().await
    }

    /// The ticket goes back and is handed out again after `delay`.
    pub async fn nak(self, delay: Duration) -> Result<()> {
        self.receipt.nak(delay).await
    }

    /// Tells the queue that the worker still holds the ticket.
    pub async fn in_progress(&self) -> Result<()> {
        self.receipt.in_progress().await
    }
}

/// How an implementation of [`Queue`] settles a [`Delivery`]. Dropping it without `ack` or `nak`
/// gives the ticket back.
#[async_trait]
pub trait Receipt: Send + Sync + Debug {
    /// As [`Delivery::ack`].
    async fn ack(self: Box<Self>) -> Result<()>;
    /// As [`Delivery::nak`].
    async fn nak(self: Box<Self>, delay: Duration) -> Result<()>;
    /// As [`Delivery::in_progress`].
    async fn in_progress(&self) -> Result<()>;
}
