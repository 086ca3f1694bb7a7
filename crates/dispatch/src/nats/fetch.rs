//! Fetches tickets from the stream for the waiting pullers of this process.
//!
//! The consumers are asked one after the other, the most urgent first, for a ticket that is there
//! now. Only when none has one are all of them asked at once for the next that comes. A request
//! cannot be taken back, so a ticket may arrive when nobody waits any more: it is given back at
//! once.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use async_nats::jetstream::Message as StreamMessage;
use async_nats::{StatusCode, Subscriber};
use clipsy_domain::clock::Clock;
use futures_util::StreamExt as _;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout};

use super::link::{Link, LinkState};
use super::names::{Class, consumer};
use super::receipt::NatsReceipt;
use crate::queue::{Delivery, Need, Ticket};
use crate::{Error, Result};

/// How long a consumer is asked to wait for a ticket. After the last puller has left, tickets may
/// take a detour by way of this process for as long.
const EXPIRES: Duration = Duration::from_secs(5);
/// The consumer's answer is not waited for much longer.
const GRACE: Duration = Duration::from_secs(2);
/// Longest wait for the word that a consumer has nothing.
const PROMPT: Duration = Duration::from_millis(500);
/// Delay after an unexpected response of the server.
const AGAIN: Duration = Duration::from_secs(1);

/// Somebody who waits for a ticket.
pub(super) type Puller = oneshot::Sender<Delivery>;

pub(super) struct Fetcher {
    link: Arc<Link>,
    clock: Arc<dyn Clock>,
    paused: watch::Receiver<bool>,
    state: watch::Receiver<LinkState>,
    let_fall: mpsc::UnboundedSender<String>,
    dead_letters: Arc<AtomicU64>,
    pullers: VecDeque<Puller>,
    /// Consumers of tickets that this machine can run, the most urgent first.
    consumers: Vec<Asked>,
    /// Answers come to `{inbox}.{consumer}.{request}`.
    inbox: String,
    requests: u64,
    /// True while it is known, and was written down, that something is wrong.
    troubled: bool,
    /// Nothing is asked before then.
    not_before: Instant,
}

/// A consumer, and what was asked of it.
struct Asked {
    name: String,
    /// The request that was not answered yet, and until when it may be.
    open: Option<(u64, Instant)>,
}

/// What comes in answer to a request.
enum Answer {
    Ticket(Delivery),
    /// There is none.
    Nothing,
    /// There was one, but not for now.
    Skipped,
}

impl Fetcher {
    pub(super) fn new(
        link: Arc<Link>,
        clock: Arc<dyn Clock>,
        paused: watch::Receiver<bool>,
        let_fall: mpsc::UnboundedSender<String>,
        dead_letters: Arc<AtomicU64>,
    ) -> Self {
        let mut consumers = Vec::new();
        for class in Class::ALL {
            // Of equally urgent jobs those first that few machines can run.
            for need in Need::ALL {
                if link.options.serves.contains(&need) {
                    consumers.push(Asked {
                        name: consumer(need, class),
                        open: None,
                    });
                }
            }
        }
        Self {
            inbox: link.client.new_inbox(),
            state: link.state(),
            link,
            clock,
            paused,
            let_fall,
            dead_letters,
            pullers: VecDeque::new(),
            consumers,
            requests: 0,
            troubled: false,
            not_before: Instant::now(),
        }
    }

