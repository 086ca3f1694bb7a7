//! The queue: tickets that say which job to run.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use clipsy_domain::clock::Timestamp;
use clipsy_domain::job::{Job, JobId};
use serde::{Deserialize, Serialize};

use crate::Result;

/// Says that a job is to be run. Everything else about the job is in its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// The job.
    pub job_id: JobId,
    /// Tickets of higher priority come first.
    pub priority: i64,
    /// Not handed out before then.
    pub run_after: Timestamp,
}

impl Ticket {
    /// The ticket for `job`.
    pub fn of(job: &Job) -> Self {
        Self {
            job_id: job.id,
            priority: job.priority,
            run_after: job.run_after,
        }
    }
}

/// Hands tickets to workers, each to one of them.
#[async_trait]
pub trait Queue: Send + Sync + Debug {
    /// Adds a ticket. One for a job that has a ticket waiting replaces that one, so that a job
    /// never waits twice. A ticket that a worker holds at the moment stays with it.
    async fn push(&self, ticket: Ticket) -> Result<()>;

    /// Waits for a ticket that is due and hands it out: the highest priority first, among equal
    /// ones the lowest job number. Nothing is lost if the caller stops waiting.
    async fn pull(&self) -> Result<Delivery>;

    /// Takes the waiting ticket of a job away; fine if there is none.
    async fn remove(&self, job_id: JobId) -> Result<()>;

    /// While paused nothing is handed out; tickets that were handed out are not affected.
    async fn set_paused(&self, paused: bool) -> Result<()>;

    /// True while nothing is handed out.
    async fn paused(&self) -> Result<bool>;
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
