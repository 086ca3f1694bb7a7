//! `POST /api/auth/login/`

use axum::extract::State;
use axum::http::HeaderMap;
use clipsy_http::Client;
use clipsy_service::accounts::log_in::log_in;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Account, Secret, warning};
use crate::app::App;
use crate::auth::viewer::{device, origin};
use crate::rest::answer::Answer;
use crate::rest::body::Object;
use crate::rest::fields::Fields;
use crate::rest::openapi::{Detail, FieldMessages};

/// Username and password.
#[derive(Debug, Deserialize, ToSchema)]
#[expect(
    dead_code,
    reason = "describes the body; the fields are checked one by one"
)]
pub(crate) struct Credentials {
    /// Username, case-insensitive.
    #[schema(example = "admin")]
    username: String,
    /// The password.
    #[schema(format = Password, example = "admin123")]
    password: String,
}

/// A session.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Session {
    /// Refresh token, exchanged for a new pair when `access` has expired.
    refresh: String,
    /// Access token, sent with each request: `Authorization: Bearer <access>`.
    access: String,
    /// The account.
    user: Account,
    /// Present only while the account has the default password.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<&'static str>,
}

/// Sign in.
#[utoipa::path(
    post, path = "/api/auth/login/", tag = "auth", request_body = Credentials,
    responses(
        (status = 200, description = "Signed in", body = Session),
        (status = 400, description = "Missing fields", body = FieldMessages),
        (status = 401, description = "Wrong username or password", body = Detail),
        (status = 403, description = "The account has the default password, which works in demonstration mode only", body = Detail),
        (status = 429, description = "Too many attempts; see `Retry-After`", body = Detail),
    )
)]
pub(crate) async fn login(
    State(app): State<App>,
    client: Client,
    headers: HeaderMap,
    Object(values): Object,
) -> Answer<Secret<Session>> {
    let mut fields = Fields::new(values);
    let username = fields.required("username", 150);
    let password = fields.password("password");
    fields.check()?;
    let (user, pair) = log_in(
        &app,
        origin(&app, client, device(&headers)),
        &username,
        password,
    )
    .await?;
    Ok(Secret(Session {
        refresh: pair.refresh,
        access: pair.access,
        warning: warning(&user),
        user: user.into(),
    }))
}
