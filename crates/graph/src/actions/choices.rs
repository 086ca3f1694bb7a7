//! A share for each account of the places where thumbnails are made, so that nobody takes all of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use clipsy_domain::user::UserId;

use crate::error::{Error, Result};

/// Thumbnails that one account may have under way. There are places for a few times as many.
const PER_ACCOUNT: usize = 4;

/// How many each account has under way. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Choices(Arc<Mutex<HashMap<UserId, usize>>>);

/// One that is under way; given back when dropped.
#[derive(Debug)]
pub(crate) struct Choice {
    all: Choices,
    user: UserId,
}

impl Choices {
    /// Takes one of the account's places; [`Error::Busy`] if it has them all.
    pub(crate) fn begin(&self, user: UserId) -> Result<Choice> {
        let mut counts = self.counts();
        let count = counts.entry(user).or_default();
        if *count >= PER_ACCOUNT {
            return Err(Error::Busy);
        }
        *count += 1;
        Ok(Choice {
            all: self.clone(),
            user,
        })
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<UserId, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Choice {
    fn drop(&mut self) {
        let mut counts = self.all.counts();
        if let Some(count) = counts.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_account_leaves_places_for_others() {
        let choices = Choices::default();
        let mut held: Vec<Choice> = (0..24).filter_map(|_| choices.begin(1).ok()).collect();
        assert_eq!(held.len(), PER_ACCOUNT);
        assert_eq!(choices.begin(1).unwrap_err().code(), "busy");
        let other = choices.begin(2).unwrap();
        held.pop();
        held.push(choices.begin(1).unwrap());
        drop((held, other));
        assert!(choices.counts().is_empty());
    }
}
