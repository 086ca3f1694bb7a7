//! The event bus of one process: a broadcast channel.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::broadcast;

use crate::Result;
use crate::events::{Events, Message, Received, Subscription};

/// Messages that a listener may lag behind. At four progress messages a second for a dozen jobs,
/// that is more than ten seconds.
const CAPACITY: usize = 1024;

#[derive(Debug)]
pub(crate) struct LocalEvents(broadcast::Sender<Received>);

impl LocalEvents {
    pub(crate) fn new() -> Self {
        Self(broadcast::Sender::new(CAPACITY))
    }
}

#[async_trait]
impl Events for LocalEvents {
    async fn publish(&self, message: Message) {
        // An error only says that nobody listens.
        let _ = self.0.send(Received::Message(Arc::new(message)));
    }

    fn subscribe(&self) -> Subscription {
        Subscription::new(self.0.subscribe())
    }

    async fn flush(&self) -> Result<()> {
        Ok(())
    }
}
