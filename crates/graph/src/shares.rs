//! Shares: how much of what is scarce one person, or one address, may hold at a time.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::app::App;
use crate::auth::limit::subscriber;
use crate::client::{Client, Network};
use crate::error::Error;
use crate::peer::until_sent;

/// Counts what each of many holds, up to the same number.
#[derive(Debug)]
pub(crate) struct Shares<K> {
    most: usize,
    held: Mutex<HashMap<K, usize>>,
}

/// One of a share, given back when dropped.
#[must_use = "it is given back when it is dropped"]
#[derive(Debug)]
pub(crate) struct Share<K: Hash + Eq> {
    shares: Arc<Shares<K>>,
    key: K,
}

impl<K: Hash + Eq + Clone> Shares<K> {
    /// Shares of `most` each.
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            held: Mutex::default(),
        })
    }

    /// One more for `key`; `None` if it holds its share.
    pub(crate) fn take(self: &Arc<Self>, key: K) -> Option<Share<K>> {
        let mut held = self.held();
        let count = held.get(&key).copied().unwrap_or_default();
        if count >= self.most {
            return None;
        }
        held.insert(key.clone(), count + 1);
        drop(held);
        Some(Share {
            shares: Arc::clone(self),
            key,
        })
    }

    /// How many each may hold.
    pub(crate) fn most(&self) -> usize {
        self.most
    }
}

impl<K> Shares<K> {
    /// True if nobody holds anything.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.held().is_empty()
    }

    fn held(&self) -> MutexGuard<'_, HashMap<K, usize>> {
        // What it holds is whole at any time, so a panic elsewhere does not spoil it.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Hash + Eq> Drop for Share<K> {
    fn drop(&mut self) {
        let mut held = self.shares.held();
        match held.get_mut(&self.key) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                held.remove(&self.key);
            }
        }
    }
}

/// Whose share an address counts for. `None` for those that stand for many people: trusted proxies,
/// and 127.0.0.1 and `::1`, where programs of this machine come from, among them a proxy that nobody
/// has told us of.
pub(crate) fn sharer(address: IpAddr, trusted: &[Network]) -> Option<IpAddr> {
    let address = address.to_canonical();
    let here = match address {
        IpAddr::V4(v4) => v4 == std::net::Ipv4Addr::LOCALHOST,
        IpAddr::V6(v6) => v6 == std::net::Ipv6Addr::LOCALHOST,
    };
    let many = here || trusted.iter().any(|network| network.contains(address));
    (!many).then(|| subscriber(address))
}

/// Around all routes: a client behind a trusted proxy has as many requests at a time as it would have
/// connections without one. The proxy's own connections are nobody's.
pub(crate) async fn behind_proxies(
    State(app): State<App>,
    request: Request,
    next: Next,
) -> Response {
    let trusted = &app.settings.trusted_proxies;
    if trusted.is_empty() {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let client = Client::of(&parts, trusted);
    let request = Request::from_parts(parts, body);
    let Some(address) = sharer(client.address, trusted).filter(|_| client.proxied) else {
        return next.run(request).await;
    };
    match app.requests.take(address) {
        Some(share) => until_sent(next.run(request).await, share),
        None => Error::Throttled(std::time::Duration::from_secs(1)).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_each_ones_own_and_come_back() {
        let shares = Shares::new(2);
        let first = shares.take("ann").unwrap();
        let second = shares.take("ann").unwrap();
        assert!(shares.take("ann").is_none());
        let other = shares.take("bob").unwrap();
        drop(first);
        let third = shares.take("ann").unwrap();
        assert!(shares.take("ann").is_none());
        drop((second, third, other));
        assert!(shares.held().is_empty());
    }

    #[test]
    fn those_who_stand_for_many_have_no_share() {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let of = |text: &str| sharer(text.parse().unwrap(), &trusted).map(|a| a.to_string());
        assert_eq!(of("127.0.0.1"), None);
        assert_eq!(of("::1"), None);
        assert_eq!(of("::ffff:127.0.0.1"), None);
        assert_eq!(of("10.1.2.3"), None);
        assert_eq!(of("127.0.0.2").as_deref(), Some("127.0.0.2"));
        assert_eq!(of("::ffff:192.0.2.1").as_deref(), Some("192.0.2.1"));
        assert_eq!(of("2001:db8::7:8").as_deref(), Some("2001:db8::"));
    }
}
