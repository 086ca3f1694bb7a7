//! People who watch all their videos: each is told which of them changed.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use clipsy_domain::asset::AssetId;
use clipsy_domain::user::UserId;
use quick_cache::sync::Cache;
use tokio::sync::Notify;

use crate::Service;

/// Everybody who watches.
#[derive(Debug)]
pub struct Mine {
    watchers: Mutex<HashMap<UserId, Vec<Weak<Watcher>>>>,
    /// Whose an asset is, which never changes.
    owners: Cache<AssetId, UserId>,
}

impl Default for Mine {
    fn default() -> Self {
        Self {
            watchers: Mutex::default(),
            owners: Cache::new(10_000),
        }
    }
}

/// One who watches. What they were not told yet is kept as a set of numbers, so that a slow one
/// never holds more than their videos are.
#[derive(Debug, Default)]
pub struct Watcher {
    changes: Mutex<Changes>,
    wake: Notify,
}

/// What a watcher has to look at.
#[derive(Debug, Default)]
pub struct Changes {
    /// Videos that changed or are gone.
    pub assets: BTreeSet<AssetId>,
    /// True if more may have changed.
    pub all: bool,
}

impl Watcher {
    /// Waits for changes and takes them.
    pub async fn next(&self) -> Changes {
        loop {
            let changes = std::mem::take(&mut *self.lock());
            if changes.all || !changes.assets.is_empty() {
                return changes;
            }
            self.wake.notified().await;
        }
    }

    /// Has it look again at what could not be read.
    pub fn give_back(&self, mut changes: Changes) {
        let mut now = self.lock();
        now.assets.append(&mut changes.assets);
        now.all |= changes.all;
        drop(now);
        self.wake.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Changes> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, asset: Option<AssetId>) {
        let mut changes = self.lock();
        match asset {
            Some(asset) => {
                changes.assets.insert(asset);
            }
            None => changes.all = true,
        }
        drop(changes);
        self.wake.notify_one();
    }
}

impl Mine {
    /// Tells of changes from now on, for as long as the watcher is held.
    pub fn watch(&self, user: UserId) -> Arc<Watcher> {
        let watcher = Arc::new(Watcher::default());
        let mut all = self.lock();
        all.entry(user).or_default().push(Arc::downgrade(&watcher));
        watcher
    }

    /// An asset changed. Looks up whose it is only if anybody watches.
    pub async fn changed(&self, service: &Service, asset: AssetId) {
        if !self.anybody() {
            return;
        }
        let owner = match self.owners.get(&asset) {
            Some(owner) => Some(owner),
            None => match service.db.asset(asset).await {
                Ok(Some(found)) => {
                    self.owners.insert(asset, found.owner_id);
                    Some(found.owner_id)
                }
                // Deleted since; that is told by itself.
                Ok(None) => None,
                Err(error) => {
                    tracing::warn!(%error, asset_id = asset, "could not read a video");
                    self.doubt_all();
                    None
                }
            },
        };
        if let Some(owner) = owner {
            tell(self.lock().get(&owner).into_iter().flatten(), Some(asset));
        }
    }

    /// An asset is gone. Whose it was is not known here, so everybody looks.
    pub fn deleted(&self, asset: AssetId) {
        tell(self.lock().values().flatten(), Some(asset));
    }

    /// More may have changed than was heard of.
    pub fn doubt_all(&self) {
        tell(self.lock().values().flatten(), None);
    }

    /// Whether anybody watches; forgets those who no longer do.
    fn anybody(&self) -> bool {
        let mut all = self.lock();
        all.retain(|_, watchers| {
            watchers.retain(|watcher| watcher.strong_count() > 0);
            !watchers.is_empty()
        });
        !all.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<UserId, Vec<Weak<Watcher>>>> {
        self.watchers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tell<'a>(watchers: impl Iterator<Item = &'a Weak<Watcher>>, asset: Option<AssetId>) {
    for watcher in watchers.filter_map(Weak::upgrade) {
        watcher.note(asset);
    }
}
