//! Limits on failed sign-ins.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::settings::ServiceSettings;

/// Limits failed sign-ins per address, and per account and address. Successful ones do not count
/// and are unlimited.
#[derive(Debug)]
pub struct LoginLimit {
    addresses: Tries<IpAddr>,
    accounts: Tries<(String, IpAddr)>,
}

/// An admitted attempt. It counts while in progress too, so that concurrent attempts are limited;
/// dropping it keeps it counted.
#[derive(Debug)]
pub struct Try<'a> {
    limit: &'a LoginLimit,
    address: IpAddr,
    account: (String, IpAddr),
}

impl LoginLimit {
    pub(crate) fn new(settings: &ServiceSettings) -> Self {
        Self {
            addresses: Tries::per_minute(settings.logins_per_address),
            accounts: Tries::per_minute(settings.logins_per_account),
        }
    }

    /// Counts an attempt of the subscriber with `address` and refuses it if there were too many;
    /// see [`super::Origin::subscriber`].
    pub fn begin(&self, username: &str, address: IpAddr) -> Result<Try<'_>> {
        let now = Instant::now();
        self.addresses.take(&address, now)?;
        // No account has a longer name, so the rest of it tells nothing apart.
        let name: String = username.chars().take(150).collect();
        let account = (name.to_lowercase(), address);
        self.accounts.take(&account, now)?;
        Ok(Try {
            limit: self,
            address,
            account,
        })
    }
}

impl Try<'_> {
    /// The password was right: the attempt does not count.
    pub fn succeeded(self) {
        let now = Instant::now();
        self.limit.addresses.give_back(&self.address, now);
        self.limit.accounts.give_back(&self.account, now);
    }
}

/// In which all tries come back, one after another.
const WINDOW: Duration = Duration::from_mins(1);
/// Keys after which the ones that are back to full are forgotten.
const SWEEP_AT: usize = 10_000;

/// Tries by key: a number in a row, which come back evenly over [`WINDOW`].
#[derive(Debug)]
struct Tries<K> {
    /// How long one try takes to come back.
    each: Duration,
    /// When all tries of a key will be back; a key with all of them may be missing.
    full_at: Mutex<HashMap<K, Instant>>,
}

impl<K: Hash + Eq + Clone> Tries<K> {
    fn per_minute(tries: NonZeroU32) -> Self {
        Self {
            each: WINDOW / tries.get(),
            full_at: Mutex::default(),
        }
    }

    fn take(&self, key: &K, now: Instant) -> Result<()> {
        let mut all = self.all();
        if all.len() > SWEEP_AT {
            all.retain(|_, full_at| *full_at > now);
        }
        let full_at = all.get(key).map_or(now, |at| *at.max(&now)) + self.each;
        let most = now + WINDOW;
        if full_at > most {
            return Err(Error::Throttled(full_at - most));
        }
        all.insert(key.clone(), full_at);
        Ok(())
    }

    fn give_back(&self, key: &K, now: Instant) {
        let mut all = self.all();
        let Some(full_at) = all.get_mut(key) else {
            return;
        };
        match full_at.checked_sub(self.each) {
            Some(before) if before > now => *full_at = before,
            _ => {
                all.remove(key);
            }
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<K, Instant>> {
        // What it holds is whole at any time, so a panic elsewhere does not spoil it.
        self.full_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit() -> LoginLimit {
        LoginLimit::new(&ServiceSettings {
            logins_per_account: NonZeroU32::new(2).unwrap(),
            logins_per_address: NonZeroU32::new(4).unwrap(),
            ..ServiceSettings::default()
        })
    }

    #[test]
    fn an_account_is_limited_whatever_the_case_of_its_name() {
        let limit = limit();
        let a: IpAddr = "192.0.2.1".parse().unwrap();
        assert!(limit.begin("Ann", a).is_ok());
        assert!(limit.begin("ann", a).is_ok());
        let Err(Error::Throttled(wait)) = limit.begin("ANN", a) else {
            panic!("a third try was let through");
        };
        assert!(wait.as_secs() <= 60);
        assert!(limit.begin("bob", a).is_ok());
        assert!(limit.begin("ann", "192.0.2.2".parse().unwrap()).is_ok());
    }

    #[test]
    fn an_address_is_limited_over_all_accounts() {
        let limit = limit();
        let a: IpAddr = "2001:db8::".parse().unwrap();
        for name in 0..4 {
            assert!(limit.begin(&name.to_string(), a).is_ok());
        }
        assert!(limit.begin("other", a).is_err());
        assert!(
            limit
                .begin("other", "2001:db8:0:1::".parse().unwrap())
                .is_ok()
        );
    }

    #[test]
    fn what_succeeds_gives_back_its_own_try_and_no_other() {
        let limit = limit();
        let a: IpAddr = "192.0.2.1".parse().unwrap();
        assert!(limit.begin("ann", a).is_ok());
        for _ in 0..100 {
            limit.begin("ann", a).unwrap().succeeded();
        }
        let under_way = limit.begin("ann", a).unwrap();
        assert!(limit.begin("ann", a).is_err(), "the failure was forgotten");
        under_way.succeeded();
        assert!(limit.begin("ann", a).is_ok());
        assert!(limit.begin("ann", a).is_err());
    }

    #[test]
    fn tries_come_back_one_after_another() {
        let tries = Tries::per_minute(NonZeroU32::new(2).unwrap());
        let start = Instant::now();
        let take = |second| tries.take(&"key", start + Duration::from_secs(second));
        assert!(take(0).is_ok() && take(0).is_ok());
        let Err(Error::Throttled(wait)) = take(1) else {
            panic!("a third try was let through");
        };
        assert_eq!(wait, Duration::from_secs(29));
        assert!(take(30).is_ok());
        assert!(take(31).is_err());
        assert!(take(200).is_ok() && take(200).is_ok());
        assert!(take(200).is_err());
        // Nothing is given back that was not taken.
        tries.give_back(&"key", start + Duration::from_mins(5));
        tries.give_back(&"key", start + Duration::from_mins(5));
        assert!(take(300).is_ok() && take(300).is_ok());
        assert!(take(300).is_err());
    }
}
