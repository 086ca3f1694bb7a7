//! Sessions: families of refresh tokens of which one is good at a time.

use clipsy_domain::clock::Timestamp;
use clipsy_domain::user::{User, UserId};

use crate::db::Db;
use crate::error::Result;

/// What became of an attempt to exchange a refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// The new one is good from now on, and only that.
    Done,
    /// The old one had been used before: the session was ended (RFC 9700 section 4.14.2).
    Reused,
    /// The session is over, or there never was one.
    Gone,
}

impl Db {
    /// Begins a session with its first refresh token.
    pub async fn start_session(
        &self,
        user: UserId,
        session_id: &str,
        refresh_id: &str,
        expires_at: Timestamp,
    ) -> Result<()> {
        let _ = (user, session_id, refresh_id, expires_at);
        unimplemented!()
    }

    /// Who the session belongs to, while it is neither ended nor expired and the account is
    /// active.
    pub async fn session_alive(&self, session_id: &str) -> Result<Option<User>> {
        let _ = session_id;
        unimplemented!()
    }

    /// Exchanges the session's refresh token.
    pub async fn rotate_refresh(
        &self,
        session_id: &str,
        old_refresh_id: &str,
        new_refresh_id: &str,
        expires_at: Timestamp,
    ) -> Result<Rotation> {
        let _ = (session_id, old_refresh_id, new_refresh_id, expires_at);
        unimplemented!()
    }

    /// Ends a session. False if it was over before.
    pub async fn revoke_session(&self, session_id: &str) -> Result<bool> {
        let _ = session_id;
        unimplemented!()
    }

    /// Forgets sessions that have expired; says how many.
    pub async fn sweep_sessions(&self) -> Result<u64> {
        unimplemented!()
    }
}
