//! Work that one of many processes does from time to time.

use crate::db::{Db, Kind};
use crate::error::Result;

impl Db {
    /// True for one of all the processes that ask, and then for nobody for `every_ms`.
    ///
    /// Whoever gets the turn and dies has taken it: the work is done the next time.
    pub async fn take_turn(&self, name: &str, every_ms: i64) -> Result<bool> {
        let now = self.now();
        // A turn in the future comes from a clock that was wrong.
        let done = sqlx::query(
            "INSERT INTO marks (name, made_at) VALUES ($1, $2) ON CONFLICT (name) \
             DO UPDATE SET made_at = excluded.made_at \
             WHERE marks.made_at <= $3 OR marks.made_at > $4",
        )
        .bind(format!("turn {name}"))
        .bind(now)
        .bind(now.saturating_sub(every_ms))
        .bind(now.saturating_add(every_ms))
        .execute(self.write())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Gives a turn back before its time.
    pub async fn end_turn(&self, name: &str) -> Result<()> {
        sqlx::query("DELETE FROM marks WHERE name = $1")
            .bind(format!("turn {name}"))
            .execute(self.write())
            .await?;
        Ok(())
    }

    /// How far this machine's clock is ahead of the database server's, in milliseconds, to within
    /// the time of an answer. 0 for `SQLite`, which has none of its own.
    pub async fn clock_ahead_ms(&self) -> Result<i64> {
        if self.kind == Kind::Sqlite {
            return Ok(0);
        }
        let before = self.now();
        let there: i64 = sqlx::query_scalar(
            "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)",
        )
        .fetch_one(self.read())
        .await?;
        Ok(before.midpoint(self.now()) - there)
    }
}
