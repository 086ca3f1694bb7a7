//! A share for each account of the places where thumbnails are made, so that nobody takes all of them.

use std::sync::Arc;

use clipsy_domain::shares::{Share, Shares};
use clipsy_domain::user::UserId;

use crate::error::{Error, Result};

/// Thumbnails that one account may have under way. There are places for a few times as many.
const PER_ACCOUNT: usize = 4;

/// Choices that accounts have under way.
#[derive(Debug, Clone)]
pub(crate) struct Choices(Arc<Shares<UserId>>);

impl Default for Choices {
    fn default() -> Self {
        Self(Shares::new(PER_ACCOUNT))
    }
}

impl Choices {
    /// Takes one of the account's places; [`Error::Busy`] if it has them all.
    pub(crate) fn begin(&self, user: UserId) -> Result<Share<UserId>> {
        self.0.take(user).ok_or(Error::Busy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_account_leaves_places_for_others() {
        let choices = Choices::default();
        let mut held: Vec<Share<UserId>> = (0..24).filter_map(|_| choices.begin(1).ok()).collect();
        assert_eq!(held.len(), PER_ACCOUNT);
        assert_eq!(choices.begin(1).unwrap_err().code(), "busy");
        let other = choices.begin(2).unwrap();
        held.pop();
        held.push(choices.begin(1).unwrap());
        drop((held, other));
        assert!(choices.0.is_empty());
    }
}
