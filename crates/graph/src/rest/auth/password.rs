//! `POST /api/auth/password/`

use axum::extract::State;
use axum::http::HeaderMap;
use clipsy_http::Client;
use clipsy_service::accounts::change_password::change_password;
use clipsy_service::accounts::session::SignedIn;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Secret, TokenPair};
use crate::app::App;
use crate::auth::viewer::{device, origin};
use crate::rest::answer::Answer;
use crate::rest::body::Object;
use crate::rest::fields::Fields;
use crate::rest::openapi::{Detail, FieldMessages, TokenNotValid};

/// The current and the new password.
#[derive(Debug, Deserialize, ToSchema)]
#[expect(
    dead_code,
    reason = "describes the body; the fields are checked one by one"
)]
pub(crate) struct PasswordChange {
    /// The current password.
    #[schema(format = Password)]
    old_password: String,
    /// At least 8 characters.
    #[schema(format = Password, min_length = 8)]
    new_password: String,
}

/// Change the password. Ends all sessions of the account and returns the tokens of a new one.
#[utoipa::path(
    post, path = "/api/auth/password/", tag = "auth", security(("bearer" = [])),
    request_body = PasswordChange,
    responses(
        (status = 200, description = "Changed", body = TokenPair),
        (status = 400, description = "The current password is wrong or the new one too weak", body = FieldMessages),
        (status = 401, description = "Not signed in", body = TokenNotValid),
        (status = 429, description = "Too many attempts; see `Retry-After`", body = Detail),
    )
)]
pub(crate) async fn password(
    State(app): State<App>,
    client: Client,
    headers: HeaderMap,
    signed_in: SignedIn,
    Object(values): Object,
) -> Answer<Secret<TokenPair>> {
    let mut fields = Fields::new(values);
    let old = fields.password("old_password");
    let new = fields.password("new_password");
    fields.check()?;
    let from = origin(&app, client, device(&headers));
    let pair = change_password(&app, from, &signed_in, old, new).await?;
    Ok(Secret(TokenPair {
        access: pair.access,
        refresh: pair.refresh,
    }))
}
