//! Tests against real servers, which they start themselves.

mod access;
mod contract;
mod faults;
mod server;
mod sharing;

use std::collections::BTreeMap;
use std::time::Duration;

use clipsy_domain::clock::{Clock as _, SystemClock};
use clipsy_domain::job::JobId;

use crate::{Delivery, Dispatch, Need, Ticket};

/// No step takes anywhere near this long: one that does hangs.
const HANGS_AFTER: Duration = Duration::from_mins(1);

/// How often each job was handed out.
type Seen = BTreeMap<JobId, u32>;

fn ticket(job_id: JobId) -> Ticket {
    Ticket {
        job_id,
        attempt: 0,
        need: Need::Cpu,
        priority: 0,
        run_after: SystemClock.now(),
        wait_ms: 0,
    }
}

async fn ends<T>(future: impl Future<Output = T>) -> T {
    let value = tokio::time::timeout(HANGS_AFTER, future).await;
    value.unwrap_or_else(|_| panic!("it hangs: no end after {} s", HANGS_AFTER.as_secs()))
}

async fn pull(dispatch: &Dispatch) -> Delivery {
    ends(dispatch.queue.pull()).await.unwrap()
}

/// Pulls a ticket and settles it.
async fn take(dispatch: &Dispatch) -> JobId {
    let delivery = pull(dispatch).await;
    let job_id = delivery.ticket.job_id;
    delivery.ack().await.unwrap();
    job_id
}

/// Tries until it works, as callers do that go through their rows again and again.
async fn until_ok<T, F>(mut what: impl FnMut() -> F) -> T
where
    F: Future<Output = crate::Result<T>>,
{
    ends(async {
        loop {
            match what().await {
                Ok(value) => return value,
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    })
    .await
}
