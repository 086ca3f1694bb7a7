//! Exchanging a refresh token for a new pair.

use chrono::TimeDelta;
use clipsy_domain::user::User;
use clipsy_storage::Rotation;

use crate::Service;
use crate::accounts::session::session_user;
use crate::accounts::start_session::{Pair, pair};
use crate::accounts::token::{self, TokenType};
use crate::error::{Error, Result};

/// Each refresh token is valid once, or repeatedly within a few seconds: tabs that wake up together
/// send the same one, and all get the current one. Later reuse indicates theft, so the whole session
/// ends (RFC 9700 section 4.14.2).
pub async fn refresh_session(service: &Service, refresh: &str) -> Result<(User, Pair)> {
    let now = service.now();
    let issuer = &service.settings.issuer;
    let claims = token::read(
        &service.accounts.keys,
        issuer,
        TokenType::Refresh,
        refresh,
        now,
    )
    .ok_or(Error::RefreshToken)?;
    let new_id = token::new_id();
    let expires = now + TimeDelta::seconds(service.settings.refresh_ttl_s);
    let rotation = service
        .db
        .rotate_refresh(&claims.sid, &claims.jti, &new_id, expires)
        .await?;
    let refresh_id = match rotation {
        Rotation::Done => new_id,
        // Another tab of the same browser was a little faster; both go on with what it got.
        Rotation::Again { refresh_id, .. } => refresh_id,
        Rotation::Reused => {
            service.accounts.rights.end_session(&claims.sid);
            tracing::warn!(
                user_id = claims.user_id,
                "a refresh token was used twice; its session was ended"
            );
            return Err(Error::RevokedToken);
        }
        Rotation::Gone => return Err(Error::RevokedToken),
    };
    let user = session_user(service, &claims.sid).await?;
    let user = user.ok_or(Error::RevokedToken)?;
    let pair = pair(service, user.id, &claims.sid, &refresh_id)?;
    Ok((user, pair))
}
