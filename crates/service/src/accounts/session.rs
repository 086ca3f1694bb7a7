//! Looking up the session of a token.

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
    /// When the presented token expires.
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

/// The claims of an access token, if it is valid and has not expired.
pub fn claims(service: &Service, token: &str) -> Result<Claims> {
    let issuer = &service.settings.issuer;
    let keys = &service.accounts.keys;
    token::read(keys, issuer, TokenType::Access, token, service.now()).ok_or(Error::AccessToken)
}

/// The account of a token, if its session is still valid.
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

/// The account of a session, while both are valid. Everything that depends on a session checks
/// here: requests, streams, new tokens and playback links.
pub async fn session_user(service: &Service, session_id: &str) -> Result<Option<User>> {
    let user = service.db.session_alive(session_id).await?;
    Ok(user.filter(|user| service.admits(user)))
}