    /// Serves pullers until there can be no more.
    pub(super) async fn run(mut self, mut waiting: mpsc::UnboundedReceiver<Puller>) {
        let subject = format!("{}.>", self.inbox);
        let Ok(mut inbox) = self.link.client.subscribe(subject).await else {
            return;
        };
        loop {
            while let Ok(puller) = waiting.try_recv() {
                self.pullers.push_back(puller);
            }
            self.pullers.retain(|puller| !puller.is_closed());
            if self.state.has_changed().unwrap_or(false) {
                // A connection that was lost took the requests with it.
                self.state.mark_unchanged();
                self.start_over();
            }
            let is_asked_for = !self.pullers.is_empty() && !*self.paused.borrow_and_update();
            if is_asked_for && self.not_before <= Instant::now() {
                match self.look(&mut inbox).await {
                    Ok(came) => {
                        self.troubled = false;
                        if came {
                            continue;
                        }
                    }
                    Err(error) => self.note_trouble(&error),
                }
            }
            let next_look = self.next_look();
            let pullers = &mut self.pullers;
            let all_left = std::future::poll_fn(|context| {
                pullers.retain_mut(|puller| puller.poll_closed(context).is_pending());
                if is_asked_for && pullers.is_empty() {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            });
            tokio::select! {
                puller = waiting.recv() => match puller {
                    Some(puller) => self.pullers.push_back(puller),
                    None => return,
                },
                message = inbox.next() => match message {
                    Some(message) => match self.receive(message).await {
                        Ok((_, Answer::Ticket(delivery))) => self.hand_out(delivery),
                        Ok(_) => {}
                        Err(error) => self.note_trouble(&error),
                    },
                    None => return,
                },
                _ = self.state.changed() => self.start_over(),
                _ = self.paused.changed() => {}
                () = all_left => {}
                () = tokio::time::sleep_until(next_look) => {}
            }
        }
    }

    /// Asks for a ticket that is there now, and if there is none leaves a request with every
    /// consumer. True if a ticket came.
    async fn look(&mut self, inbox: &mut Subscriber) -> Result<bool> {
        self.link.make_sure().await?;
        for index in 0..self.consumers.len() {
            // One that has yet to answer has nothing.
            if !self.is_open(index) && self.look_at(index, inbox).await? {
                return Ok(true);
            }
        }
        let expires_ns = EXPIRES.as_nanos();
        for index in 0..self.consumers.len() {
            if !self.is_open(index) {
                let order = format!("{{\"batch\":1,\"expires\":{expires_ns}}}");
                self.request(index, order, EXPIRES + GRACE).await?;
            }
        }
        Ok(false)
    }

    /// Asks one consumer for a ticket that is there now.
    async fn look_at(&mut self, index: usize, inbox: &mut Subscriber) -> Result<bool> {
        let cut_off = || Error::Unreachable("the connection was lost".to_owned());
        'ask: loop {
            let order = "{\"batch\":1,\"no_wait\":true}".to_owned();
            let request = self.request(index, order, EXPIRES).await?;
            loop {
                let message = tokio::select! {
                    message = timeout(PROMPT, inbox.next()) => message,
                    // The answer would have come by way of a connection that is gone.
                    _ = self.state.changed() => return Err(cut_off()),
                };
                // nats-server 2.9 is silent when all that it could offer is gone from the stream.
                // The request stays open, and the next ticket answers it.
                let Ok(message) = message else {
                    return Ok(false);
                };
                let message = message.ok_or_else(cut_off)?;
                match self.receive(message).await? {
                    (_, Answer::Ticket(delivery)) => {
                        self.hand_out(delivery);
                        return Ok(true);
                    }
                    (about, answer) if about == Some(request) => match answer {
                        Answer::Skipped => continue 'ask,
                        _ => return Ok(false),
                    },
                    // It is about another request.
                    _ => {}
                }
            }
        }
    }

    /// Whether the consumer may still answer.
    fn is_open(&self, index: usize) -> bool {
        let open = self.consumers[index].open;
        open.is_some_and(|(_, until)| until > Instant::now())
    }

    /// Asks a consumer, and gives back the number of the request.
    async fn request(&mut self, index: usize, order: String, patience: Duration) -> Result<u64> {
        self.requests += 1;
        let number = self.requests;
        let consumer = &mut self.consumers[index];
        let subject = self.link.names.ask(&consumer.name);
        let reply = format!("{}.{index}.{number}", self.inbox);
        let told = self
            .link
            .client
            .publish_with_reply(subject, reply, order.into());
        self.link.ask(told).await?;
        consumer.open = Some((number, Instant::now() + patience));
        Ok(number)
    }

