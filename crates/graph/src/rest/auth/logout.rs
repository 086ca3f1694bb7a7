//! `POST /api/auth/logout/`

use axum::Json;
use axum::extract::State;
use clipsy_service::accounts::log_out::log_out;
use clipsy_service::accounts::session::SignedIn;

use crate::app::App;
use crate::rest::answer::Answer;
use crate::rest::openapi::{Detail, TokenNotValid};

/// Sign out. Revokes the access token and all refresh tokens of its session.
#[utoipa::path(
    post, path = "/api/auth/logout/", tag = "auth", security(("bearer" = [])),
    responses(
        (status = 200, description = "Signed out", body = Detail),
        (status = 401, description = "Not signed in", body = TokenNotValid),
    )
)]
pub(crate) async fn logout(State(app): State<App>, signed_in: SignedIn) -> Answer<Json<Detail>> {
    log_out(&app, &signed_in).await?;
    Ok(Json(Detail::new("Successfully logged out")))
}
