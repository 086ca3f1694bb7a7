//! The connection of this process, and the stream and consumers on the server.

use std::fmt::Display;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use async_nats::connection::State;
use async_nats::jetstream::stream::Stream;
use async_nats::jetstream::{self, Context};
use async_nats::{Client, Event, RequestErrorKind};
use bytes::Bytes;
use tokio::sync::{Mutex, watch};
use tokio::time::timeout;

use super::names::{Class, Names};
use super::options::Options;
use crate::queue::Need;
use crate::{Error, Result};

/// Longest wait for an answer of the server.
pub(super) const ANSWER: Duration = Duration::from_secs(5);
/// Wait for the first connection, so that a service that starts beside its server is there when it
/// says so. After that it goes on without.
const FIRST_CONNECT: Duration = Duration::from_secs(3);
/// A connection on which nothing moves is looked at this often; after two looks it is given up.
const PING: Duration = Duration::from_secs(10);
/// How often the connection is looked at without having been told of it.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Messages of one subscription that wait to be read.
const UNREAD: usize = 8192;
/// Longest wait between two tries to connect.
const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// How the connection is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct LinkState {
    /// Whether there is one.
    pub(super) connected: bool,
    /// How often it was made, the first time included.
    pub(super) connects: u64,
    /// How often a subscription had too much to read.
    pub(super) overflows: u64,
}

/// The connection, shared by queue and bus.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) client: Client,
    pub(super) jetstream: Context,
    pub(super) names: Names,
    pub(super) options: Options,
    state: watch::Receiver<LinkState>,
    /// The connect after which stream and consumers were last made sure of.
    made_sure: Mutex<Option<u64>>,
    /// Connects that belong to the start of this process.
    at_start: AtomicU64,
}

impl Link {
    /// Begins to connect.
    pub(super) async fn open(options: Options) -> Result<Arc<Self>> {
        let (connect, servers) = options.connect_options().await?;
        // Without this, encryption would depend on which other crates are built into the program.
        let _ = async_nats::rustls::crypto::aws_lc_rs::default_provider().install_default();
        let (tell, state) = watch::channel(LinkState::default());
        let log = Log {
            state: tell,
            problem: std::sync::Mutex::default(),
        };
        let client = connect
            .retry_on_initial_connect()
            .connection_timeout(ANSWER)
            .request_timeout(Some(ANSWER))
            .ping_interval(PING)
            .subscription_capacity(UNREAD)
            // What this process publishes it tells its own listeners itself.
            .no_echo()
            .reconnect_delay_callback(backoff)
            .event_callback(move |event| {
                log.note(&event);
                std::future::ready(())
            })
            .connect(servers)
            .await
            .map_err(|error| Error::Settings(error.to_string()))?;
        Ok(Arc::new(Self {
            jetstream: jetstream::new(client.clone()),
            client,
            names: Names::new(&options.prefix),
            options,
            state,
            made_sure: Mutex::new(None),
            at_start: AtomicU64::new(u64::MAX),
        }))
    }

    /// Waits a moment for the first connection; it may come later.
    pub(super) async fn first_connect(&self) {
        let mut state = self.state();
        let connected = state.wait_for(|state| state.connected);
        if timeout(FIRST_CONNECT, connected).await.is_err() {
            tracing::warn!("NATS does not answer yet; going on without it");
        } else if let Err(error) = self.make_sure().await {
            tracing::warn!(%error, "NATS answers, but the queue cannot be set up yet");
        }
        let connects = self.state.borrow().connects;
        self.at_start.store(connects, Ordering::Relaxed);
    }

    /// Whether connect number `connects` came after this process had started, so that it may have
    /// missed something.
    pub(super) fn is_later_connect(&self, connects: u64) -> bool {
        connects > self.at_start.load(Ordering::Relaxed)
    }

    /// How the connection is, and how it changes.
    pub(super) fn state(&self) -> watch::Receiver<LinkState> {
        self.state.clone()
    }

    /// Fails at once while disconnected: the client would queue the request until it reconnects,
    /// and the caller would wait.
    pub(super) fn connected(&self) -> Result<()> {
        if self.client.connection_state() == State::Connected {
            Ok(())
        } else {
            Err(Error::Unreachable("there is no connection".to_owned()))
        }
    }

    /// Returns when there is a connection.
    pub(super) async fn until_connected(&self) {
        let mut state = self.state();
        while self.connected().is_err() {
            let changed = async {
                if state.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            let _ = timeout(LOOK_AGAIN, changed).await;
        }
    }

    /// Waits for the response to a request, but not for long.
    pub(super) async fn ask<T, E: Display>(
        &self,
        request: impl Future<Output = Result<T, E>> + Send,
    ) -> Result<T> {
        self.connected()?;
        match timeout(ANSWER, request).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(Error::Unreachable(error.to_string())),
            Err(_) => Err(Error::Unreachable("there is no answer".to_owned())),
        }
    }

    /// A request whose answer has nothing to say but that it was done.
    pub(super) async fn confirmed(&self, subject: &str, payload: &'static [u8]) -> Result<()> {
        let payload = Bytes::from_static(payload);
        let request = self.client.request(subject.to_owned(), payload);
        self.ask(request).await.map(|_| ())
    }

