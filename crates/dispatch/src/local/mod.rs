//! Queue and bus in the memory of one process.

mod events;
mod queue;

pub(crate) use events::LocalEvents;
pub(crate) use queue::LocalQueue;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use clipsy_domain::clock::SystemClock;

    use crate::{Dispatch, contract};

    fn local() -> Dispatch {
        Dispatch::local(Arc::new(SystemClock))
    }

    #[tokio::test]
    async fn the_queue_keeps_the_contract() {
        contract::queue(&local).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn every_ticket_is_delivered_once() {
        contract::no_double_delivery(&local).await;
    }

    #[tokio::test]
    async fn the_bus_keeps_the_contract() {
        contract::events(&local).await;
    }
}
