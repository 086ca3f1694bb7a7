//! Beginning a session: a first pair of tokens.

use chrono::TimeDelta;
use clipsy_domain::clock::Timestamp;
use clipsy_domain::user::UserId;

use crate::app::App;
use crate::auth::token::{self, Subject, TokenType};
use crate::error::Result;

/// Two tokens of one session.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    pub(crate) access: String,
    pub(crate) refresh: String,
    /// When `access` expires.
    pub(crate) expires_at: Timestamp,
}

/// Begins a session for an account whose password was just proved.
pub(crate) async fn start_session(app: &App, user: UserId) -> Result<Pair> {
    let (session_id, refresh_id) = (token::new_id(), token::new_id());
    let expires = app.now() + TimeDelta::seconds(app.settings.refresh_ttl_s);
    app.db
        .start_session(user, &session_id, &refresh_id, expires)
        .await?;
    pair(app, user, &session_id, &refresh_id)
}

/// Signs the tokens of a session whose refresh token has that number from now on.
pub(crate) fn pair(app: &App, user: UserId, session_id: &str, refresh_id: &str) -> Result<Pair> {
    let now = app.now();
    let make = |token_type, id: &str, seconds| {
        token::issue(
            &app.keys,
            &app.settings.issuer,
            token_type,
            Subject {
                user_id: user,
                session_id,
                id,
            },
            now,
            now + TimeDelta::seconds(seconds),
        )
    };
    Ok(Pair {
        access: make(
            TokenType::Access,
            &token::new_id(),
            app.settings.access_ttl_s,
        )?,
        refresh: make(TokenType::Refresh, refresh_id, app.settings.refresh_ttl_s)?,
        expires_at: now + TimeDelta::seconds(app.settings.access_ttl_s),
    })
}
