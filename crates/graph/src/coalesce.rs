//! Answering many who ask for the same thing at the same time with one piece of work.

use std::collections::HashMap;
use std::fmt::{self, Debug};
use std::future::Future;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::{BoxFuture, FutureExt as _, Shared};

/// Work that is going on, by what it is for.
///
/// No caller gets a result whose work began before its request: callers that arrive during the work
/// for `K` wait together for the next run. So a result is never older than its request, and many
/// callers cost little more than one.
pub(crate) struct Coalesce<K, V>(Arc<Mutex<HashMap<K, Turn<V>>>>);

/// What many wait for; `None` if the work panicked.
type Work<V> = Shared<BoxFuture<'static, Option<V>>>;

/// The last piece of work that was asked for.
struct Turn<V> {
    number: u64,
    /// True once it may have read anything.
    begun: bool,
    work: Work<V>,
}

/// Things for which work goes on at the same time.
const MOST: usize = 1_000;

/// Tells turns apart, also those for the same thing at different times.
static NUMBERS: AtomicU64 = AtomicU64::new(0);

impl<K, V> Default for Coalesce<K, V> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K, V> Debug for Coalesce<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Coalesce").finish_non_exhaustive()
    }
}

impl<K, V> Coalesce<K, V>
where
    K: Hash + Eq + Clone + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// The result of `work`, which may be shared with other callers that asked for `key` at the
    /// same time. Work that was asked for is done in a task of its own, also if nobody waits for it
    /// any more: left half done it would hold on to what it has, such as a connection to the
    /// database. `None` if it panicked, or if work for too many other things goes on: then there is
    /// no crowd.
    pub(crate) async fn get<F>(&self, key: K, work: F) -> Option<V>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let shared = self.join(key, work)?;
        shared.await
    }

    fn join<F>(&self, key: K, work: F) -> Option<Work<V>>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = turns.get(&key);
        if let Some(turn) = last.filter(|turn| !turn.begun) {
            return Some(turn.work.clone());
        }
        if last.is_none() && turns.len() >= MOST {
            return None;
        }
        let before = last.map(|turn| turn.work.clone());
        let place = OwnTurn {
            all: Arc::clone(&self.0),
            key: key.clone(),
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
        };
        let number = place.number;
        let task = tokio::spawn(async move {
            if let Some(before) = before {
                before.await;
            }
            place.begin();
            work.await
        });
        let work = task.map(Result::ok).boxed().shared();
        let turn = Turn {
            number,
            begun: false,
            work: work.clone(),
        };
        turns.insert(key, turn);
        Some(work)
    }
}

/// The place of a turn among all. It is given up when the work ends, however that is.
struct OwnTurn<K: Hash + Eq, V> {
    all: Arc<Mutex<HashMap<K, Turn<V>>>>,
    key: K,
    number: u64,
}

impl<K: Hash + Eq, V> OwnTurn<K, V> {
    /// Callers from now on have to wait for the next run.
    fn begin(&self) {
        let mut turns = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = turns.get_mut(&self.key)
            && turn.number == self.number
        {
            turn.begun = true;
        }
    }
}

impl<K: Hash + Eq, V> Drop for OwnTurn<K, V> {
    fn drop(&mut self) {
        let mut turns = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if turns
            .get(&self.key)
            .is_some_and(|turn| turn.number == self.number)
        {
            turns.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU32;
    use tokio::sync::Semaphore;

    /// Work that counts how often it was begun, and ends when it is let.
    fn work(
        begun: &Arc<AtomicU32>,
        gate: &Arc<Semaphore>,
    ) -> impl Future<Output = u32> + Send + 'static {
        let (begun, gate) = (Arc::clone(begun), Arc::clone(gate));
        async move {
            let number = begun.fetch_add(1, Ordering::SeqCst) + 1;
            gate.acquire().await.unwrap().forget();
            number
        }
    }

    async fn settle() {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_crowd_shares_what_begins_after_it_came() {
        let all = Arc::new(Coalesce::default());
        let (begun, gate) = (Arc::default(), Arc::new(Semaphore::new(0)));
        let ask = || {
            let (all, work) = (Arc::clone(&all), work(&begun, &gate));
            tokio::spawn(async move { all.get("list", work).await })
        };
        let first = ask();
        settle().await;
        let crowd: Vec<_> = (0..50).map(|_| ask()).collect();
        settle().await;
        // The crowd came after the first had begun, so that answer is too old for it.
        assert_eq!(begun.load(Ordering::SeqCst), 1);
        gate.add_permits(1);
        assert_eq!(first.await.unwrap(), Some(1));
        settle().await;
        assert_eq!(begun.load(Ordering::SeqCst), 2);
        gate.add_permits(1);
        for one in crowd {
            assert_eq!(one.await.unwrap(), Some(2));
        }
        assert!(all.0.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn others_do_not_wait_and_one_alone_begins_at_once() {
        let all = Coalesce::default();
        let (begun, gate) = (Arc::default(), Arc::new(Semaphore::new(2)));
        assert_eq!(all.get("a", work(&begun, &gate)).await, Some(1));
        assert_eq!(all.get("a", work(&begun, &gate)).await, Some(2));
        let held = all.get("b", work(&begun, &gate));
        gate.add_permits(0);
        let mut held = Box::pin(held);
        assert!((&mut held).now_or_never().is_none());
        let free = Arc::new(Semaphore::new(1));
        assert_eq!(all.get("c", work(&begun, &free)).await, Some(4));
        gate.add_permits(1);
        assert_eq!(held.await, Some(3));
    }

    #[tokio::test]
    async fn work_goes_on_for_those_who_stay() {
        let all = Arc::new(Coalesce::default());
        let (begun, gate) = (Arc::default(), Arc::new(Semaphore::new(0)));
        let ask = || {
            let (all, work) = (Arc::clone(&all), work(&begun, &gate));
            tokio::spawn(async move { all.get("list", work).await })
        };
        let leaves = ask();
        settle().await;
        let (leaves_too, stays) = (ask(), ask());
        settle().await;
        leaves.abort();
        leaves_too.abort();
        gate.add_permits(2);
        // The first one's work is done first, although nobody waits for it.
        assert_eq!(stays.await.unwrap(), Some(2));
    }

    /// Left half done, it would keep its connection to the database for ever.
    #[tokio::test]
    async fn work_that_nobody_waits_for_any_more_is_done() {
        let all = Arc::new(Coalesce::default());
        let (begun, gate) = (Arc::default(), Arc::new(Semaphore::new(0)));
        let leaves = {
            let (all, work) = (Arc::clone(&all), work(&begun, &gate));
            tokio::spawn(async move { all.get("list", work).await })
        };
        settle().await;
        leaves.abort();
        gate.add_permits(1);
        settle().await;
        assert_eq!(gate.available_permits(), 0);
        assert!(all.0.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn there_is_an_end_to_what_is_kept() {
        let all = Coalesce::default();
        let (begun, gate) = (Arc::default(), Arc::new(Semaphore::new(0)));
        for key in 0..MOST {
            assert!(all.join(key, work(&begun, &gate)).is_some());
        }
        assert!(all.join(MOST, work(&begun, &gate)).is_none());
        assert!(all.join(0, work(&begun, &gate)).is_some());
    }

    #[tokio::test]
    async fn a_panic_is_told_and_does_not_last() {
        let all = Coalesce::default();
        let fails = async { if true { panic!("on purpose") } else { 1 } };
        assert_eq!(all.get("list", fails).await, None);
        assert_eq!(all.get("list", async { 2 }).await, Some(2));
    }
}