    /// Makes sense of what came. The number is that of the request which has ended with it, if
    /// that is known.
    async fn receive(&mut self, message: async_nats::Message) -> Result<(Option<u64>, Answer)> {
        if let Some(status) = message.status {
            let number = self.close(message.subject.as_str());
            return match status {
                StatusCode::NOT_FOUND | StatusCode::TIMEOUT => Ok((number, Answer::Nothing)),
                _ => {
                    let said = message.description.as_deref().unwrap_or_default();
                    Err(Error::Unreachable(format!(
                        "a consumer said {status} {said}"
                    )))
                }
            };
        }
        let message = StreamMessage {
            message,
            context: self.link.jetstream.clone(),
        };
        let (Some(address), Ok(info)) = (message.reply.clone(), message.info()) else {
            tracing::debug!(subject = %message.subject, "what came is not a ticket");
            return Ok((None, Answer::Nothing));
        };
        let mut asked = self.consumers.iter_mut();
        let asked = asked.find(|asked| asked.name == info.consumer);
        let number = asked.and_then(|asked| asked.open.take()).map(|open| open.0);
        let receipt = NatsReceipt::new(
            Arc::clone(&self.link),
            address.into_string(),
            self.let_fall.clone(),
        );
        let ticket: Ticket = match serde_json::from_slice(&message.payload) {
            Ok(ticket) => ticket,
            Err(error) => {
                tracing::error!(subject = %message.subject, %error, "a ticket cannot be read");
                self.dead_letters.fetch_add(1, Ordering::Relaxed);
                receipt.bury().await?;
                return Ok((number, Answer::Skipped));
            }
        };
        if info.delivered > self.link.options.max_deliver {
            tracing::error!(
                job_id = ticket.job_id,
                deliveries = info.delivered - 1,
                "a ticket was given up, since nobody ever settled it"
            );
            self.dead_letters.fetch_add(1, Ordering::Relaxed);
            receipt.bury().await?;
            return Ok((number, Answer::Skipped));
        }
        let early = ticket.left(self.clock.now());
        if !early.is_zero() {
            receipt.postpone(early).await?;
            return Ok((number, Answer::Skipped));
        }
        let delivery = Delivery::new(ticket, Box::new(receipt));
        Ok((number, Answer::Ticket(delivery)))
    }

    /// Hands a ticket to the longest-waiting puller. If there is none, or the queue is paused, it
    /// is returned by being dropped.
    fn hand_out(&mut self, mut delivery: Delivery) {
        if *self.paused.borrow() {
            return;
        }
        while let Some(puller) = self.pullers.pop_front() {
            match puller.send(delivery) {
                Ok(()) => return,
                Err(back) => delivery = back,
            }
        }
    }

    /// Notes that the request with this address was answered.
    fn close(&mut self, address: &str) -> Option<u64> {
        let mut words = address.rsplit('.');
        let number: u64 = words.next()?.parse().ok()?;
        let index: usize = words.next()?.parse().ok()?;
        let open = &mut self.consumers.get_mut(index)?.open;
        open.take_if(|open| open.0 == number).map(|open| open.0)
    }

    /// The connection is another one: nothing that was asked of the last will be answered.
    fn start_over(&mut self) {
        self.not_before = Instant::now();
        for consumer in &mut self.consumers {
            consumer.open = None;
        }
    }

    /// When to look again without having been told to.
    fn next_look(&self) -> Instant {
        let now = Instant::now();
        if self.not_before > now {
            return self.not_before;
        }
        let open = self.consumers.iter().filter_map(|asked| asked.open);
        let ends = open.map(|(_, until)| until).filter(|until| *until > now);
        ends.min().unwrap_or(now + EXPIRES)
    }

    /// Writes down, once, what is wrong, and has everything looked after again.
    fn note_trouble(&mut self, error: &Error) {
        if !self.troubled {
            self.troubled = true;
            tracing::warn!(%error, "no tickets can be fetched");
        }
        self.start_over();
        self.not_before = Instant::now() + AGAIN;
        self.link.doubt();
    }
}
