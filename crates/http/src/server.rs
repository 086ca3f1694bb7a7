//! The HTTP server: connections, their timeouts, and graceful shutdown.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, Request};
use axum::{Router, body::Body};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tower::ServiceExt as _;

use crate::caller::client::Network;
use crate::doors::Doors;
use crate::measure::Counted;
use crate::pace::Pace;
use crate::peer::{Line, Peer, Waits};

/// Limits and timeouts of connections.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections that are open at the same time.
    pub max_connections: usize,
    /// Those of one address.
    pub max_connections_per_address: usize,
    /// Trusted proxies, which represent many clients: their connections are not counted by address.
    pub trusted_proxies: Arc<[Network]>,
    /// Longest wait for the headers of a request.
    pub header_timeout: Duration,
    /// Longest wait for the next request on a connection.
    pub keep_alive: Duration,
    /// Longest wait for a client to read more of a response.
    pub write_timeout: Duration,
    /// Minimum rate in bytes per second at which a client reads a response, averaged over
    /// [`Limits::write_timeout`]; 0 for none.
    pub answer_rate: u64,
}

/// Upgraded connections, i.e. `WebSockets`, which the server no longer tracks. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Streams {
    closing: CancellationToken,
    open: TaskTracker,
}

impl Streams {
    /// Cancelled when the server stops; streams end then.
    pub fn closing(&self) -> &CancellationToken {
        &self.closing
    }

    /// Counts a stream while it is held: the server waits for it at shutdown.
    pub fn token(&self) -> TaskTrackerToken {
        self.open.token()
    }

    /// How many are open.
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// True if none is open.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }
}

/// Serves `router` on `listener` until `stop`. Then no more connections are accepted, streams are
/// closed, and running requests may finish within `deadline`. False if some have not; they end with
/// the runtime.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: &Limits,
    streams: &Streams,
    stop: CancellationToken,
    deadline: Duration,
) -> bool {
    let doors = Doors::new(limits);
    let open = TaskTracker::new();
    let mut http = http1::Builder::new();
    // A client that shuts down its sending side after a complete request waits for the response.
    // Timeouts are up to `Line`.
    http.half_close(true);
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Mostly too many open files.
                tracing::warn!(%error, "could not accept a connection");
                doors.make_room();
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let line = prepared(stream, limits);
        let place = tokio::select! {
            () = stop.cancelled() => break,
            place = doors.admit(peer, line.peer()) => place,
        };
        let Some(place) = place else {
            continue;
        };
        let service = service(&router, peer, &stop, line.peer());
        let connection = http
            .serve_connection(TokioIo::new(line), service)
            .with_upgrades();
        let stop = stop.clone();
        let leave = place.leave();
        let held = Counted::new(metrics::gauge!("clipsy_http_connections"));
        open.spawn(async move {
            let mut connection = pin!(connection);
            // How a connection ends is up to the other side; requests have their own log lines.
            let _ = tokio::select! {
                ended = connection.as_mut() => ended,
                () = leave.cancelled() => Ok(()),
                () = stop.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            drop((place, held));
        });
    }
    drop(listener);
    streams.closing.cancel();
    open.close();
    streams.open.close();
    let ended = async {
        open.wait().await;
        streams.open.wait().await;
    };
    tokio::time::timeout(deadline, ended).await.is_ok()
}

/// A connection whose other side has to take what it asked for, and to ask in time.
fn prepared(stream: TcpStream, limits: &Limits) -> Line {
    // Headers and body are written separately; Nagle would hold the second back.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "could not set TCP_NODELAY");
    }
    let waits = Waits {
        head: limits.header_timeout,
        next: limits.keep_alive,
    };
    let takes = Pace::new(limits.answer_rate, limits.write_timeout);
    Line::new(stream, waits, takes)
}

/// Travels with each request: cancelled when the server is to stop. For requests that may take
/// long and can be continued later.
#[derive(Debug, Clone)]
pub struct Stopping(
    /// The token.
    pub CancellationToken,
);

fn service(
    router: &Router,
    address: SocketAddr,
    stop: &CancellationToken,
    peer: Peer,
) -> impl hyper::service::Service<
    hyper::Request<Incoming>,
    Response = axum::response::Response,
    Error = std::convert::Infallible,
    Future: Send,
> + use<> {
    let stop = stop.clone();
    let answering = peer.clone();
    let router = router
        .clone()
        .map_request(move |request: hyper::Request<Incoming>| {
            peer.begin();
            let mut request: Request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(address));
            request.extensions_mut().insert(Stopping(stop.clone()));
            request.extensions_mut().insert(peer.clone());
            request
        })
        .map_response(move |response| answering.answer(response));
    TowerToHyperService::new(router)
}
