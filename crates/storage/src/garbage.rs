//! Files that are no longer wanted but may still lie in the store.

use crate::cells::Cells;
use crate::db::{Db, Tx};
use crate::error::Result;

/// Something to delete from the media store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Garbage {
    /// Number of this note.
    pub id: i64,
    /// A store key, or a prefix if it ends with `/`.
    pub key_or_prefix: String,
}

impl Db {
    /// Everything that still has to be deleted, the oldest first. The same thing may be named more
    /// than once.
    pub async fn garbage(&self) -> Result<Vec<Garbage>> {
        let rows = sqlx::query("SELECT id, key_or_prefix FROM garbage ORDER BY id")
            .fetch_all(self.read())
            .await?;
        let read = |row| {
            let mut cells = Cells::new(row);
            Ok(Garbage {
                id: cells.int()?,
                key_or_prefix: cells.text()?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// Notes that the files of a [`Garbage`] are gone.
    pub async fn garbage_gone(&self, id: i64) -> Result<()> {
        sqlx::query("DELETE FROM garbage WHERE id = $1")
            .bind(id)
            .execute(self.write())
            .await?;
        Ok(())
    }

    /// Notes a store key, or a prefix that ends with `/`, as garbage. Who finds that they lost
    /// their attempt does this with the attempt's prefix once they have stopped writing below it:
    /// what the change that took it from them noted may have been cleared away before.
    pub async fn add_garbage(&self, key_or_prefix: &str) -> Result<()> {
        sqlx::query(NOTE)
            .bind(key_or_prefix)
            .execute(self.write())
            .await?;
        Ok(())
    }
}

const NOTE: &str = "INSERT INTO garbage (key_or_prefix) VALUES ($1)";

/// [`Db::add_garbage`] as a part of a larger change. There may be several notes of one key: one
/// that is made while another is being worked off must not vanish with it.
pub(crate) async fn note_garbage(tx: &mut Tx, key_or_prefix: &str) -> Result<()> {
    sqlx::query(NOTE)
        .bind(key_or_prefix)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
