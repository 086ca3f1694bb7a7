//! Accounts.

use clipsy_domain::user::{Role, User, UserId};

use crate::db::Db;
use crate::error::Result;

/// An account to be made.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// Name to sign in with; unique without regard to case.
    pub username: String,
    /// May be empty.
    pub email: String,
    /// What it may do.
    pub role: Role,
    /// The password's hash as a PHC string, never the password.
    pub password_hash: String,
    /// True if the password is the documented one.
    pub default_password: bool,
}

impl Db {
    /// Makes an account, or says that the name is taken.
    pub async fn create_user(&self, new: NewUser) -> Result<User> {
        let _ = new;
        unimplemented!()
    }

    /// Makes an account if none was ever made, so that a deleted admin never returns. Of callers
    /// that race, one succeeds.
    pub async fn create_first_user(&self, new: NewUser) -> Result<Option<User>> {
        let _ = new;
        unimplemented!()
    }

    /// The account with that number.
    pub async fn user(&self, id: UserId) -> Result<Option<User>> {
        let _ = id;
        unimplemented!()
    }

    /// The account with that name, without regard to case, and its password's hash.
    pub async fn user_by_name(&self, name: &str) -> Result<Option<(User, String)>> {
        let _ = name;
        unimplemented!()
    }

    /// All accounts by number.
    pub async fn users(&self) -> Result<Vec<User>> {
        unimplemented!()
    }

    /// Those accounts, by number.
    pub async fn users_by_id(&self, ids: &[UserId]) -> Result<Vec<User>> {
        let _ = ids;
        unimplemented!()
    }

    /// Sets a password, which from then on is not the documented one, and ends all sessions of the
    /// account. False if there is no such account.
    pub async fn set_password(&self, id: UserId, password_hash: &str) -> Result<bool> {
        let _ = (id, password_hash);
        unimplemented!()
    }

    /// Allows or refuses signing in; refusing ends all sessions. False if there is no such account.
    pub async fn set_active(&self, id: UserId, active: bool) -> Result<bool> {
        let _ = (id, active);
        unimplemented!()
    }
}
