//! The event bus: core subjects between processes, a broadcast channel inside of each.
//!
//! Core subjects keep nothing. So whenever messages may have been lost, listeners are told to read
//! the rows again: those of this process when its connection was away or it could not keep up,
//! those of all others when it could not send.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_nats::Subscriber;
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::time::{Instant, timeout};

use super::Tasks;
use super::link::{ANSWER, Link};
use crate::events::{Events, Message, Received, Subscription};
use crate::{Error, Result};

/// Messages that a listener may be behind.
const CAPACITY: usize = 1024;
/// Messages that may wait to be sent, e.g. while disconnected. Further ones are dropped.
const UNSENT: usize = 1024;
/// Messages handed to the connection this shortly before it broke may be lost.
const UNSURE: Duration = Duration::from_mins(1);
/// Losses are gathered for so long: when a server comes back, all processes tell of theirs.
const GATHER: Duration = Duration::from_millis(250);

#[derive(Debug)]
pub(crate) struct NatsEvents {
    link: Arc<Link>,
    local: broadcast::Sender<Received>,
    out: mpsc::Sender<Out>,
    dropped: Arc<AtomicU64>,
    _tasks: Tasks,
}

/// What the sender is to do.
#[derive(Debug)]
enum Out {
    Message(Arc<Message>),
    /// Everything before it was handed to the connection.
    Flush(oneshot::Sender<()>),
}

impl NatsEvents {
    pub(super) async fn start(link: &Arc<Link>) -> Result<Self> {
        let local = broadcast::Sender::new(CAPACITY);
        let (out, unsent) = mpsc::channel(UNSENT);
        let dropped = Arc::new(AtomicU64::new(0));
        let told = link
            .client
            .subscribe(link.names.events(link.options.hears))
            .await
            .map_err(|error| Error::Settings(error.to_string()))?;
        let mut tasks = Tasks::default();
        tasks.spawn(hear(Arc::clone(link), told, local.clone()));
        let sender = Sender {
            link: Arc::clone(link),
            dropped: Arc::clone(&dropped),
            owed: 0,
            last_news: None,
            connects: 0,
        };
        tasks.spawn(sender.run(unsent));
        Ok(Self {
            link: Arc::clone(link),
            local,
            out,
            dropped,
            _tasks: tasks,
        })
    }
}

#[async_trait]
impl Events for NatsEvents {
    async fn publish(&self, message: Message) {
        let message = Arc::new(message);
        // An error only says that nobody listens.
        let _ = self.local.send(Received::Message(Arc::clone(&message)));
        if self.out.try_send(Out::Message(message)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn subscribe(&self) -> Subscription {
        Subscription::new(self.local.subscribe())
    }

    async fn flush(&self) -> Result<()> {
        self.link.connected()?;
        let (done, sent) = oneshot::channel();
        let handed_over = async {
            self.out.send(Out::Flush(done)).await.ok()?;
            sent.await.ok()
        };
        match timeout(ANSWER, handed_over).await {
            Ok(Some(())) => self.link.round_trip().await,
            _ => Err(Error::Unreachable("messages cannot be sent".to_owned())),
        }
    }
}

/// Sends what this process publishes.
struct Sender {
    link: Arc<Link>,
    /// Messages that there was no room for.
    dropped: Arc<AtomicU64>,
    /// Messages that were lost, of which the others have not been told.
    owed: u64,
    /// When something was sent that is not said again by itself, as progress is.
    last_news: Option<Instant>,
    /// The connect that was seen last.
    connects: u64,
}

impl Sender {
    async fn run(mut self, mut unsent: mpsc::Receiver<Out>) {
        let mut state = self.link.state();
        loop {
            let next = tokio::select! {
                next = unsent.recv() => match next {
                    Some(next) => Some(next),
                    None => return,
                },
                changed = state.changed() => match changed {
                    Ok(()) => None,
                    Err(_) => return,
                },
            };
            self.link.until_connected().await;
            self.note_connect(state.borrow_and_update().connects);
            self.tell_of_losses().await;
            match next {
                Some(Out::Message(message)) => self.send(&message).await,
                // Nobody waits for it any more if that fails.
                Some(Out::Flush(done)) => {
                    let _ = done.send(());
                }
                None => {}
            }
        }
    }

    /// What was handed to the connection before this one may be lost.
    fn note_connect(&mut self, connects: u64) {
        let was_cut = self.connects > 0 && connects > self.connects;
        self.connects = connects;
        if was_cut && self.last_news.is_some_and(|at| at.elapsed() < UNSURE) {
            self.owed += 1;
        }
    }

    async fn tell_of_losses(&mut self) {
        let dropped = self.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            tracing::warn!(
                messages = dropped,
                "messages to other processes were dropped"
            );
        }
        self.owed += dropped;
        if self.owed == 0 {
            return;
        }
        let payload = self.owed.to_string().into();
        if self.publish(self.link.names.lost(), payload).await {
            self.owed = 0;
        }
    }

    async fn send(&mut self, message: &Message) {
        let subject = self.link.names.event(message);
        let sent = match serde_json::to_vec(message) {
            Ok(payload) => self.publish(subject, payload.into()).await,
            Err(error) => {
                tracing::error!(%error, subject, "a message cannot be put into words");
                return;
            }
        };
        if !sent {
            self.owed += 1;
        } else if !matches!(message, Message::Progress { .. }) {
            self.last_news = Some(Instant::now());
        }
    }

    async fn publish(&self, subject: String, payload: Bytes) -> bool {
        let sent = self.link.client.publish(subject, payload);
        match self.link.ask(sent).await {
            Ok(()) => true,
            Err(error) => {
                tracing::debug!(%error, "a message was not sent");
                false
            }
        }
    }
}

/// Forwards the messages of other processes, and reports gaps.
async fn hear(link: Arc<Link>, mut told: Subscriber, local: broadcast::Sender<Received>) {
    let lost = link.names.lost();
    let mut state = link.state();
    let mut known = *state.borrow_and_update();
    let mut missed = 0_u64;
    let mut tell_at = Instant::now();
    loop {
        let before = missed;
        tokio::select! {
            message = told.next() => match message {
                None => return,
                Some(message) if message.subject.as_str() == lost => {
                    let text = std::str::from_utf8(&message.payload).unwrap_or_default();
                    missed = missed.saturating_add(text.parse().unwrap_or(1));
                }
                Some(message) => match serde_json::from_slice(&message.payload) {
                    Ok(message) => {
                        let _ = local.send(Received::Message(Arc::new(message)));
                    }
                    Err(error) => {
                        // E.g. from a newer release: the change is in the rows.
                        tracing::debug!(subject = %message.subject, %error, "unknown message");
                        missed += 1;
                    }
                },
            },
            changed = state.changed() => {
                if changed.is_err() {
                    return;
                }
                let now = *state.borrow_and_update();
                // While this process starts, nobody can have missed anything.
                let is_back = now.connects > known.connects && link.is_later_connect(now.connects);
                missed += u64::from(is_back) + (now.overflows - known.overflows);
                known = now;
            }
            () = tokio::time::sleep_until(tell_at), if missed > 0 => {
                // The server listens for us again once it has answered what came after that.
                let _ = link.round_trip().await;
                let _ = local.send(Received::Lagged(missed));
                missed = 0;
            }
        }
        if before == 0 && missed > 0 {
            tell_at = Instant::now() + GATHER;
        }
    }
}
