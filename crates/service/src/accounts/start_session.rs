//! Beginning a session: a first pair of tokens.

use chrono::TimeDelta;
use clipsy_domain::clock::Timestamp;
use clipsy_domain::user::UserId;

use crate::Service;
use crate::accounts::token::{self, Subject, TokenType};
use crate::error::Result;

/// Most characters of what a program calls itself that are kept.
const LONGEST_DEVICE: usize = 300;

/// Two tokens of one session.
#[derive(Debug, Clone)]
pub struct Pair {
    /// Sent with each request.
    pub access: String,
    /// Exchanged once for the next pair.
    pub refresh: String,
    /// When `access` expires.
    pub expires_at: Timestamp,
}

/// Starts a session for an account whose password has just been verified. `device` is what the
/// program that signs in calls itself.
pub async fn start_session(service: &Service, user: UserId, device: Option<&str>) -> Result<Pair> {
    let (session_id, refresh_id) = (token::new_id(), token::new_id());
    let expires = service.now() + TimeDelta::seconds(service.settings.refresh_ttl_s);
    service
        .db
        .start_session(user, &session_id, &refresh_id, expires)
        .await?;
    if let Some(device) = device {
        let device: String = device.chars().take(LONGEST_DEVICE).collect();
        service.db.name_session(&session_id, &device).await?;
    }
    pair(service, user, &session_id, &refresh_id)
}

/// Signs the tokens of a session whose refresh token has that number from now on.
pub fn pair(service: &Service, user: UserId, session_id: &str, refresh_id: &str) -> Result<Pair> {
    let now = service.now();
    let make = |token_type, id: &str, seconds| {
        token::issue(
            &service.accounts.keys,
            &service.settings.issuer,
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
            service.settings.access_ttl_s,
        )?,
        refresh: make(
            TokenType::Refresh,
            refresh_id,
            service.settings.refresh_ttl_s,
        )?,
        expires_at: now + TimeDelta::seconds(service.settings.access_ttl_s),
    })
}
