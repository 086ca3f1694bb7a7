//! The connection under requests: how long it may be silent, and whether its other side still sends.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::StatusCode;
use axum::response::Response;
use http_body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;

/// The other side of a connection; travels with each of its requests.
#[derive(Debug, Clone)]
pub(crate) struct Peer(Arc<State>);

#[derive(Debug, Default)]
struct State {
    /// True while a request is being answered. Then silence is the business of whoever reads its
    /// body.
    busy: AtomicBool,
    /// Requests that were answered.
    answered: AtomicU64,
    /// True if somebody wants to know when the other side stops sending.
    watched: AtomicBool,
    hung_up: CancellationToken,
}

impl Peer {
    /// Waits until the other side has shut down its sending side. It has gone away, or it has sent
    /// all that it wants to send and waits for the answer: the two look the same until something
    /// is sent to it.
    pub(crate) async fn hung_up(&self) {
        self.0.watched.store(true, Ordering::Relaxed);
        self.0.hung_up.cancelled().await;
    }

    /// A request has come whole up to its body.
    pub(crate) fn begin(&self) {
        self.0.busy.store(true, Ordering::Relaxed);
    }

    /// Has the connection wait for the next request once the answer is sent. One that becomes
    /// something else, such as a WebSocket, looks after itself from then on.
    pub(crate) fn answer(&self, response: Response) -> Response {
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return response;
        }
        let answering = Answering(self.clone());
        response.map(|body| {
            Body::new(Answer {
                body,
                _answering: answering,
            })
        })
    }
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

/// The connection. A silence that is too long looks like its end.
pub(crate) struct Line {
    stream: Pin<Box<TimeoutStream<TcpStream>>>,
    peer: Peer,
    waits: Waits,
    /// Requests of which [`Line::begun`] and [`Line::timed`] know.
    answered: u64,
    /// True if a part of the next request is there.
    begun: bool,
    /// True if the timer runs.
    timed: bool,
    timer: Pin<Box<Sleep>>,
}

impl Line {
    pub(crate) fn new(stream: TimeoutStream<TcpStream>, waits: Waits) -> Self {
        Self {
            stream: Box::pin(stream),
            peer: Peer(Arc::default()),
            waits,
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

    /// True if the other side was silent for too long.
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
        let read = this.stream.as_mut().poll_read(cx, buffer);
        if this.peer.0.busy.load(Ordering::Relaxed) {
            return read;
        }
        match read {
            Poll::Ready(Ok(())) if buffer.filled().len() > before && !this.begun => {
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
        self.stream.as_mut().poll_write(cx, bytes)
    }

    /// Hyper does this each time it has done what it can, but it reads nothing while a request is
    /// being answered, so this is where an end is noticed.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let peer = &self.peer.0;
        if peer.watched.load(Ordering::Relaxed) && !peer.hung_up.is_cancelled() {
            let mut byte = [0];
            let mut byte = ReadBuf::new(&mut byte);
            // A byte that is there is the beginning of another request; behind it nothing is seen.
            let seen = self.stream.get_ref().poll_peek(cx, &mut byte);
            if matches!(seen, Poll::Ready(Ok(0) | Err(_))) {
                peer.hung_up.cancel();
            }
        }
        self.stream.as_mut().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream.as_mut().poll_write_vectored(cx, pieces)
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
        state.busy.store(false, Ordering::Relaxed);
        state.watched.store(false, Ordering::Relaxed);
        state.answered.fetch_add(1, Ordering::Relaxed);
    }
}

/// The body of an answer, whose end is noticed.
struct Answer {
    body: Body,
    _answering: Answering,
}

impl HttpBody for Answer {
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
