//! Sessions: families of refresh tokens of which one is good at a time. A session that is over has
//! no row.

use clipsy_domain::clock::Timestamp;
use clipsy_domain::user::{Role, User, UserId};
use sqlx::AssertSqlSafe;
use sqlx::query::Query;

use crate::cells::{Cells, groups, places, storable};
use crate::db::{Db, Tx};
use crate::error::{Error, Result};
use crate::users::{user_columns, user_from};

/// How long in milliseconds a refresh token that was exchanged still leads to the current one: two
/// tabs of a browser that wake together send the same one, also while a third goes on.
pub const REFRESH_GRACE_MS: i64 = 10_000;

/// What became of an attempt to exchange a refresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotation {
    /// The new one is good from now on, and only that.
    Done,
    /// The old one was exchanged less than [`REFRESH_GRACE_MS`] ago. This is the current one; nothing
    /// changed.
    Again {
        /// Number of the current refresh token.
        refresh_id: String,
        /// When it expires.
        expires_at: Timestamp,
    },
    /// The old one had been used before: the session was ended (RFC 9700 section 4.14.2).
    Reused,
    /// The session is over, or there never was one.
    Gone,
}

impl Db {
    /// Begins a session with its first refresh token. [`Error::Missing`] if there is no such
    /// account or it may not sign in.
    pub async fn start_session(
        &self,
        user: UserId,
        session_id: &str,
        refresh_id: &str,
        expires_at: Timestamp,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        // The idle change keeps the account from being closed between these two statements, which
        // would leave a session behind.
        let found = sqlx::query("UPDATE users SET active = active WHERE id = $1 AND active = 1")
            .bind(user)
            .execute(&mut *tx)
            .await?;
        if found.rows_affected() == 0 {
            return Err(Error::Missing {
                what: "active account",
            });
        }
        sqlx::query(
            "INSERT INTO sessions (id, user_id, refresh_id, created_at, expires_at) \
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(session_id)
        .bind(user)
        .bind(refresh_id)
        .bind(self.now())
        .bind(expires_at.timestamp_millis())
        .execute(&mut *tx)
        .await
        .map_err(|error| Error::taken(error, "session number"))?;
        tx.commit().await?;
        Ok(())
    }

    /// Who the session belongs to, while it is neither ended nor expired and the account is
    /// active.
    pub async fn session_alive(&self, session_id: &str) -> Result<Option<User>> {
        let sql = concat!(
            "SELECT ",
            user_columns!(),
            " FROM sessions JOIN users ON users.id = sessions.user_id \
             WHERE sessions.id = $1 AND sessions.expires_at > $2 AND users.active = 1"
        );
        let row = sqlx::query(sql)
            .bind(storable(session_id).as_ref())
            .bind(self.now())
            .fetch_optional(self.read())
            .await?;
        row.as_ref().map(user_from).transpose()
    }

    /// Those of the sessions that are neither ended nor expired and whose accounts are active, each
    /// with what its account may do now. One statement for many sessions.
    pub async fn sessions_alive(&self, session_ids: &[String]) -> Result<Vec<(String, Role)>> {
        let mut alive = Vec::with_capacity(session_ids.len());
        for group in groups(session_ids) {
            let sql = format!(
                "SELECT sessions.id, users.role FROM sessions \
                 JOIN users ON users.id = sessions.user_id \
                 WHERE sessions.expires_at > $1 AND users.active = 1 AND sessions.id IN ({})",
                places(2, group.len())
            );
            let query = sqlx::query(AssertSqlSafe(sql)).bind(self.now());
            let rows = group
                .into_iter()
                .fold(query, Query::bind)
                .fetch_all(self.read())
                .await?;
            for row in &rows {
                let mut cells = Cells::new(row);
                alive.push((cells.text()?, cells.name("role", Role::parse)?));
            }
        }
        Ok(alive)
    }

    /// Exchanges the session's refresh token and moves the end of the session. For
    /// [`REFRESH_GRACE_MS`] after that the old one leads to whatever is the current one. Later, and
    /// for any other, the session ends, since then somebody else has used it.
    pub async fn rotate_refresh(
        &self,
        session_id: &str,
        old_refresh_id: &str,
        new_refresh_id: &str,
        expires_at: Timestamp,
    ) -> Result<Rotation> {
        let now = self.now();
        let mut tx = self.begin().await?;
        let rotated = sqlx::query(
            "UPDATE sessions SET refresh_id = $3, expires_at = $4, used_at = $5 \
             WHERE id = $1 AND refresh_id = $2 AND expires_at > $5",
        )
        .bind(storable(session_id).as_ref())
        .bind(storable(old_refresh_id).as_ref())
        .bind(new_refresh_id)
        .bind(expires_at.timestamp_millis())
        .bind(now)
        .execute(&mut *tx)
        .await?;
        if rotated.rows_affected() == 1 {
            note_use(&mut tx, session_id, old_refresh_id, now).await?;
            tx.commit().await?;
            return Ok(Rotation::Done);
        }
        // A use that lies ahead was noted by a clock that was wrong, and forgives nothing.
        let again = sqlx::query(
            "SELECT sessions.refresh_id, sessions.expires_at FROM sessions \
             JOIN refresh_uses ON refresh_uses.session_id = sessions.id \
             WHERE sessions.id = $1 AND refresh_uses.refresh_id = $2 \
             AND refresh_uses.used_at > $3 AND refresh_uses.used_at <= $4 \
             AND sessions.expires_at > $4",
        )
        .bind(storable(session_id).as_ref())
        .bind(storable(old_refresh_id).as_ref())
        .bind(now.saturating_sub(REFRESH_GRACE_MS))
        .bind(now)
        .fetch_optional(&mut *tx)
        .await?;
        if let Some(row) = again {
            let mut cells = Cells::new(&row);
            return Ok(Rotation::Again {
                refresh_id: cells.text()?,
                expires_at: cells.time()?,
            });
        }
        let ended = sqlx::query("DELETE FROM sessions WHERE id = $1 AND expires_at > $2")
            .bind(storable(session_id).as_ref())
            .bind(self.now())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(if ended.rows_affected() == 1 {
            Rotation::Reused
        } else {
            Rotation::Gone
        })
    }

    /// Ends a session. False if it was over before.
    pub async fn revoke_session(&self, session_id: &str) -> Result<bool> {
        let done = sqlx::query("DELETE FROM sessions WHERE id = $1")
            .bind(storable(session_id).as_ref())
            .execute(self.write())
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Forgets sessions that have expired; says how many.
    pub async fn sweep_sessions(&self) -> Result<u64> {
        let done = sqlx::query("DELETE FROM sessions WHERE expires_at <= $1")
            .bind(self.now())
            .execute(self.write())
            .await?;
        Ok(done.rows_affected())
    }
}

/// Notes that a token was exchanged, and forgets those of the session that lead nowhere any more.
async fn note_use(tx: &mut Tx, session_id: &str, refresh_id: &str, now: i64) -> Result<()> {
    sqlx::query(
        "DELETE FROM refresh_uses WHERE session_id = $1 AND (used_at <= $2 OR used_at > $3)",
    )
    .bind(storable(session_id).as_ref())
    .bind(now.saturating_sub(REFRESH_GRACE_MS))
    .bind(now)
    .execute(&mut **tx)
    .await?;
    sqlx::query("INSERT INTO refresh_uses (session_id, refresh_id, used_at) VALUES ($1, $2, $3)")
        .bind(storable(session_id).as_ref())
        .bind(storable(refresh_id).as_ref())
        .bind(now)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
