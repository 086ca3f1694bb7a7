//! The log of who did what.

use clipsy_domain::clock::Timestamp;
use clipsy_domain::user::{UserId, Viewer};

use crate::cells::{Cells, storable};
use crate::db::Db;
use crate::error::Result;

/// Entries that are kept; the oldest go first.
const KEPT: i64 = 100_000;

/// Something that somebody did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its number; later ones are larger.
    pub id: i64,
    /// When it was done.
    pub at: Timestamp,
    /// Who did it, if it was an account.
    pub actor_id: Option<UserId>,
    /// The name of the account then; empty if it was none.
    pub actor: String,
    /// What was done, a stable name such as `delete_video`.
    pub action: String,
    /// With what, as it was called then.
    pub target: String,
    /// More about it in a few words, may be empty.
    pub detail: String,
}

impl Db {
    /// Notes what `viewer` did.
    pub async fn note_action(
        &self,
        viewer: Viewer,
        action: &str,
        target: &str,
        detail: &str,
    ) -> Result<()> {
        sqlx::query(
            "INSERT INTO audit (at, actor_id, actor, action, target, detail) \
             VALUES ($1, $2, COALESCE((SELECT username FROM users WHERE id = $2), ''), $3, $4, $5)",
        )
        .bind(self.now())
        .bind(viewer.user_id())
        .bind(action)
        .bind(storable(target).into_owned())
        .bind(storable(detail).into_owned())
        .execute(self.write())
        .await?;
        sqlx::query("DELETE FROM audit WHERE id <= (SELECT MAX(id) FROM audit) - $1")
            .bind(KEPT)
            .execute(self.write())
            .await?;
        Ok(())
    }

    /// The latest entries, newest first; with `before`, only those before that entry.
    pub async fn audit(&self, before: Option<i64>, limit: i64) -> Result<Vec<AuditEntry>> {
        let rows = sqlx::query(
            "SELECT id, at, actor_id, actor, action, target, detail FROM audit WHERE id < $1 \
             ORDER BY id DESC LIMIT $2",
        )
        .bind(before.unwrap_or(i64::MAX))
        .bind(limit.max(0))
        .fetch_all(self.read())
        .await?;
        let entry = |row| {
            let mut cells = Cells::new(row);
            Ok(AuditEntry {
                id: cells.int()?,
                at: cells.time()?,
                actor_id: cells.maybe_int()?,
                actor: cells.text()?,
                action: cells.text()?,
                target: cells.text()?,
                detail: cells.text()?,
            })
        };
        rows.iter().map(entry).collect()
    }
}
