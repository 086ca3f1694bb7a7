//! Sessions: families of refresh tokens of which one is good at a time. A session that is over has
//! no row.

use clipsy_domain::clock::Timestamp;
use clipsy_domain::user::{Role, User, UserId};
use sqlx::AssertSqlSafe;
use sqlx::query::Query;

use crate::cells::{Cells, groups, places, storable};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::users::{user_columns, user_from};

/// How long in milliseconds a refresh token that was exchanged still leads to its successor: two
/// tabs of a browser that wake together send the same one.
pub const REFRESH_GRACE_MS: i64 = 10_000;

/// What became of an attempt to exchange a refresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotation {
    /// The new one is good from now on, and only that.
    Done,
    /// The old one was exchanged less than [`REFRESH_GRACE_MS`] ago, for this one, which is still
    /// the current one. Nothing changed.
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

    /// Exchanges the session's refresh token and moves the end of the session. The token before
    /// it leads to the same successor for [`REFRESH_GRACE_MS`]. Any other one ends the session,
    /// since then somebody else has used it.
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
            "UPDATE sessions SET refresh_id = $3, expires_at = $4, previous_id = $2, \
             previous_until = $6 WHERE id = $1 AND refresh_id = $2 AND expires_at > $5",
        )
        .bind(storable(session_id).as_ref())
        .bind(storable(old_refresh_id).as_ref())
        .bind(new_refresh_id)
        .bind(expires_at.timestamp_millis())
        .bind(now)
        .bind(now.saturating_add(REFRESH_GRACE_MS))
        .execute(&mut *tx)
        .await?;
        if rotated.rows_affected() == 1 {
            tx.commit().await?;
            return Ok(Rotation::Done);
        }
        let again = sqlx::query(
            "SELECT refresh_id, expires_at FROM sessions WHERE id = $1 AND previous_id = $2 \
             AND previous_until > $3 AND expires_at > $3",
        )
        .bind(storable(session_id).as_ref())
        .bind(storable(old_refresh_id).as_ref())
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
