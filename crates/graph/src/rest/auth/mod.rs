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

/// Warning shown while the default password is in use.
pub(crate) const DEFAULT_PASSWORD_WARNING: &str =
    "This account has the default password, which is good for demonstrations only.";

/// The account in the sign-in response.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Account {
    /// Number.
    id: i64,
    /// Username.
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
    /// Access token, sent with each request.
    pub(crate) access: String,
    /// Refresh token, valid once.
    pub(crate) refresh: String,
}

/// A response with tokens, which must not be cached (RFC 6749 section 5.1).
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
