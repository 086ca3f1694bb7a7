//! Shares: how much of a scarce resource one user or address may hold at a time.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts what each key holds, up to the same maximum.
#[derive(Debug)]
pub struct Shares<K> {
    most: usize,
    held: Mutex<HashMap<K, usize>>,
}

/// One of a share, given back when dropped.
#[must_use = "it is given back when it is dropped"]
#[derive(Debug)]
pub struct Share<K: Hash + Eq> {
    shares: Arc<Shares<K>>,
    key: K,
}

impl<K: Hash + Eq + Clone> Shares<K> {
    /// Shares of `most` each.
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            held: Mutex::default(),
        })
    }

    /// Takes one more for `key`; `None` if its share is used up.
    pub fn take(self: &Arc<Self>, key: K) -> Option<Share<K>> {
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
    pub fn most(&self) -> usize {
        self.most
    }
}

impl<K> Shares<K> {
    /// True if nothing is held.
    pub fn is_empty(&self) -> bool {
        self.held().is_empty()
    }

    fn held(&self) -> MutexGuard<'_, HashMap<K, usize>> {
        // Its content is consistent at any time, so a panic elsewhere does no harm.
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
}
