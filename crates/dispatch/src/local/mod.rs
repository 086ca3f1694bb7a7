//! Queue and bus in the memory of one process.

mod events;
mod queue;

pub(crate) use events::LocalEvents;
pub(crate) use queue::LocalQueue;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use clipsy_domain::clock::{Clock as _, SystemClock};
    use futures_util::future::BoxFuture;

    use crate::{Dispatch, Need, Ticket, contract};

    fn local() -> BoxFuture<'static, Dispatch> {
        Box::pin(std::future::ready(Dispatch::local(Arc::new(SystemClock))))
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

    #[tokio::test]
    async fn every_step_of_priority_counts() {
        let queue = local().await.queue;
        for (job_id, priority) in [(1, 1), (2, 2), (5, 2), (4, 2), (3, -7), (6, -6)] {
            let ticket = Ticket {
                job_id,
                attempt: 0,
                need: Need::Cpu,
                priority,
                run_after: SystemClock.now(),
                wait_ms: 0,
            };
            queue.push(ticket).await.unwrap();
        }
        for expected in [2, 4, 5, 1, 6, 3] {
            let delivery = queue.pull().await.unwrap();
            assert_eq!(delivery.ticket.job_id, expected);
            delivery.ack().await.unwrap();
        }
    }
}
