//! Ports for servers that a test starts.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

/// The range. The kernel gives ports from 32768 on to clients and to whoever asks for any port (Linux,
/// `ip_local_port_range`), so none of these is taken between the choice and the server's start, nor
/// while a server is down and to come back at its address.
const FIRST: u32 = 20_000;
const COUNT: u32 = 12_000;

/// A port of this machine that nobody listens on, not given out before by this process. Other
/// programs of tests, which may run beside it, begin elsewhere in the range.
///
/// # Panics
///
/// If all ports are taken.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let begin = std::process::id().wrapping_mul(2_654_435_761);
    for _ in 0..COUNT {
        let number = begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(FIRST + number % COUNT).unwrap_or_default();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("all ports from {FIRST} on are taken");
}

/// So many of them.
pub fn free_ports(count: usize) -> Vec<u16> {
    (0..count).map(|_| free_port()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_differ_and_none_is_taken() {
        let ports = free_ports(20);
        let listeners: Vec<TcpListener> = ports
            .iter()
            .map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).unwrap())
            .collect();
        let more = free_ports(20);
        assert!(more.iter().all(|port| !ports.contains(port)));
        assert_eq!(listeners.len(), 20);
    }
}
