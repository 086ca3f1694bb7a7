//! The connection under requests: timeouts, and whether the client has closed its side.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use http_body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};
use tokio_util::sync::CancellationToken;

use crate::header::MediaType;
use crate::pace::Pace;

/// The other side of a connection; travels with each of its requests.
#[derive(Debug, Clone, Default)]
pub struct Peer(Arc<State>);

#[derive(Debug)]
struct State {
    /// True while a request is being processed. Then the reader of its body handles silence.
    busy: AtomicBool,
    /// Requests that were answered.
    answered: AtomicU64,
    /// True if the end of the client's input is being watched.
    watched: AtomicBool,
    hung_up: CancellationToken,
    /// When the current phase started: waiting for a request or responding. In [`now_ms`].
    since_ms: AtomicU64,
    /// Bytes that came and went since then.
    moved: AtomicU64,
    /// Whose turn it is: [`OURS`] or [`THEIRS`].
    turn: AtomicU8,
    /// True if the response is an event stream, which may be silent.
    stream: AtomicBool,
}

/// The server has to do something.
const OURS: u8 = 0;
/// The client has to send or to receive.
const THEIRS: u8 = 1;
/// Before that a request is too young for its rate to be meaningful.
const YOUNG_MS: u64 = 1000;

/// What a connection is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// It waits for a request, or for the rest of its headers.
    Waiting {
        /// For how long, in milliseconds.
        for_ms: u64,
    },
    /// The client is to send a body or to receive a response.
    Moving {
        /// How fast it has done so.
        bytes_per_s: u64,
    },
    /// Events go out as they happen.
    Stream {
        /// For how long, in milliseconds.
        for_ms: u64,
    },
    /// The server is processing a request, or it has just arrived.
    Working,
}

/// Milliseconds since about when the process began.
fn now_ms() -> u64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed().as_millis() as u64
}

impl Default for State {
    fn default() -> Self {
        Self {
            busy: AtomicBool::new(false),
            answered: AtomicU64::new(0),
            watched: AtomicBool::new(false),
            hung_up: CancellationToken::new(),
            since_ms: AtomicU64::new(now_ms()),
            moved: AtomicU64::new(0),
            turn: AtomicU8::new(OURS),
            stream: AtomicBool::new(false),
        }
    }
}

impl State {
    fn starts(&self) {
        self.since_ms.store(now_ms(), Ordering::Relaxed);
        self.moved.store(0, Ordering::Relaxed);
    }

    fn turn<T>(&self, polled: &Poll<T>) {
        let turn = if polled.is_pending() { THEIRS } else { OURS };
        self.turn.store(turn, Ordering::Relaxed);
    }
}

impl Peer {
    /// What the connection is used for at the moment.
    pub(crate) fn used(&self) -> Use {
        let state = &self.0;
        let for_ms = now_ms().saturating_sub(state.since_ms.load(Ordering::Relaxed));
        if !state.busy.load(Ordering::Relaxed) {
            return Use::Waiting { for_ms };
        }
        if state.stream.load(Ordering::Relaxed) {
            return Use::Stream { for_ms };
        }
        if state.turn.load(Ordering::Relaxed) == OURS || for_ms < YOUNG_MS {
            return Use::Working;
        }
        let moved = state.moved.load(Ordering::Relaxed);
        Use::Moving {
            bytes_per_s: moved.saturating_mul(1000) / for_ms,
        }
    }

    /// Waits until the client has shut down its sending side. It has disconnected, or has sent
    /// everything and waits for the response: the two cannot be told apart until something is sent
    /// to it.
    pub async fn hung_up(&self) {
        self.0.watched.store(true, Ordering::Relaxed);
        self.0.hung_up.cancelled().await;
    }

    /// A request has come whole up to its body.
    pub(crate) fn begin(&self) {
        self.0.starts();
        self.0.busy.store(true, Ordering::Relaxed);
    }

    /// Marks the connection as idle once the response is sent. One that was upgraded, such as a
    /// WebSocket, handles its own timeouts.
    pub(crate) fn answer(&self, response: Response) -> Response {
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return response;
        }
        let stream = is_stream(response.headers());
        self.0.stream.store(stream, Ordering::Relaxed);
        until_sent(response, Answering(self.clone()))
    }
}

fn is_stream(headers: &HeaderMap) -> bool {
    MediaType::of(headers).is_some_and(|kind| kind.is("text/event-stream"))
}

/// Holds `guard` until the response has been sent or abandoned.
pub fn until_sent<G: Send + Unpin + 'static>(response: Response, guard: G) -> Response {
    response.map(|body| {
        Body::new(Answer {
            body,
            _guard: guard,
        })
    })
}

