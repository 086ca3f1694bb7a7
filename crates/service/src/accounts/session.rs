//! Whose session a token belongs to, and whether that still lives.

use clipsy_domain::clock::{Timestamp, from_millis};
use clipsy_domain::user::{User, Viewer};

use super::token::{self, Claims, TokenType};
use crate::Service;
use crate::error::{Error, Result};

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The account.
    pub user: User,
    /// The session.
    pub session_id: String,
    /// When the token that was shown stops being good.
    pub expires_at: Timestamp,
}

impl SignedIn {
    /// What this account may see and do.
    pub fn viewer(&self) -> Viewer {
        Viewer::User(self.user.id, self.user.role)
    }
}

/// The viewer behind somebody who is signed in, or is not.
pub fn viewer(signed_in: Option<&SignedIn>) -> Viewer {
    signed_in.map_or(Viewer::Anonymous, SignedIn::viewer)
}

/// What an access token says, if it is one of ours and has not expired.
pub fn claims(service: &Service, token: &str) -> Result<Claims> {
    let issuer = &service.settings.issuer;
    let keys = &service.accounts.keys;
    token::read(keys, issuer, TokenType::Access, token, service.now()).ok_or(Error::AccessToken)
}

/// Whose the token is, if its session still lives.
pub async fn signed_in(service: &Service, claims: Claims) -> Result<SignedIn> {
    let user = session_user(service, &claims.sid).await?;
    let user = user
        .filter(|user| user.id == claims.user_id)
        .ok_or(Error::AccessToken)?;
    Ok(SignedIn {
        user,
        session_id: claims.sid,
        expires_at: from_millis(claims.exp.saturating_mul(1_000)),
    })
}

/// Whose session that is, while it lives and its account may be used. Everything that a session
/// opens asks here: requests, streams, new tokens and playback links.
pub async fn session_user(service: &Service, session_id: &str) -> Result<Option<User>> {
    let user = service.db.session_alive(session_id).await?;
    Ok(user.filter(|user| service.admits(user)))
}
