//! Processes at a `nats-server` of a test's own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use clipsy_domain::clock::SystemClock;
use clipsy_testkit::Nats;

use crate::Dispatch;
use crate::nats::Options;

/// Makes prefixes that are used once.
static NEXT: AtomicU32 = AtomicU32::new(1);

/// How to reach the server, with a prefix that nobody else uses.
pub(super) fn options(server: &Nats) -> Options {
    Options {
        servers: server.url(),
        prefix: format!("test{}", NEXT.fetch_add(1, Ordering::Relaxed)),
        ack_wait: Duration::from_secs(2),
        ..Options::default()
    }
}

/// What a process of its own would have.
pub(super) async fn process(options: &Options) -> Dispatch {
    let dispatch = Dispatch::nats(options.clone(), Arc::new(SystemClock)).await;
    dispatch.unwrap()
}
