//! The event bus: what changed, for whoever listens now.

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

/// One thing that changed. Except for progress it carries no state: listeners read the row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "message", rename_all = "snake_case")]
pub enum Message {
    /// A job was made, started, finished, put back or stopped; its asset may have changed with it.
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
        /// The attempt that reports; anything of an earlier one is out of date.
        attempt: Attempt,
        /// What it reports.
        event: Event,
    },
    /// A running attempt has to be stopped now. Its fence is lost already.
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
    /// A worker started, ended, took a job, gave one back, or is still there.
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
    /// Tells everyone. It never waits for slow listeners or for a service to return, and a failure
    /// is logged, not returned: what matters is in the database before it is told. Listeners that
    /// may have missed something are told so, with [`Received::Lagged`].
    async fn publish(&self, message: Message);

    /// Listens from now on.
    fn subscribe(&self) -> Subscription;

    /// Waits until everything that this process published is out of its hands, as before it ends.
    /// An error means that other processes cannot be reached at the moment.
    async fn flush(&self) -> Result<()>;
}

/// What a listener gets.
#[derive(Debug, Clone, PartialEq)]
pub enum Received {
    /// A message.
    Message(Arc<Message>),
    /// The listener was too slow, or cut off, and messages are lost to it: at least this many. It
    /// has to read the rows that it cares about again.
    Lagged(u64),
}

/// One listener's messages in the order in which they were published. It holds a bounded number;
/// of a slow listener the oldest are dropped.
#[derive(Debug)]
pub struct Subscription(broadcast::Receiver<Received>);

impl Subscription {
    /// A subscription fed by this channel. Implementations that reach beyond the process feed the
    /// channel from one connection, and put [`Received::Lagged`] into it where that has a gap.
    pub fn new(receiver: broadcast::Receiver<Received>) -> Self {
        Self(receiver)
    }

    /// Waits for the next message; `None` when there will be no more. Nothing is lost if the
    /// caller stops waiting.
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