/// Longest silences.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waits {
    /// From the first byte of a request, or from the beginning of the connection, to the end of the
    /// headers.
    pub(crate) head: Duration,
    /// From an answer to the first byte of the next request.
    pub(crate) next: Duration,
}

/// The connection. A timeout looks like its end.
pub(crate) struct Line {
    stream: TcpStream,
    peer: Peer,
    waits: Waits,
    /// Patience with a client that does not receive.
    takes: Pace,
    /// Since when nothing could be sent.
    stuck: Option<Instant>,
    /// Runs while nothing can be sent.
    stuck_timer: Pin<Box<Sleep>>,
    /// Requests of which [`Line::begun`] and [`Line::timed`] know.
    answered: u64,
    /// True if a part of the next request is there.
    begun: bool,
    /// True if the timer runs.
    timed: bool,
    timer: Pin<Box<Sleep>>,
}

impl Line {
    pub(crate) fn new(stream: TcpStream, waits: Waits, takes: Pace) -> Self {
        Self {
            stream,
            peer: Peer::default(),
            waits,
            stuck: None,
            stuck_timer: Box::pin(sleep(takes.left())),
            takes,
            answered: 0,
            // Whoever connects is about to ask.
            begun: true,
            timed: false,
            timer: Box::pin(sleep(waits.head)),
        }
    }

    pub(crate) fn peer(&self) -> Peer {
        self.peer.clone()
    }

    /// True if the client timed out.
    fn overdue(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.timed {
            let wait = if self.begun {
                self.waits.head
            } else {
                self.waits.next
            };
            self.timer.as_mut().reset(Instant::now() + wait);
            self.timed = true;
        }
        self.timer.as_mut().poll(cx).is_ready()
    }

    /// Looks at what came of sending, which fails if the other side takes too little.
    fn sent(
        &mut self,
        cx: &mut Context<'_>,
        sent: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        self.peer.0.turn(&sent);
        match sent {
            Poll::Ready(Ok(bytes)) => {
                if let Some(since) = self.stuck.take() {
                    self.takes.waited(since.elapsed());
                }
                self.takes.moved(bytes as u64);
                self.peer.0.moved.fetch_add(bytes as u64, Ordering::Relaxed);
                sent
            }
            Poll::Ready(Err(_)) => sent,
            Poll::Pending => {
                if self.stuck.is_none() {
                    let now = Instant::now();
                    self.stuck = Some(now);
                    self.stuck_timer.as_mut().reset(now + self.takes.left());
                }
                match self.stuck_timer.as_mut().poll(cx) {
                    Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
                    Poll::Pending => Poll::Pending,
                }
            }
        }
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let answered = this.peer.0.answered.load(Ordering::Relaxed);
        if this.answered != answered {
            this.answered = answered;
            (this.begun, this.timed) = (false, false);
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(cx, buffer);
        let state = &this.peer.0;
        state.turn(&read);
        let came = (buffer.filled().len() - before) as u64;
        state.moved.fetch_add(came, Ordering::Relaxed);
        if this.peer.0.busy.load(Ordering::Relaxed) {
            return read;
        }
        match read {
            Poll::Ready(Ok(())) if came > 0 && !this.begun => {
                state.starts();
                (this.begun, this.timed) = (true, false);
                read
            }
            Poll::Pending if this.overdue(cx) => Poll::Ready(Ok(())),
            read => read,
        }
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.sent(cx, sent)
    }

    /// Hyper calls this whenever it has made progress, but reads nothing while a request is being
    /// processed, so the end of input is detected here.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let peer = &self.peer.0;
        if peer.watched.load(Ordering::Relaxed) && !peer.hung_up.is_cancelled() {
            let mut byte = [0];
            let mut byte = ReadBuf::new(&mut byte);
            // A byte that is there is the beginning of another request; behind it nothing is seen.
            let seen = self.stream.poll_peek(cx, &mut byte);
            if matches!(seen, Poll::Ready(Ok(0) | Err(_))) {
                peer.hung_up.cancel();
            }
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
        self.sent(cx, sent)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// Dropped when an answer has been sent, or given up.
#[derive(Debug)]
struct Answering(Peer);

impl Drop for Answering {
    fn drop(&mut self) {
        let state = &self.0.0;
        state.starts();
        state.stream.store(false, Ordering::Relaxed);
        state.busy.store(false, Ordering::Relaxed);
        state.watched.store(false, Ordering::Relaxed);
        state.answered.fetch_add(1, Ordering::Relaxed);
    }
}

/// The body of an answer, whose end is noticed.
struct Answer<G> {
    body: Body,
    _guard: G,
}

impl<G: Unpin> HttpBody for Answer<G> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
