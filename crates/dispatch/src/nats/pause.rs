//! Whether the queue is paused, for all processes: the last message on a subject of the stream has
//! the state, and subscribers of the subject learn of changes at once.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::stream::LastRawMessageErrorKind;
use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::sync::watch;
use tokio::time::timeout;

use super::Tasks;
use super::link::Link;
use crate::{Error, Result};

/// How often it is read without having been told of a change.
const READ_AGAIN: Duration = Duration::from_secs(30);
const PAUSED: &[u8] = b"paused";
const RUNNING: &[u8] = b"running";

#[derive(Debug)]
pub(super) struct Pause {
    link: Arc<Link>,
    paused: watch::Sender<bool>,
}

impl Pause {
    /// Follows what others set.
    pub(super) async fn start(link: &Arc<Link>, tasks: &mut Tasks) -> Result<Arc<Self>> {
        let pause = Arc::new(Self {
            link: Arc::clone(link),
            paused: watch::Sender::new(false),
        });
        let mut told = link
            .client
            .subscribe(link.names.paused())
            .await
            .map_err(|error| Error::Settings(error.to_string()))?;
        let following = Arc::clone(&pause);
        tasks.spawn(async move {
            let mut state = following.link.state();
            loop {
                tokio::select! {
                    message = told.next() => match message {
                        Some(message) => following.note(message.payload == PAUSED),
                        None => return,
                    },
                    changed = timeout(READ_AGAIN, state.changed()) => {
                        if let Ok(Err(_)) = changed {
                            return;
                        }
                        // While NATS is away nothing is handed out anyhow.
                        let _ = following.read().await;
                    }
                }
            }
        });
        Ok(pause)
    }

    /// The last known state, and how it changes.
    pub(super) fn watch(&self) -> watch::Receiver<bool> {
        self.paused.subscribe()
    }

    /// Sets it for everybody.
    pub(super) async fn set(&self, paused: bool) -> Result<()> {
        self.link.make_sure().await?;
        let payload = Bytes::from_static(if paused { PAUSED } else { RUNNING });
        let subject = self.link.names.paused();
        let stored = async {
            let sent = self.link.jetstream.publish(subject.clone(), payload);
            sent.await?.await
        };
        self.link.ask(stored).await?;
        self.note(paused);
        // Only the last one counts.
        let older = self.link.stream().await?.purge().keep(1).filter(subject);
        self.link.ask(older.into_future()).await?;
        Ok(())
    }

    /// Asks the server.
    pub(super) async fn read(&self) -> Result<bool> {
        let stream = self.link.stream().await?;
        let subject = self.link.names.paused();
        let read = async {
            match stream.get_last_raw_message_by_subject(&subject).await {
                Ok(message) => Ok(message.payload == PAUSED),
                Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(false),
                Err(error) => Err(error),
            }
        };
        let paused = self.link.ask(read).await?;
        self.note(paused);
        Ok(paused)
    }

    fn note(&self, paused: bool) {
        self.paused.send_if_modified(|known| {
            let changed = *known != paused;
            *known = paused;
            changed
        });
    }
}
