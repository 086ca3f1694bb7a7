//! Who runs what, and who hears of it.
//!
//! A [`Queue`] hands out [`Ticket`]s: each only says "run job N". Whether there is anything to run
//! is for the database to say, so a ticket too many does no harm. [`Events`] carries what changed
//! to everyone who listens; a message lost there is made up for by reading the row again.
//!
//! [`Dispatch::local`] does both inside one process, [`Dispatch::nats`] for many of them. Every
//! implementation passes the suite in `contract`.

#[cfg(any(test, feature = "contract"))]
pub mod contract;
pub mod events;
mod local;
pub mod nats;
pub mod queue;

use std::sync::Arc;

use clipsy_domain::clock::Clock;

pub use events::{Events, Message, Received, Subscription};
pub use queue::{Delivery, Need, Queue, Ticket};

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

    /// Queue and bus of all processes that are given the same server and prefix. `clock` tells
    /// when delayed tickets are due.
    ///
    /// If the server does not answer within a moment this returns all the same, and goes on
    /// connecting in the background: until then, pushing fails and pulling waits. An error is
    /// about `options`.
    pub async fn nats(options: nats::Options, clock: Arc<dyn Clock>) -> Result<Self> {
        nats::connect(options, clock).await
    }
}

/// Any error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The service behind the queue does not answer; trying again later may help.
    #[error("the queue cannot be reached: {0}")]
    Unreachable(String),
    /// What the operator set does not work, and will not by waiting.
    #[error("the settings for NATS cannot be used: {0}")]
    Settings(String),
}

/// Results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
