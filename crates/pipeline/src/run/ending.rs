//! How a pipeline is ended that may not want to.

use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::prelude::*;

/// Notices that nothing has moved for a while.
pub(super) struct Watchdog {
    timeout: Duration,
    count: u64,
    since: Instant,
}

impl Watchdog {
    pub(super) fn new(timeout: Duration) -> Self {
        Self {
            timeout,
            count: 0,
            since: Instant::now(),
        }
    }

    pub(super) fn has_barked(&mut self, count: u64) -> bool {
        if count != self.count {
            self.count = count;
            self.since = Instant::now();
        }
        self.since.elapsed() > self.timeout
    }
}

/// Stops a pipeline. One that will not stop is given up after a while: it is the caller's
/// process that ends then.
pub(crate) fn stop(pipeline: &gst::Pipeline) -> bool {
    let (send, receive) = std::sync::mpsc::channel();
    let doomed = pipeline.clone();
    std::thread::spawn(move || {
        let result = doomed.set_state(gst::State::Null);
        let _ = send.send(result.is_ok());
    });
    let stopped = receive
        .recv_timeout(Duration::from_secs(10))
        .unwrap_or(false);
    if !stopped {
        tracing::warn!(pipeline = %pipeline.name(), "a pipeline did not stop in time");
    }
    stopped
}
