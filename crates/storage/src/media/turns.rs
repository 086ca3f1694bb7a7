//! Uploads whose length may still change, although nobody waits for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Held while the length of one upload may change, shared by what may happen side by side.
pub(super) type Turn = Arc<tokio::sync::RwLock<()>>;

/// The uploads that are being written in this process.
///
/// Work that has begun cannot always be stopped: when a request is dropped in mid-write, its bytes
/// still arrive. Who measures the upload next has to wait for them.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<HashMap<String, Weak<tokio::sync::RwLock<()>>>>);

impl Turns {
    /// What writers of that upload take in turn.
    pub(super) fn turn(&self, key: &str) -> Turn {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = turns.get(key).and_then(Weak::upgrade) {
            return turn;
        }
        turns.retain(|_, turn| turn.strong_count() > 0);
        let turn = Turn::default();
        turns.insert(key.to_owned(), Arc::downgrade(&turn));
        turn
    }

    /// Waits until no bytes of that upload are on their way.
    pub(super) async fn settle(&self, key: &str) {
        let turn = {
            let turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            turns.get(key).and_then(Weak::upgrade)
        };
        if let Some(turn) = turn {
            drop(turn.write().await);
        }
    }
}
