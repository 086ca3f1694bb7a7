//! A TCP proxy that treats connections as bad networks do.
//!
//! Clients talk to it as if it were the server. Which connection it breaks, how and after which byte
//! is a [`Plan`]: written by hand, or drawn from a seed, so that a run can be repeated.

mod link;
mod plan;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

pub(crate) use plan::{Direction, Fault, Kind, Plan, random};

/// A running proxy. Its connections end with it.
#[derive(Debug)]
pub(crate) struct Proxy {
    shared: Arc<Shared>,
    address: SocketAddr,
    // Ends all tasks when it is dropped, and with them the connections that are kept silent.
    _runtime: Runtime,
}

/// What a proxy has done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Connections that clients have made.
    pub(crate) connections: u64,
    /// Connections that were given up since the server did not take them.
    pub(crate) refused: u64,
    /// Connections ended with RST on both sides.
    pub(crate) resets: u64,
    /// Connections ended with FIN on both sides.
    pub(crate) closes: u64,
    /// Connections on which nothing moved any more.
    pub(crate) stalls: u64,
    /// Connections one direction of which lost its end.
    pub(crate) truncations: u64,
    /// Bytes handed on to the server.
    pub(crate) up_bytes: u64,
    /// Bytes handed on to clients.
    pub(crate) down_bytes: u64,
}

impl Counts {
    /// All faults together.
    pub(crate) fn cuts(&self) -> u64 {
        self.resets + self.closes + self.stalls + self.truncations
    }
}

#[derive(Debug)]
struct Shared {
    /// Where connections go. A server that comes back may listen elsewhere.
    server: Mutex<SocketAddr>,
    plan: Mutex<Plan>,
    counts: Mutex<Counts>,
}

impl Shared {
    fn count(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut lock(&self.counts));
    }

    fn counts(&self) -> Counts {
        *lock(&self.counts)
    }
}

impl Proxy {
    /// Listens on a free port and hands connections on to `server`, a port of this machine.
    pub(crate) fn start(server: u16, plan: Plan) -> Self {
        eprintln!("the proxy's plan: {plan:?}");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind(local(0))).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            server: Mutex::new(local(server)),
            plan: Mutex::new(plan),
            counts: Mutex::default(),
        });
        runtime.spawn(accept(listener, Arc::clone(&shared)));
        Self {
            shared,
            address,
            _runtime: runtime,
        }
    }

    /// `http://127.0.0.1:PORT`, what clients are given as the server's address.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Hands later connections on to another port.
    pub(crate) fn aim(&self, server: u16) {
        *lock(&self.shared.server) = local(server);
    }

    /// What it has done so far.
    pub(crate) fn counts(&self) -> Counts {
        self.shared.counts()
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        let server = *lock(&shared.server);
        let cuts = shared.counts().cuts();
        shared.count(|counts| counts.connections += 1);
        let (faults, stall_for) = {
            let mut plan = lock(&shared.plan);
            (plan.next(cuts), plan.stall_for)
        };
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            match TcpStream::connect(server).await {
                Ok(server) => link::run(client, server, &faults, stall_for, &shared).await,
                Err(_) => shared.count(|counts| counts.refused += 1),
            }
        });
    }
}

fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
