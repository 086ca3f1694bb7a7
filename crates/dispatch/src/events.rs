//! The event bus: change messages for current listeners.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use clipsy_domain::asset::AssetId;
use clipsy_domain::job::{Attempt, JobId};
use clipsy_domain::progress::Event;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::Result;

/// A change. Except for progress it carries no state: listeners read the row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "message", rename_all = "snake_case")]
pub enum Message {
    /// A job was created, started, finished, requeued or cancelled; its asset may have changed with
    /// it.
    JobChanged {
        /// The job's asset.
        asset_id: AssetId,
        /// The job.
        job_id: JobId,
    },
    /// A running job reports.
    Progress {
        /// The job's asset.
        asset_id: AssetId,
        /// The job.
        job_id: JobId,
        /// The reporting attempt; reports of earlier ones are outdated.
        attempt: Attempt,
        /// What it reports.
        event: Event,
    },
    /// A running attempt must be stopped now. It has already lost its fence.
    CancelJob {
        /// The job.
        job_id: JobId,
        /// The attempt that held the fence when the job was cancelled.
        attempt: Attempt,
    },
    /// An asset and everything of it is gone.
    AssetDeleted {
        /// The asset.
        asset_id: AssetId,
    },
    /// Title, visibility or the like changed.
    AssetChanged {
        /// The asset.
        asset_id: AssetId,
    },
    /// The queue was paused or resumed.
    QueueChanged,
    /// A worker started, stopped, took or returned a job, or reported.
    WorkerChanged {
        /// Its name in claims.
        worker: String,
    },
}

impl Message {
    /// The asset that it is about, if it names one.
    pub fn asset_id(&self) -> Option<AssetId> {
        match self {
            Self::JobChanged { asset_id, .. }
            | Self::Progress { asset_id, .. }
            | Self::AssetDeleted { asset_id }
            | Self::AssetChanged { asset_id } => Some(*asset_id),
            Self::CancelJob { .. } | Self::QueueChanged | Self::WorkerChanged { .. } => None,
        }
    }
}

/// Carries messages to everyone who subscribed before they were published.
#[async_trait]
pub trait Events: Send + Sync + Debug {
    /// Publishes a message. It never waits for slow listeners or for a service to recover, and
    /// failures are logged, not returned: all state is in the database before it is published.
    /// Listeners that may have missed something receive [`Received::Lagged`].
    async fn publish(&self, message: Message);

    /// Listens from now on.
    fn subscribe(&self) -> Subscription;

    /// Waits until everything that this process published has been sent, as before it exits. An
    /// error means that other processes are unreachable.
    async fn flush(&self) -> Result<()>;
}

/// What a listener gets.
#[derive(Debug, Clone, PartialEq)]
pub enum Received {
    /// A message.
    Message(Arc<Message>),
    /// The listener was too slow or disconnected, and lost at least this many messages. It must
    /// read its rows again.
    Lagged(u64),
}

/// A listener's messages in order of publication. The buffer is bounded; for a slow listener the
/// oldest are dropped.
#[derive(Debug)]
pub struct Subscription(broadcast::Receiver<Received>);

impl Subscription {
    /// A subscription fed by this channel. Implementations that reach beyond the process feed the
    /// channel from one connection, and put [`Received::Lagged`] into it where that has a gap.
    pub fn new(receiver: broadcast::Receiver<Received>) -> Self {
        Self(receiver)
    }

    /// Waits for the next message; `None` after the last. Cancel-safe.
    pub async fn next(&mut self) -> Option<Received> {
        match self.0.recv().await {
            Ok(received) => Some(received),
            Err(RecvError::Lagged(lost)) => Some(Received::Lagged(lost)),
            Err(RecvError::Closed) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_cross_processes_unchanged() {
        let message = Message::Progress {
            asset_id: 1,
            job_id: 2,
            attempt: 3,
            event: Event::Thumbnail {
                path: "thumbnail.jpg".into(),
            },
        };
        let text = serde_json::to_string(&message).unwrap();
        assert!(
            text.starts_with(r#"{"message":"progress","asset_id":1,"#),
            "{text}"
        );
        assert_eq!(serde_json::from_str::<Message>(&text).unwrap(), message);
    }
}
