//! Admission of connections: limits in total and per address, and which connection is closed for a
//! new one.
//!
//! New connections do not wait for idle ones. When an address has used its share, or all places are
//! taken, the least useful connection is closed: of the address with the most, first the one that has
//! been idle longest; then the one with the slowest transfer; then an event stream. Requests that the
//! server is working on are kept, as are the connections of trusted proxies, which represent many
//! clients.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::caller::client::{Network, sharer, subscriber};
use crate::peer::{Peer, Use};
use crate::server::Limits;

/// Maximum time until a connection that has to end is closed.
const LEAVING: Duration = Duration::from_secs(1);
/// Interval of looking for a connection that can be closed.
const LOOK: Duration = Duration::from_millis(50);
/// Younger connections are kept within an address's share.
const YOUNG_MS: u64 = 1000;
/// How long an address is refused without another look after none of its connections could be
/// closed.
const STUCK: Duration = Duration::from_millis(100);
/// How often an address that has its share may exchange a connection: looking for the one that goes
/// takes time that belongs to everybody.
const EXCHANGE: Duration = Duration::from_millis(10);

/// The places for connections.
#[derive(Debug)]
pub(crate) struct Doors {
    places: Arc<Semaphore>,
    most_per_address: usize,
    trusted: Arc<[Network]>,
    inside: Mutex<Inside>,
}

#[derive(Debug, Default)]
struct Inside {
    next: u64,
    connections: HashMap<u64, Connection>,
    counts: HashMap<IpAddr, Crowd>,
}

/// The connections of one address.
#[derive(Debug, Default)]
struct Crowd {
    count: usize,
    /// Until when none of them is exchanged for a new one.
    closed_until: Option<Instant>,
}

#[derive(Debug)]
struct Connection {
    /// `None` for a trusted proxy.
    address: Option<IpAddr>,
    peer: Peer,
    leave: CancellationToken,
}

/// A place, given back when dropped.
#[must_use = "the place is given back when it is dropped"]
#[derive(Debug)]
pub(crate) struct Admitted {
    doors: Arc<Doors>,
    id: u64,
    leave: CancellationToken,
    _permit: OwnedSemaphorePermit,
}

impl Admitted {
    /// Cancelled when the connection has to make room for others.
    pub(crate) fn leave(&self) -> CancellationToken {
        self.leave.clone()
    }
}

