//! How many streams are open, in all, for each address and for each account.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use clipsy_domain::shares::{Share, Shares};
use clipsy_domain::user::UserId;
use clipsy_http::caller::client::subscriber;
use clipsy_http::measure::Counted;

use super::settings::GraphqlSettings;

/// Open `WebSockets` and event streams.
#[derive(Debug)]
pub(crate) struct Sockets {
    open: Mutex<Open>,
    most: usize,
    most_per_address: usize,
    accounts: Arc<Shares<UserId>>,
}

#[derive(Debug, Default)]
struct Open {
    all: usize,
    addresses: HashMap<IpAddr, usize>,
}

/// A place among the open streams, given back when dropped.
#[derive(Debug)]
pub(crate) struct StreamPlace {
    sockets: Arc<Sockets>,
    address: IpAddr,
    account: Option<Share<UserId>>,
    _held: Counted,
}

impl Sockets {
    pub(crate) fn new(settings: &GraphqlSettings) -> Arc<Self> {
        Arc::new(Self {
            open: Mutex::default(),
            most: settings.max_sockets,
            most_per_address: settings.max_sockets_per_address,
            accounts: Shares::new(settings.max_sockets_per_account),
        })
    }

    /// A place for one more, if there is one.
    pub(crate) fn take(self: &Arc<Self>, address: IpAddr) -> Option<StreamPlace> {
        let address = subscriber(address);
        let mut open = self.open();
        if open.all >= self.most {
            return None;
        }
        let count = open.addresses.entry(address).or_default();
        if *count >= self.most_per_address {
            return None;
        }
        *count += 1;
        open.all += 1;
        drop(open);
        Some(StreamPlace {
            sockets: Arc::clone(self),
            address,
            account: None,
            _held: Counted::new(metrics::gauge!("clipsy_graphql_streams")),
        })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StreamPlace {
    /// The stream turns out to be this account's. False if that has as many as it may, from whichever
    /// addresses.
    pub(crate) fn belongs_to(&mut self, account: UserId) -> bool {
        self.account = self.sockets.accounts.take(account);
        self.account.is_some()
    }
}

impl Drop for StreamPlace {
    fn drop(&mut self) {
        let mut open = self.sockets.open();
        open.all -= 1;
        if let Some(count) = open.addresses.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.addresses.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_limited_and_come_back() {
        let sockets = Sockets::new(&GraphqlSettings {
            max_sockets: 3,
            max_sockets_per_address: 2,
            ..GraphqlSettings::default()
        });
        let take = |address: &str| sockets.take(address.parse().unwrap());
        let first = take("2001:db8::1").unwrap();
        let second = take("2001:db8::2").unwrap();
        assert!(take("2001:db8::3").is_none(), "the same customer");
        let third = take("192.0.2.1").unwrap();
        assert!(take("192.0.2.2").is_none(), "too many in all");
        drop(third);
        drop(first);
        let again = take("2001:db8::1");
        assert!(again.is_some());
        drop((again, second));
        assert!(sockets.open().addresses.is_empty());
        assert_eq!(sockets.open().all, 0);
    }

    #[test]
    fn an_account_is_limited_over_all_addresses() {
        let sockets = Sockets::new(&GraphqlSettings {
            max_sockets_per_account: 2,
            ..GraphqlSettings::default()
        });
        let take = |n: u8, account| {
            let mut place = sockets.take(IpAddr::from([192, 0, 2, n])).unwrap();
            place.belongs_to(account).then_some(place)
        };
        let first = take(1, 7).unwrap();
        let second = take(2, 7).unwrap();
        assert!(take(3, 7).is_none());
        let other = take(3, 8).unwrap();
        drop(first);
        let again = take(4, 7).unwrap();
        drop((second, other, again));
        assert!(sockets.open().addresses.is_empty());
        assert_eq!(sockets.open().all, 0);
    }
}
