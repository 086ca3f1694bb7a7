//! Exchanging a refresh token for a new pair.

use chrono::TimeDelta;
use clipsy_domain::user::User;
use clipsy_storage::Rotation;

use super::start_session::{Pair, pair};
use crate::app::App;
use crate::auth::token::{self, TokenType};
use crate::auth::viewer::session_user;
use crate::error::{Error, Result};

/// Each refresh token is good once, or as often as it comes within a few seconds: tabs that wake
/// together send the same one, and all get the current one. One that comes again later was stolen by
/// somebody, so the whole session ends (RFC 9700 section 4.14.2).
pub(crate) async fn refresh_session(app: &App, refresh: &str) -> Result<(User, Pair)> {
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
    let refresh_id = match rotation {
        Rotation::Done => new_id,
        // Another tab of the same browser was a little faster; both go on with what it got.
        Rotation::Again { refresh_id, .. } => refresh_id,
        Rotation::Reused => {
            app.rights.end_session(&claims.sid);
            tracing::warn!(
                user_id = claims.user_id,
                "a refresh token was used twice; its session was ended"
            );
            return Err(Error::RevokedToken);
        }
        Rotation::Gone => return Err(Error::RevokedToken),
    };
    let user = session_user(app, &claims.sid).await?;
    let user = user.ok_or(Error::RevokedToken)?;
    let pair = pair(app, user.id, &claims.sid, &refresh_id)?;
    Ok((user, pair))
}
