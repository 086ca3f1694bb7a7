//! `POST /api/auth/refresh/`

use axum::extract::State;
use clipsy_service::accounts::refresh_session::refresh_session;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Secret, TokenPair};
use crate::app::App;
use crate::rest::answer::Answer;
use crate::rest::body::Object;
use crate::rest::fields::Fields;
use crate::rest::openapi::{DetailCode, FieldMessages};

/// A refresh token.
#[derive(Debug, Deserialize, ToSchema)]
#[expect(
    dead_code,
    reason = "describes the body; the fields are checked one by one"
)]
pub(crate) struct RefreshToken {
    /// The most recent refresh token.
    refresh: String,
}

/// Exchange a refresh token for a new pair. A refresh token is valid once. Reusing it within ten
/// seconds, e.g. from a second tab, returns the current pair; later reuse ends the session.
#[utoipa::path(
    post, path = "/api/auth/refresh/", tag = "auth", request_body = RefreshToken,
    responses(
        (status = 200, description = "A new pair", body = TokenPair),
        (status = 400, description = "The field is missing", body = FieldMessages),
        (status = 401, description = "The token is invalid or expired", body = DetailCode),
    )
)]
pub(crate) async fn refresh(
    State(app): State<App>,
    Object(values): Object,
) -> Answer<Secret<TokenPair>> {
    let mut fields = Fields::new(values);
    let token = fields.required("refresh", usize::MAX);
    fields.check()?;
    let (_, pair) = refresh_session(&app, &token).await?;
    Ok(Secret(TokenPair {
        access: pair.access,
        refresh: pair.refresh,
    }))
}
