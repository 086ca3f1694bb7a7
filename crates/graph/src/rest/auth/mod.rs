//! Signing in and out.

pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod me;
pub(crate) mod password;
pub(crate) mod refresh;

use axum::Json;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use clipsy_domain::user::User;
use serde::Serialize;
use utoipa::ToSchema;

/// What people are told while the documented password stands.
pub(crate) const DEFAULT_PASSWORD_WARNING: &str =
    "This account has the default password, which is good for demonstrations only.";

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

/// An answer with tokens, which nobody may keep (RFC 6749 section 5.1).
#[derive(Debug)]
pub(crate) struct Secret<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for Secret<T> {
    fn into_response(self) -> Response {
        ([(CACHE_CONTROL, "no-store")], Json(self.0)).into_response()
    }
}

fn warning(user: &User) -> Option<&'static str> {
    user.default_password.then_some(DEFAULT_PASSWORD_WARNING)
}