impl Doors {
    pub(crate) fn new(limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            places: Arc::new(Semaphore::new(limits.max_connections)),
            most_per_address: limits.max_connections_per_address,
            trusted: limits.trusted_proxies.clone(),
            inside: Mutex::default(),
        })
    }

    /// Waits for a place for a connection. `None` if its address is using all of its share.
    pub(crate) async fn admit(self: &Arc<Self>, from: SocketAddr, peer: Peer) -> Option<Admitted> {
        let address = from.ip().to_canonical();
        let shared = sharer(address, &self.trusted);
        if let Some(address) = shared
            && self.inside().count(address) >= self.most_per_address
            && !self.inside().make_room_of(address)
        {
            metrics::counter!("clipsy_http_connections_refused_total").increment(1);
            return None;
        }
        let place = loop {
            if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
                break place;
            }
            let wait = if self.make_room() { LEAVING } else { LOOK };
            let place = timeout(wait, Arc::clone(&self.places).acquire_owned()).await;
            if let Ok(Ok(place)) = place {
                break place;
            }
        };
        let trusted = self.trusted.iter().any(|network| network.contains(address));
        let address = (!trusted).then(|| subscriber(address));
        let leave = CancellationToken::new();
        let id = self.inside().enter(Connection {
            address,
            peer,
            leave: leave.clone(),
        });
        Some(Admitted {
            doors: Arc::clone(self),
            id,
            leave,
            _permit: place,
        })
    }

    /// Closes the least useful connection. False if none may be closed.
    pub(crate) fn make_room(&self) -> bool {
        self.inside().dismiss(0, |_| true)
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        // What it holds is whole at any time, so a panic elsewhere does not spoil it.
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    fn count(&self, address: IpAddr) -> usize {
        self.counts.get(&address).map_or(0, |crowd| crowd.count)
    }

    /// Closes a connection of an address that has used its share, unless all are young: an address
    /// that reconnects again and again must not keep us busy searching.
    fn make_room_of(&mut self, address: IpAddr) -> bool {
        let now = Instant::now();
        let crowd = self.counts.get(&address);
        if crowd.is_some_and(|crowd| crowd.closed_until.is_some_and(|until| now < until)) {
            return false;
        }
        let made = self.dismiss(YOUNG_MS, |other| other == address);
        if let Some(crowd) = self.counts.get_mut(&address) {
            crowd.closed_until = Some(now + if made { EXCHANGE } else { STUCK });
        }
        made
    }

    fn enter(&mut self, connection: Connection) -> u64 {
        let id = self.next;
        self.next += 1;
        if let Some(address) = connection.address {
            self.counts.entry(address).or_default().count += 1;
        }
        self.connections.insert(id, connection);
        id
    }

    fn leave(&mut self, id: u64) {
        // It may have been dismissed before.
        let Some(connection) = self.connections.remove(&id) else {
            return;
        };
        if let Some(address) = connection.address
            && let Some(crowd) = self.counts.get_mut(&address)
        {
            crowd.count -= 1;
            if crowd.count == 0 {
                self.counts.remove(&address);
            }
        }
    }

    /// Tells one connection to leave, of an address of which that is true, and that is as old as
    /// that. It counts no more.
    fn dismiss(&mut self, least_ms: u64, of: impl Fn(IpAddr) -> bool) -> bool {
        let candidates = self.connections.iter().filter_map(|(id, connection)| {
            let address = connection.address.filter(|address| of(*address))?;
            let least = match connection.peer.used() {
                Use::Waiting { for_ms } if for_ms >= least_ms => (0, u64::MAX - for_ms),
                Use::Moving { bytes_per_s } => (1, bytes_per_s),
                Use::Stream { for_ms } if for_ms >= least_ms => (2, u64::MAX - for_ms),
                Use::Working | Use::Waiting { .. } | Use::Stream { .. } => return None,
            };
            let most = std::cmp::Reverse(self.count(address));
            Some(((most, least), *id))
        });
        let Some((_, id)) = candidates.min() else {
            return false;
        };
        if let Some(connection) = self.connections.get(&id) {
            connection.leave.cancel();
        }
        self.leave(id);
        metrics::counter!("clipsy_http_connections_cut_total").increment(1);
        true
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.doors.inside().leave(self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    fn doors(most: usize, share: usize) -> Arc<Doors> {
        Doors::new(&Limits {
            max_connections: most,
            max_connections_per_address: share,
            trusted_proxies: Arc::new(["10.0.0.0/8".parse().unwrap()]),
            header_timeout: Duration::from_secs(20),
            keep_alive: Duration::from_secs(150),
            write_timeout: Duration::from_mins(2),
            answer_rate: 512,
        })
    }

    fn at(text: &str) -> SocketAddr {
        SocketAddr::new(text.parse().unwrap(), 9)
    }

    async fn enter(doors: &Arc<Doors>, address: &str) -> (Admitted, Peer) {
        let peer = Peer::default();
        // Each waits since another moment.
        tokio::time::sleep(Duration::from_millis(2)).await;
        let place = doors.admit(at(address), peer.clone()).await.unwrap();
        (place, peer)
    }

    #[tokio::test]
    async fn an_address_with_its_share_loses_what_waits_the_longest() {
        let doors = doors(100, 3);
        let first = enter(&doors, "2001:db8::1").await;
        let second = enter(&doors, "2001:db8::2").await;
        let third = enter(&doors, "2001:db8::3").await;
        let other = enter(&doors, "192.0.2.1").await;
        let young = doors.admit(at("2001:db8::9"), Peer::default()).await;
        assert!(young.is_none());
        tokio::time::sleep(Duration::from_millis(YOUNG_MS + 10)).await;
        // The longest, but at work.
        first.1.begin();
        let fourth = enter(&doors, "2001:db8::4").await;
        assert!(second.0.leave().is_cancelled());
        for kept in [&first, &third, &fourth, &other] {
            assert!(!kept.0.leave().is_cancelled());
        }
        // Another one at once would cost everybody.
        assert!(
            doors
                .admit(at("2001:db8::5"), Peer::default())
                .await
                .is_none()
        );
        third.1.begin();
        fourth.1.begin();
        tokio::time::sleep(EXCHANGE).await;
        let refused = doors.admit(at("2001:db8::5"), Peer::default()).await;
        assert!(refused.is_none());
        drop((first, second, third, fourth, other));
        assert!(doors.inside().counts.is_empty());
        assert!(doors.inside().connections.is_empty());
    }

    #[tokio::test]
    async fn when_all_places_are_taken_the_address_with_most_gives_one() {
        let doors = doors(4, 4);
        let quiet = enter(&doors, "192.0.2.1").await;
        let one = enter(&doors, "192.0.2.2").await;
        let two = enter(&doors, "192.0.2.2").await;
        let three = enter(&doors, "192.0.2.2").await;
        two.1.begin();
        let mut waits = Box::pin(doors.admit(at("192.0.2.3"), Peer::default()));
        assert!((&mut waits).now_or_never().is_none());
        assert!(one.0.leave().is_cancelled());
        drop(one);
        let admitted = waits.await.unwrap();
        for kept in [&quiet, &two, &three] {
            assert!(!kept.0.leave().is_cancelled());
        }
        drop(admitted);
    }

    #[tokio::test]
    async fn proxies_and_this_machine_have_no_share_and_proxies_are_never_cut() {
        let doors = doors(4, 1);
        let proxies = [
            enter(&doors, "10.0.0.1").await,
            enter(&doors, "10.0.0.1").await,
        ];
        let here = [
            enter(&doors, "127.0.0.1").await,
            enter(&doors, "127.0.0.1").await,
        ];
        assert!(doors.make_room());
        assert!(here[0].0.leave().is_cancelled());
        assert!(doors.make_room());
        assert!(!doors.make_room());
        for proxy in &proxies {
            assert!(!proxy.0.leave().is_cancelled());
        }
    }
}
