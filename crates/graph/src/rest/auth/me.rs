//! `GET /api/auth/me/`

use axum::Json;
use clipsy_service::accounts::session::SignedIn;
use serde::Serialize;
use utoipa::ToSchema;

use super::warning;
use crate::rest::openapi::TokenNotValid;
use crate::rest::videos::json::time;

/// The signed-in account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Me {
    /// Account number.
    id: i64,
    /// Username.
    username: String,
    /// May be empty.
    email: String,
    /// `user` or `admin`.
    #[schema(example = "admin")]
    role: &'static str,
    /// When the account was created.
    #[schema(format = DateTime)]
    date_joined: String,
    /// Present only while the account has the default password.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<&'static str>,
}

/// Get the signed-in account.
#[utoipa::path(
    get, path = "/api/auth/me/", tag = "auth", security(("bearer" = [])),
    responses(
        (status = 200, description = "The account", body = Me),
        (status = 401, description = "Not signed in", body = TokenNotValid),
    )
)]
pub(crate) async fn me(signed_in: SignedIn) -> Json<Me> {
    let warning = warning(&signed_in.user);
    let user = signed_in.user;
    Json(Me {
        id: user.id,
        username: user.username,
        email: user.email,
        role: user.role.as_str(),
        date_joined: time(user.created_at),
        warning,
    })
}
