//! Who runs what, and who hears of it.
//!
//! A [`Queue`] hands out [`Ticket`]s: each only says "run job N". Whether there is anything to run
//! is for the database to say, so a ticket too many does no harm. [`Events`] carries what changed
//! to everyone who listens; a message lost there is made up for by reading the row again.
//!
//! [`Dispatch::local`] does both inside one process. Every implementation passes the suite in
//! `contract`.

#[cfg(any(test, feature = "contract"))]
pub mod contract;
pub mod events;
mod local;
pub mod queue;

use std::sync::Arc;

use clipsy_domain::clock::Clock;

pub use events::{Events, Message, Received, Subscription};
pub use queue::{Delivery, Queue, Ticket};

/// The queue and the event bus of this process; clones share both.
#[derive(Debug, Clone)]
pub struct Dispatch {
    /// Which jobs are to be run.
    pub queue: Arc<dyn Queue>,
    /// What changed.
    pub events: Arc<dyn Events>,
}

impl Dispatch {
    /// Queue and bus in the memory of this process. `clock` tells when delayed tickets are due.
    pub fn local(clock: Arc<dyn Clock>) -> Self {
        Self {
            queue: Arc::new(local::LocalQueue::new(clock)),
            events: Arc::new(local::LocalEvents::new()),
        }
    }
}

/// Any error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The service behind the queue does not answer; trying again later may help.
    #[error("the queue cannot be reached: {0}")]
    Unreachable(String),
}

/// Results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
