//! Queue and bus of many processes, over a NATS server with `JetStream`.
//!
//! **Tickets** are messages of one work-queue stream. The subject says who can run the job and
//! how urgent it is, and ends in the number of the job, so that the tickets of a job are found
//! again. One durable consumer stands for each pair of need and class of priorities. Workers ask
//! them in order; the ack is the lease, which
//! [`Delivery::in_progress`](crate::Delivery::in_progress) renews.
//!
//! **Messages** go over core subjects, which keep nothing: whoever may have missed some is told
//! to read the rows again.
//!
//! Made for nats-server 2.9, and tried with 2.9.10. Everything made on the server is in `names`, what is
//! asked of it at every connect in `link`.

mod bus;
mod fetch;
mod link;
mod names;
mod options;
mod pause;
mod queue;
mod receipt;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use clipsy_domain::clock::Clock;
use tokio::task::AbortHandle;

use crate::{Dispatch, Result};

pub(crate) use bus::NatsEvents;
pub use options::{Hears, Options, SignIn, Tls};
pub(crate) use queue::NatsQueue;

/// Connects, or goes on trying to in the background.
pub(crate) async fn connect(options: Options, clock: Arc<dyn Clock>) -> Result<Dispatch> {
    let link = link::Link::open(options).await?;
    let events = NatsEvents::start(&link).await?;
    let queue = NatsQueue::start(&link, clock).await?;
    link.first_connect().await;
    Ok(Dispatch {
        queue: Arc::new(queue),
        events: Arc::new(events),
    })
}

/// Background tasks that end with their owner.
#[derive(Debug, Default)]
struct Tasks(Vec<AbortHandle>);

impl Tasks {
    fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.0.push(tokio::spawn(task).abort_handle());
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}
