//! Exchanging a refresh token for a new pair.

use chrono::TimeDelta;
use clipsy_storage::Rotation;

use super::start_session::{Pair, pair};
use crate::app::App;
use crate::auth::token::{self, TokenType};
use crate::error::{Error, Result};

/// Each refresh token is good once. One that comes a second time was stolen by somebody, so the
/// whole session ends (RFC 9700 section 4.14.2).
pub(crate) async fn refresh_session(app: &App, refresh: &str) -> Result<Pair> {
    let now = app.now();
    let issuer = &app.settings.issuer;
    let claims = token::read(&app.keys, issuer, TokenType::Refresh, refresh, now)
        .ok_or(Error::RefreshToken)?;
    let new_id = token::new_id();
    let expires = now + TimeDelta::seconds(app.settings.refresh_ttl_s);
    let rotation = app
        .db
        .rotate_refresh(&claims.sid, &claims.jti, &new_id, expires)
        .await?;
    match rotation {
        Rotation::Done => pair(app, claims.user_id, &claims.sid, &new_id),
        Rotation::Reused => {
            app.rights.end_session(&claims.sid);
            tracing::warn!(
                user_id = claims.user_id,
                "a refresh token was used twice; its session was ended"
            );
            Err(Error::RevokedToken)
        }
        Rotation::Gone => Err(Error::RevokedToken),
    }
}
