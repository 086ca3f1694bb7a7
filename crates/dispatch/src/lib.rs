//! Who runs what, and who hears of it.
//!
//! A [`Queue`] hands out [`Ticket`]s, each of which only says "run job N". The database decides
//! whether there is anything to run, so a surplus ticket does no harm. [`Events`] carries changes
//! to all listeners; a lost message is made up for by reading the row again.
//!
//! [`Dispatch::local`] provides both within one process, [`Dispatch::nats`] for many. Every
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
    /// An in-memory queue and bus. `clock` determines when delayed tickets are due.
    pub fn local(clock: Arc<dyn Clock>) -> Self {
        Self {
            queue: Arc::new(local::LocalQueue::new(clock)),
            events: Arc::new(local::LocalEvents::new()),
        }
    }

    /// The queue and bus of all processes with the same server and prefix. `clock` determines when
    /// delayed tickets are due.
    ///
    /// If the server does not respond soon, this returns anyway and keeps connecting in the
    /// background: until then, pushing fails and pulling waits. Errors concern `options`.
    pub async fn nats(options: nats::Options, clock: Arc<dyn Clock>) -> Result<Self> {
        nats::connect(options, clock).await
    }
}

/// Any error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The queue's server is unavailable; a retry may succeed.
    #[error("the queue cannot be reached: {0}")]
    Unreachable(String),
    /// The configuration is wrong; retries do not help.
    #[error("the settings for NATS cannot be used: {0}")]
    Settings(String),
}

/// Results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