    /// Returns when the server has processed everything sent before.
    pub(super) async fn round_trip(&self) -> Result<()> {
        let asked = async {
            let subject = self.names.nobody();
            match self.client.request(subject, Bytes::new()).await {
                Err(error) if error.kind() != RequestErrorKind::NoResponders => Err(error),
                // That nobody listens to it is an answer.
                _ => Ok(()),
            }
        };
        self.ask(asked).await
    }

    /// Makes stream and consumers unless that was done since the last connect.
    pub(super) async fn make_sure(&self) -> Result<()> {
        self.connected()?;
        // If somebody else is at it and gets no answer, waiting in line for the same is of no use.
        let turn = timeout(ANSWER, self.made_sure.lock());
        let mut made_sure = turn
            .await
            .map_err(|_| Error::Unreachable("there is no answer".to_owned()))?;
        let connects = self.state.borrow().connects;
        if *made_sure == Some(connects) {
            return Ok(());
        }
        let config = self.names.stream_config(&self.options);
        self.ask(self.jetstream.create_or_update_stream(config))
            .await?;
        let name = self.names.stream();
        for need in Need::ALL {
            for class in Class::ALL {
                let config = self.names.consumer_config(need, class, &self.options);
                let made = self.jetstream.create_consumer_on_stream(config, &name);
                self.ask(made).await?;
            }
        }
        *made_sure = Some(connects);
        Ok(())
    }

    /// Has stream and consumers looked after once more, since the server does not behave as if
    /// they were there.
    pub(super) fn doubt(&self) {
        // Whoever holds it is looking after them already.
        if let Ok(mut made_sure) = self.made_sure.try_lock() {
            *made_sure = None;
        }
    }

    /// The stream of tickets.
    pub(super) async fn stream(&self) -> Result<Stream<()>> {
        self.make_sure().await?;
        let stream = self.jetstream.get_stream_no_info(self.names.stream());
        stream
            .await
            .map_err(|error| Error::Unreachable(error.to_string()))
    }
}

/// Wait before a try to connect: none at first, then twice as long each time, and not the same for
/// all processes that lost the same server.
fn backoff(attempts: usize) -> Duration {
    if attempts <= 1 {
        return Duration::ZERO;
    }
    let doublings = u32::try_from(attempts - 2).unwrap_or(u32::MAX).min(16);
    let longest = (Duration::from_millis(50) * 2_u32.pow(doublings)).min(MAX_BACKOFF);
    let share = std::collections::hash_map::RandomState::new();
    let share = std::hash::BuildHasher::hash_one(&share, attempts) % 512;
    longest * (512 + u32::try_from(share).unwrap_or_default()) / 1024
}

/// Writes down what happens to the connection.
struct Log {
    state: watch::Sender<LinkState>,
    /// Why it cannot be made, as it was last written down.
    problem: std::sync::Mutex<String>,
}

impl Log {
    fn note(&self, event: &Event) {
        match event {
            Event::Connected => {
                self.state.send_modify(|state| {
                    state.connected = true;
                    state.connects += 1;
                });
                self.is_news(String::new());
                let connects = self.state.borrow().connects;
                tracing::info!(connects, "connected to NATS");
            }
            Event::Disconnected => {
                self.state.send_modify(|state| state.connected = false);
                tracing::warn!("the connection to NATS was lost");
            }
            Event::SlowConsumer(_) => self.state.send_modify(|state| state.overflows += 1),
            Event::ServerError(error) => tracing::warn!(%error, "NATS refused something"),
            // It is tried again and again, mostly for the same reason.
            Event::ClientError(error) => {
                if self.is_news(error.to_string()) {
                    tracing::warn!(%error, "no connection to NATS; trying on");
                }
            }
            Event::LameDuckMode => tracing::info!("the NATS server is about to stop"),
            Event::Draining | Event::Closed => {}
        }
    }

    fn is_news(&self, problem: String) -> bool {
        let mut known = self.problem.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = *known != problem;
        *known = problem;
        is_news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_told_when_it_is_new() {
        let log = Log {
            state: watch::Sender::default(),
            problem: std::sync::Mutex::default(),
        };
        assert!(log.is_news("no route".to_owned()));
        assert!(!log.is_news("no route".to_owned()));
        assert!(log.is_news("wrong password".to_owned()));
        log.note(&Event::Connected);
        assert!(log.is_news("wrong password".to_owned()));
        let state = *log.state.borrow();
        assert!(state.connected && state.connects == 1);
    }

    #[test]
    fn waits_grow_up_to_their_limit() {
        assert_eq!(backoff(1), Duration::ZERO);
        for attempts in [2, 3, 10, 1000, usize::MAX] {
            let wait = backoff(attempts);
            assert!(
                wait >= Duration::from_millis(25) && wait <= MAX_BACKOFF,
                "{wait:?}"
            );
        }
        assert!(backoff(50) >= MAX_BACKOFF / 2);
    }
}
