//! Passwords: hashing, verification and strength.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use argon2::password_hash::PasswordHasher as _;
use argon2::password_hash::phc::{Output, PasswordHash};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use tokio::sync::Semaphore;

use super::weak;
use crate::error::{Error, Result};

/// Name of the account that the original product comes with.
pub const DEFAULT_USERNAME: &str = "admin";
/// Its documented password, which only works on the server's own machine.
pub const DEFAULT_PASSWORD: &str = "admin123";
/// Fewest characters of a new password.
pub const MIN_CHARACTERS: usize = 8;
/// Most bytes of a password.
pub const MAX_BYTES: usize = 1024;

/// The argon2id hash of a password with a fresh salt, as a PHC string. Takes some 20 ms and 19 MiB;
/// call it where blocking is fine.
pub fn hash(password: &str) -> Result<String> {
    Argon2::default()
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|e| Error::internal(e.to_string()))
}

/// Why a new password of the account with that name and address is refused, in the words that Django
/// uses; `None` if it is fine. Passwords of before are not looked at.
pub fn objection(password: &str, username: &str, email: &str) -> Option<&'static str> {
    if password.chars().count() < MIN_CHARACTERS {
        Some("This password is too short. It must contain at least 8 characters.")
    } else if password.len() > MAX_BYTES {
        Some("This password is too long. It must contain at most 1024 bytes.")
    } else {
        weak::weakness(password, username, email)
    }
}

/// Hashes outside of the event loop, a few passwords at a time.
#[derive(Debug)]
pub struct Hasher {
    running: Semaphore,
    waiting: AtomicUsize,
    /// Callers with the same key take turns first, so that each key has one caller in the queue.
    turns: Mutex<HashMap<IpAddr, Weak<tokio::sync::Mutex<()>>>>,
    /// Compared with when there is no such account, so that the answer takes as long.
    nobody: String,
    /// Memory of earlier verifications. Allocated anew on whichever thread comes next, it stayed with
    /// that thread for a while, and a flood of sign-ins took it many times.
    spare: Arc<Mutex<Vec<Vec<Block>>>>,
}

/// Maximum number of waiting callers; further ones are refused for now.
const MAX_WAITING: usize = 64;
/// How much memory is kept between verifications, in pieces of 19 MiB.
const MAX_SPARE: usize = 2;

impl Hasher {
    /// A hasher with one password per processor at a time.
    pub fn new() -> Result<Self> {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Ok(Self {
            running: Semaphore::new(processors),
            waiting: AtomicUsize::new(0),
            turns: Mutex::default(),
            nobody: hash(&super::token::new_id())?,
            spare: Arc::default(),
        })
    }

    /// [`hash`], elsewhere.
    pub async fn hash(&self, password: String) -> Result<String> {
        self.run(move || hash(&password)).await?
    }

    /// True if `password` is the one that `stored` was made of. Without `stored` it is false after
    /// the same time. For `sharer` see [`super::Origin::sharer`].
    pub async fn verify(
        &self,
        password: String,
        stored: Option<String>,
        sharer: Option<IpAddr>,
    ) -> Result<bool> {
        let turn = sharer.map(|address| self.turn(address));
        let _turn = match &turn {
            Some(turn) => Some(turn.lock().await),
            None => None,
        };
        let exists = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.nobody.clone());
        let spare = Arc::clone(&self.spare);
        let work = move || {
            let held = || spare.lock().unwrap_or_else(PoisonError::into_inner);
            let mut memory = held().pop().unwrap_or_default();
            let same = matches(&password, &stored, &mut memory).unwrap_or(false);
            let mut held = held();
            if held.len() < MAX_SPARE {
                held.push(memory);
            }
            same
        };
        let same = self.run(work).await?;
        Ok(same && exists)
    }

    fn turn(&self, address: IpAddr) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = turns.get(&address).and_then(Weak::upgrade) {
            return turn;
        }
        turns.retain(|_, turn| turn.strong_count() > 0);
        let turn = Arc::default();
        turns.insert(address, Arc::downgrade(&turn));
        turn
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let _place = InLine::take(&self.waiting)?;
        let _turn = self.running.acquire().await.map_err(Error::internal)?;
        tokio::task::spawn_blocking(work)
            .await
            .map_err(Error::internal)
    }
}

