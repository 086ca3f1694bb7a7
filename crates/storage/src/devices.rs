//! Sessions as people look at them: which there are, and with what each was begun.

use clipsy_domain::clock::Timestamp;
use clipsy_domain::user::UserId;
use sqlx::any::AnyRow;

use crate::cells::{Cells, storable};
use crate::db::Db;
use crate::error::Result;

/// A session that lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionInfo {
    /// Its number.
    pub id: String,
    /// Whose it is.
    pub user_id: UserId,
    /// What the program that signed in called itself; empty if it said nothing.
    pub device: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When its tokens were last exchanged, which is at most the life of an access token ago while it is
    /// used; when it began, if they never were.
    pub used_at: Timestamp,
    /// When it ends if it is not used.
    pub expires_at: Timestamp,
}

macro_rules! session_columns {
    () => {
        "id, user_id, COALESCE(device, ''), created_at, COALESCE(used_at, created_at), expires_at"
    };
}

impl Db {
    /// Notes what the program called itself that began the session.
    pub async fn name_session(&self, session_id: &str, device: &str) -> Result<()> {
        sqlx::query("UPDATE sessions SET device = $2 WHERE id = $1")
            .bind(storable(session_id).as_ref())
            .bind(storable(device).as_ref())
            .execute(self.write())
            .await?;
        Ok(())
    }

    /// The sessions of an account that have not expired, the last used one first.
    pub async fn sessions_of(&self, user: UserId) -> Result<Vec<SessionInfo>> {
        let rows = sqlx::query(concat!(
            "SELECT ",
            session_columns!(),
            " FROM sessions WHERE user_id = $1 AND expires_at > $2 \
             ORDER BY COALESCE(used_at, created_at) DESC, id"
        ))
        .bind(user)
        .bind(self.now())
        .fetch_all(self.read())
        .await?;
        rows.iter().map(session_from).collect()
    }

    /// The session with that number, if it has not expired.
    pub async fn session(&self, session_id: &str) -> Result<Option<SessionInfo>> {
        let row = sqlx::query(concat!(
            "SELECT ",
            session_columns!(),
            " FROM sessions WHERE id = $1 AND expires_at > $2"
        ))
        .bind(storable(session_id).as_ref())
        .bind(self.now())
        .fetch_optional(self.read())
        .await?;
        row.as_ref().map(session_from).transpose()
    }
}

/// Reads [`session_columns`].
fn session_from(row: &AnyRow) -> Result<SessionInfo> {
    let mut cells = Cells::new(row);
    Ok(SessionInfo {
        id: cells.text()?,
        user_id: cells.int()?,
        device: cells.text()?,
        created_at: cells.time()?,
        used_at: cells.time()?,
        expires_at: cells.time()?,
    })
}
