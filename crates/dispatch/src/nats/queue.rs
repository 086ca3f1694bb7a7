//! The queue: pushing tickets into the stream and removing them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::publish::PublishAck;
use async_nats::jetstream::stream::RawMessageErrorKind;
use async_trait::async_trait;
use bytes::Bytes;
use clipsy_domain::clock::Clock;
use clipsy_domain::job::JobId;
use tokio::sync::{mpsc, oneshot};

use super::Tasks;
use super::fetch::{Fetcher, Puller};
use super::link::Link;
use super::names::message_id;
use super::pause::Pause;
use super::receipt::{self, ACK};
use crate::queue::{Delivery, Queue, Ticket};
use crate::{Error, Result};

#[derive(Debug)]
pub(crate) struct NatsQueue {
    link: Arc<Link>,
    pause: Arc<Pause>,
    pullers: mpsc::UnboundedSender<Puller>,
    dead_letters: Arc<AtomicU64>,
    _tasks: Tasks,
}

impl NatsQueue {
    pub(super) async fn start(link: &Arc<Link>, clock: Arc<dyn Clock>) -> Result<Self> {
        let mut tasks = Tasks::default();
        let pause = Pause::start(link, &mut tasks).await?;
        let (pullers, waiting) = mpsc::unbounded_channel();
        let (let_fall, fallen) = mpsc::unbounded_channel();
        let dead_letters = Arc::new(AtomicU64::new(0));
        tasks.spawn(receipt::give_back_fallen(Arc::clone(link), fallen));
        let fetcher = Fetcher::new(
            Arc::clone(link),
            clock,
            pause.watch(),
            let_fall,
            Arc::clone(&dead_letters),
        );
        tasks.spawn(fetcher.run(waiting));
        Ok(Self {
            link: Arc::clone(link),
            pause,
            pullers,
            dead_letters,
            _tasks: tasks,
        })
    }

    /// Publishes a ticket; `id` lets the server recognise it.
    async fn store(&self, subject: &str, payload: &Bytes, id: Option<&str>) -> Result<PublishAck> {
        let mut message = PublishMessage::build().payload(payload.clone());
        if let Some(id) = id {
            message = message.message_id(id);
        }
        let stored = async {
            let sent = self
                .link
                .jetstream
                .send_publish(subject.to_owned(), message);
            sent.await?.await
        };
        let stored = self.link.ask(stored).await;
        if stored.is_err() {
            self.link.doubt();
        }
        stored
    }

    /// Whether the stream still has that message, waiting or held by a worker.
    async fn has(&self, sequence: u64) -> Result<bool> {
        let stream = self.link.stream().await?;
        let found = async {
            match stream.get_raw_message(sequence).await {
                Ok(_) => Ok(true),
                Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(false),
                Err(error) => Err(error),
            }
        };
        self.link.ask(found).await
    }

    /// Removes the tickets of a job that were pushed before message number `before`.
    ///
    /// Each is settled as well, as its holder would: otherwise the consumer would go on trying to
    /// hand out what is no longer there, and keep others waiting over it.
    async fn take_away(&self, job_id: JobId, before: u64) -> Result<()> {
        let stream = self.link.stream().await?;
        let subjects = self.link.names.tickets_of(job_id);
        let mut from = 1;
        loop {
            let next = stream.raw_message_builder().sequence(from);
            let next = next.next_by_subject(&subjects);
            let found = async {
                match next.send().await {
                    Ok(message) => Ok(Some(message)),
                    Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(None),
                    Err(error) => Err(error),
                }
            };
            let Some(message) = self.link.ask(found).await? else {
                return Ok(());
            };
            if message.sequence >= before {
                return Ok(());
            }
            from = message.sequence + 1;
            if let Err(error) = self.link.ask(stream.delete_message(message.sequence)).await {
                // Its holder may have been faster. If not, there is a ticket too many.
                tracing::debug!(job_id, %error, "a ticket was not taken away");
            }
            if let Some(address) = self.link.names.settle(&message.subject, message.sequence) {
                self.link.confirmed(&address, ACK).await?;
            }
        }
    }
}

#[async_trait]
impl Queue for NatsQueue {
    async fn push(&self, ticket: Ticket) -> Result<()> {
        self.link.make_sure().await?;
        let subject = self.link.names.ticket(&ticket);
        let payload = serde_json::to_vec(&ticket)
            .map_err(|error| Error::Unreachable(error.to_string()))?
            .into();
        let mut stored = self
            .store(&subject, &payload, Some(&message_id(&ticket)))
            .await?;
        if stored.duplicate {
            if self.has(stored.sequence).await? {
                return Ok(());
            }
            // It was dealt with or taken away, and is wanted again all the same.
            stored = self.store(&subject, &payload, None).await?;
        }
        // In this order a crash in between leaves a surplus ticket rather than a missing one.
        self.take_away(ticket.job_id, stored.sequence).await
    }

    async fn pull(&self) -> Result<Delivery> {
        let (puller, delivered) = oneshot::channel();
        let ended = || Error::Unreachable("the queue was stopped".to_owned());
        self.pullers.send(puller).map_err(|_| ended())?;
        delivered.await.map_err(|_| ended())
    }

    async fn remove(&self, job_id: JobId) -> Result<()> {
        self.take_away(job_id, u64::MAX).await
    }

    async fn set_paused(&self, paused: bool) -> Result<()> {
        self.pause.set(paused).await
    }

    async fn paused(&self) -> Result<bool> {
        self.pause.read().await
    }

    async fn ping(&self) -> Result<()> {
        let stream = self.link.stream().await?;
        let asked = self.link.ask(stream.get_info()).await;
        if asked.is_err() {
            self.link.doubt();
        }
        asked.map(|_| ())
    }

    fn dead_letters(&self) -> u64 {
        self.dead_letters.load(Ordering::Relaxed)
    }
}
