//! Signing in and out.

pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod me;
pub(crate) mod password;
pub(crate) mod refresh;

use clipsy_domain::user::User;
use serde::Serialize;
use utoipa::ToSchema;

/// What people are told while the documented password stands.
pub(crate) const DEFAULT_PASSWORD_WARNING: &str =
    "This account has the default password. Change it before other people can reach this server.";

/// The account in the answer to signing in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Account {
    /// Its number.
    id: i64,
    /// Name to sign in with.
    username: String,
    /// May be empty.
    email: String,
}

impl From<User> for Account {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            username: user.username,
            email: user.email,
        }
    }
}

/// A new pair of tokens.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenPair {
    /// To be sent with every request.
    pub(crate) access: String,
    /// To be exchanged once for the next pair.
    pub(crate) refresh: String,
}

fn warning(user: &User) -> Option<&'static str> {
    user.default_password.then_some(DEFAULT_PASSWORD_WARNING)
}
