//! Who works on which upload: one request at a time, and the newest wins.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::error::UploadError;

/// Longest wait for an older request. One that receives bytes lets go within a second; one that
/// puts parts together may take longer.
const PATIENCE: Duration = Duration::from_secs(15);

/// The uploads that requests work on.
#[derive(Debug, Default)]
pub(crate) struct Locks(Mutex<HashMap<String, Weak<UploadLock>>>);

#[derive(Debug, Default)]
struct UploadLock {
    turn: Arc<tokio::sync::Mutex<()>>,
    /// Requests that want to work on the upload as soon as it is let go.
    waiting: AtomicUsize,
    /// Cancelled to make the request that works on it let go.
    holder: Mutex<CancellationToken>,
}

/// The right to work on an upload, until it is dropped.
#[derive(Debug)]
pub(crate) struct LockHeld {
    asked: CancellationToken,
    _turn: OwnedMutexGuard<()>,
    _place: Arc<UploadLock>,
}

impl Locks {
    /// Takes the upload over from whoever works on it, once they have let go.
    pub(crate) async fn take(&self, id: &str) -> Result<LockHeld, UploadError> {
        self.take_within(id, PATIENCE).await
    }

    async fn take_within(&self, id: &str, patience: Duration) -> Result<LockHeld, UploadError> {
        let place = self.place(id);
        let waiting = Waiting::at(&place);
        place.holder().cancel();
        let turn = timeout(patience, Arc::clone(&place.turn).lock_owned())
            .await
            .map_err(|_| UploadError::Locked)?;
        let asked = CancellationToken::new();
        *place.holder() = asked.clone();
        drop(waiting);
        // Those who came meanwhile could only ask the one before.
        if place.waiting.load(Ordering::SeqCst) > 0 {
            asked.cancel();
        }
        Ok(LockHeld {
            asked,
            _turn: turn,
            _place: place,
        })
    }

    fn place(&self, id: &str) -> Arc<UploadLock> {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = places.get(id).and_then(Weak::upgrade) {
            return place;
        }
        places.retain(|_, place| place.strong_count() > 0);
        let place = Arc::<UploadLock>::default();
        places.insert(id.to_owned(), Arc::downgrade(&place));
        place
    }
}

impl LockHeld {
    /// Cancelled when somebody else wants to work on the upload.
    pub(crate) fn asked(&self) -> &CancellationToken {
        &self.asked
    }
}

impl UploadLock {
    fn holder(&self) -> MutexGuard<'_, CancellationToken> {
        self.holder.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts as waiting until it is dropped.
struct Waiting<'a>(&'a UploadLock);

impl<'a> Waiting<'a> {
    fn at(place: &'a UploadLock) -> Self {
        place.waiting.fetch_add(1, Ordering::SeqCst);
        Self(place)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_newest_asks_the_one_before_to_let_go() {
        let locks = Arc::new(Locks::default());
        let first = locks.take("a").await.unwrap();
        let other = locks.take("b").await.unwrap();
        assert!(!first.asked().is_cancelled());
        let take = |locks: &Arc<Locks>| {
            let locks = Arc::clone(locks);
            tokio::spawn(async move { locks.take("a").await.unwrap() })
        };
        let second = take(&locks);
        first.asked().cancelled().await;
        let third = take(&locks);
        while locks.place("a").waiting.load(Ordering::SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
        drop(first);
        // The third came before the second had it, and must not be forgotten.
        let second = second.await.unwrap();
        assert!(second.asked().is_cancelled());
        drop(second);
        let third = third.await.unwrap();
        assert!(!third.asked().is_cancelled());
        assert!(!other.asked().is_cancelled());
    }

    #[tokio::test]
    async fn a_holder_that_does_not_let_go_is_told_of() {
        let locks = Locks::default();
        let held = locks.take("a").await.unwrap();
        let late = locks.take_within("a", Duration::from_millis(1)).await;
        assert_eq!(late.unwrap_err(), UploadError::Locked);
        drop(held);
        let held = locks.take("a").await.unwrap();
        assert!(!held.asked().is_cancelled());
    }

    #[tokio::test]
    async fn uploads_that_nobody_works_on_are_forgotten() {
        let locks = Locks::default();
        for id in 0..100 {
            drop(locks.take(&id.to_string()).await.unwrap());
        }
        assert_eq!(locks.0.lock().unwrap().len(), 1);
    }
}
