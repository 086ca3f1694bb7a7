//! Plays, counted in memory and written down from time to time.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use clipsy_domain::asset::AssetId;
use clipsy_domain::clock::Timestamp;

/// Who played what lately, and how many plays are not written down yet.
#[derive(Debug, Default)]
pub struct Plays(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// When a viewer's play of an asset was last counted, in milliseconds since 1970. Viewers are
    /// kept as a hash, so that no addresses are kept.
    seen: HashMap<u64, i64>,
    pending: HashMap<AssetId, i64>,
}

/// Viewers after which the ones that count again are forgotten, and all of them if none does.
const MAX_SEEN: usize = 200_000;

impl Plays {
    /// Counts a play, unless the same viewer played the same asset less than `window_s` seconds
    /// ago. Viewers are told apart by the customer whose address they have, since all else that a
    /// request says is free to make up.
    pub fn count(&self, asset: AssetId, subscriber: IpAddr, now: Timestamp, window_s: i64) {
        let mut hasher = DefaultHasher::new();
        (asset, subscriber).hash(&mut hasher);
        let viewer = hasher.finish();
        let now_ms = now.timestamp_millis();
        // A play in the future was counted by a clock that was wrong.
        let counts_again = |last: i64| !(0..window_s * 1_000).contains(&(now_ms - last));
        let mut state = self.lock();
        if state
            .seen
            .get(&viewer)
            .is_some_and(|last| !counts_again(*last))
        {
            return;
        }
        if state.seen.len() >= MAX_SEEN {
            state.seen.retain(|_, last| !counts_again(*last));
            if state.seen.len() >= MAX_SEEN {
                state.seen.clear();
            }
        }
        state.seen.insert(viewer, now_ms);
        *state.pending.entry(asset).or_default() += 1;
    }

    /// Takes what is to be written down.
    pub fn take(&self) -> Vec<(AssetId, i64)> {
        self.lock().pending.drain().collect()
    }

    /// Gives back what could not be written down.
    pub fn give_back(&self, plays: &[(AssetId, i64)]) {
        let mut state = self.lock();
        for (asset, count) in plays {
            *state.pending.entry(*asset).or_default() += count;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Counts are whole at any time, so a panic elsewhere does not spoil them.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clipsy_domain::clock::from_millis;

    #[test]
    fn a_viewer_counts_once_in_the_window() {
        let plays = Plays::default();
        let ip: IpAddr = "192.0.2.1".parse().unwrap();
        let play = |asset, ip, s: i64| plays.count(asset, ip, from_millis(s * 1_000), 1_800);
        play(1, ip, 0);
        play(1, ip, 1_799);
        assert_eq!(plays.take(), [(1, 1)]);
        play(1, ip, 1_800);
        for other in ["192.0.2.1", "192.0.2.2", "2001:db8::", "2001:db8:0:1::"] {
            play(1, other.parse().unwrap(), 1_800);
        }
        play(2, ip, 1_800);
        let mut taken = plays.take();
        taken.sort_unstable();
        assert_eq!(taken, [(1, 4), (2, 1)]);
        assert!(plays.take().is_empty());
        plays.give_back(&taken);
        assert_eq!(plays.take().len(), 2);
    }
}
