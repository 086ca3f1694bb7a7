//! How many streams are open, in all, for each address and for each account.

use std::net::IpAddr;
use std::sync::Arc;

use clipsy_domain::shares::{Share, Shares};
use clipsy_domain::user::UserId;
use clipsy_http::measure::Counted;

use super::settings::GraphqlSettings;

/// Open `WebSockets` and event streams.
#[derive(Debug)]
pub(crate) struct Sockets {
    all: Arc<Shares<()>>,
    addresses: Arc<Shares<IpAddr>>,
    accounts: Arc<Shares<UserId>>,
}

/// A place among the open streams, given back when dropped.
#[derive(Debug)]
pub(crate) struct StreamPlace {
    sockets: Arc<Sockets>,
    account: Option<Share<UserId>>,
    _address: Share<IpAddr>,
    _one: Share<()>,
    _held: Counted,
}

impl Sockets {
    pub(crate) fn new(settings: &GraphqlSettings) -> Arc<Self> {
        Arc::new(Self {
            all: Shares::new(settings.max_sockets),
            addresses: Shares::new(settings.max_sockets_per_address),
            accounts: Shares::new(settings.max_sockets_per_account),
        })
    }

    /// A place for one more stream of that subscriber, if there is one.
    pub(crate) fn take(self: &Arc<Self>, subscriber: IpAddr) -> Option<StreamPlace> {
        let one = self.all.take(())?;
        let address = self.addresses.take(subscriber)?;
        Some(StreamPlace {
            sockets: Arc::clone(self),
            account: None,
            _address: address,
            _one: one,
            _held: Counted::new(metrics::gauge!("clipsy_graphql_streams")),
        })
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
        let first = take("2001:db8::").unwrap();
        let second = take("2001:db8::").unwrap();
        assert!(take("2001:db8::").is_none(), "the same customer");
        let third = take("192.0.2.1").unwrap();
        assert!(take("192.0.2.2").is_none(), "too many in all");
        drop(third);
        drop(first);
        let again = take("2001:db8::");
        assert!(again.is_some());
        drop((again, second));
        assert!(sockets.addresses.is_empty());
        assert!(sockets.all.is_empty());
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
        assert!(sockets.addresses.is_empty());
        assert!(sockets.all.is_empty());
    }
}
