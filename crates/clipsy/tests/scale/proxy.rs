//! A TCP proxy that can be cut, as a network is: connections break, and on new ones nothing comes
//! through. (One that only falls silent is in `namespace`.)

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// How often a thread looks whether it is cut or has to end.
const LOOK: Duration = Duration::from_millis(20);

/// A running proxy. Its connections end with it.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    cut: AtomicBool,
    over: AtomicBool,
}

impl Proxy {
    /// Hands connections on to that port of this machine.
    pub(crate) fn to(port: u16) -> Self {
        Self::at(Ipv4Addr::LOCALHOST, port)
    }

    /// The same, which is asked at that address of this machine.
    pub(crate) fn at(address: Ipv4Addr, port: u16) -> Self {
        let listener = TcpListener::bind((address, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let proxy = Self {
            address: listener.local_addr().unwrap(),
            state: Arc::default(),
        };
        let state = Arc::clone(&proxy.state);
        thread::spawn(move || {
            while !state.over() {
                let Ok((client, _)) = listener.accept() else {
                    thread::sleep(LOOK);
                    continue;
                };
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else {
                    continue;
                };
                // Connections that were made while it was cut stay silent for good.
                let silent = state.cut.load(Ordering::SeqCst);
                for (from, to) in [
                    (client.try_clone().unwrap(), server.try_clone().unwrap()),
                    (server, client),
                ] {
                    let state = Arc::clone(&state);
                    thread::spawn(move || {
                        if silent {
                            while state.cut.load(Ordering::SeqCst) && !state.over() {
                                thread::sleep(LOOK);
                            }
                        } else {
                            pump(&from, &to, &state);
                        }
                        let _ = from.shutdown(Shutdown::Both);
                        let _ = to.shutdown(Shutdown::Both);
                    });
                }
            }
        });
        proxy
    }

    /// Cuts the network, or mends it.
    pub(crate) fn cut(&self, cut: bool) {
        self.state.cut.store(cut, Ordering::SeqCst);
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.over.store(true, Ordering::SeqCst);
    }
}

impl State {
    fn over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }
}

/// Hands bytes on until one side is done or the network is cut.
fn pump(mut from: &TcpStream, mut to: &TcpStream, state: &State) {
    from.set_nonblocking(false).unwrap();
    from.set_read_timeout(Some(LOOK)).unwrap();
    let mut buffer = vec![0; 64 << 10];
    while !state.over() && !state.cut.load(Ordering::SeqCst) {
        match from.read(&mut buffer) {
            Ok(0) => return,
            Ok(bytes) => {
                if to.write_all(&buffer[..bytes]).is_err() {
                    return;
                }
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => return,
        }
    }
}
