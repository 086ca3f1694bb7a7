//! How often signing in may be tried.

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::error::{Error, Result};
use crate::settings::Settings;

/// Limits tries per address, and per account and address.
#[derive(Debug)]
pub(crate) struct LoginLimit {
    addresses: DefaultKeyedRateLimiter<IpAddr>,
    accounts: DefaultKeyedRateLimiter<(String, IpAddr)>,
}

/// Keys after which the ones that are back to full are forgotten.
const SWEEP_AT: usize = 10_000;

impl LoginLimit {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            addresses: RateLimiter::keyed(per_minute(settings.logins_per_address)),
            accounts: RateLimiter::keyed(per_minute(settings.logins_per_account)),
        }
    }

    /// Counts a try and refuses it if there were too many.
    pub(crate) fn check(&self, username: &str, address: IpAddr) -> Result<()> {
        let address = subscriber(address);
        count(&self.addresses, &address)?;
        // No account has a longer name, so the rest of it tells nothing apart.
        let name: String = username.chars().take(150).collect();
        count(&self.accounts, &(name.to_lowercase(), address))
    }
}

fn count<K: Hash + Eq + Clone>(limiter: &DefaultKeyedRateLimiter<K>, key: &K) -> Result<()> {
    if limiter.len() > SWEEP_AT {
        limiter.retain_recent();
    }
    limiter
        .check_key(key)
        .map_err(|until| Error::Throttled(until.wait_time_from(DefaultClock::default().now())))
}

fn per_minute(tries: NonZeroU32) -> Quota {
    Quota::per_minute(tries)
}

/// One customer of a provider has a whole `/64` of IPv6 addresses, so it counts as one.
pub(crate) fn subscriber(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit() -> LoginLimit {
        LoginLimit::new(&Settings {
            logins_per_account: NonZeroU32::new(2).unwrap(),
            logins_per_address: NonZeroU32::new(4).unwrap(),
            ..Settings::default()
        })
    }

    #[test]
    fn an_account_is_limited_whatever_the_case_of_its_name() {
        let limit = limit();
        let a: IpAddr = "192.0.2.1".parse().unwrap();
        assert!(limit.check("Ann", a).is_ok());
        assert!(limit.check("ann", a).is_ok());
        let Err(Error::Throttled(wait)) = limit.check("ANN", a) else {
            panic!("a third try was let through");
        };
        assert!(wait.as_secs() <= 60);
        assert!(limit.check("bob", a).is_ok());
        assert!(limit.check("ann", "192.0.2.2".parse().unwrap()).is_ok());
    }

    #[test]
    fn an_address_is_limited_over_all_accounts() {
        let limit = limit();
        for name in 0..4 {
            let a: IpAddr = format!("2001:db8::{name}").parse().unwrap();
            assert!(limit.check(&name.to_string(), a).is_ok());
        }
        let same_network: IpAddr = "2001:db8::ffff".parse().unwrap();
        assert!(limit.check("other", same_network).is_err());
        assert!(
            limit
                .check("other", "2001:db8:0:1::".parse().unwrap())
                .is_ok()
        );
    }
}