/// `None` if `stored` is no hash that can be verified. `memory` grows to what that takes.
fn matches(password: &str, stored: &str, memory: &mut Vec<Block>) -> Option<bool> {
    let stored = PasswordHash::new(stored).ok()?;
    let (salt, expected) = (stored.salt.as_ref()?, stored.hash.as_ref()?);
    let algorithm = Algorithm::new(stored.algorithm.as_str()).ok()?;
    let version = stored
        .version
        .map_or(Ok(Version::default()), Version::try_from);
    let params = Params::try_from(&stored).ok()?;
    memory.resize(params.block_count(), Block::default());
    let mut output = vec![0; expected.len()];
    Argon2::new(algorithm, version.ok()?, params)
        .hash_password_into_with_memory(password.as_bytes(), salt, &mut output, memory)
        .ok()?;
    // It compares in constant time.
    Some(Output::new(&output).ok()? == *expected)
}

/// A place in the queue, given back when dropped.
struct InLine<'a>(&'a AtomicUsize);

impl<'a> InLine<'a> {
    fn take(waiting: &'a AtomicUsize) -> Result<Self> {
        let place = Self(waiting);
        if waiting.fetch_add(1, Ordering::Relaxed) >= MAX_WAITING {
            return Err(Error::Busy);
        }
        Ok(place)
    }
}

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_argon2id_and_salted() {
        let (a, b) = (
            hash("correct horse").unwrap(),
            hash("correct horse").unwrap(),
        );
        assert!(a.starts_with("$argon2id$v=19$"), "{a}");
        assert_ne!(a, b);
        let mut memory = Vec::new();
        assert_eq!(matches("correct horse", &a, &mut memory), Some(true));
        // What was in the memory before makes no difference.
        assert_eq!(matches("correct horsf", &a, &mut memory), Some(false));
        assert_eq!(matches("correct horse", &b, &mut memory), Some(true));
        assert_eq!(matches("correct horse", "not a hash", &mut memory), None);
        // Of another program, with other parameters and the old version.
        let other =
            "$argon2i$v=16$m=256,t=2,p=1$c29tZXNhbHQ$/U3YPXYsSb3q9XxHvc0MLxur+GP960kN9j7emXX8zwY";
        assert_eq!(matches("password", other, &mut memory), Some(true));
        assert_eq!(matches("passwords", other, &mut memory), Some(false));
    }

    #[test]
    fn weak_passwords_are_refused() {
        let objection = |password: &str| objection(password, "ann", "");
        assert!(objection("1234567").is_some_and(|why| why.contains("too short")));
        assert!(objection(DEFAULT_PASSWORD).is_some_and(|why| why.contains("too common")));
        assert!(objection(&"x".repeat(1025)).is_some_and(|why| why.contains("too long")));
        assert!(objection("карандаш").is_none());
    }

    #[tokio::test]
    async fn nobody_has_no_password() {
        let hasher = Hasher::new().unwrap();
        assert!(!hasher.verify(String::new(), None, None).await.unwrap());
        let stored = hasher.hash("12345678".into()).await.unwrap();
        assert!(
            hasher
                .verify("12345678".into(), Some(stored), None)
                .await
                .unwrap()
        );
    }

    /// However many come from one address, they take no more than one place among the others.
    #[tokio::test]
    async fn those_of_one_address_take_turns() {
        let hasher = Arc::new(Hasher::new().unwrap());
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        let held = hasher.turn(address);
        let held = held.lock().await;
        let waits = |from: Option<IpAddr>| {
            let hasher = Arc::clone(&hasher);
            tokio::spawn(async move { hasher.verify("x".into(), None, from).await })
        };
        let crowd: Vec<_> = (0..2 * MAX_WAITING).map(|_| waits(Some(address))).collect();
        // Others are answered while all of those wait.
        assert!(!waits(None).await.unwrap().unwrap());
        assert!(!waits("192.0.2.2".parse().ok()).await.unwrap().unwrap());
        assert!(crowd.iter().all(|one| !one.is_finished()));
        drop(held);
        for one in crowd.into_iter().take(3) {
            assert!(!one.await.unwrap().unwrap());
        }
        assert!((1..=MAX_SPARE).contains(&hasher.spare.lock().unwrap().len()));
    }
}
