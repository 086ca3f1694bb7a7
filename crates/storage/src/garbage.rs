//! Obsolete files that may still be in the store.

use sqlx::any::AnyRow;

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

fn read(row: &AnyRow) -> Result<Garbage> {
    let mut cells = Cells::new(row);
    Ok(Garbage {
        id: cells.int()?,
        key_or_prefix: cells.text()?,
    })
}

impl Db {
    /// All garbage, the oldest first. The same key may occur more than once. Reserved keys are
    /// excluded.
    pub async fn garbage(&self) -> Result<Vec<Garbage>> {
        let sql = "SELECT id, key_or_prefix FROM garbage WHERE not_before <= $1 ORDER BY id";
        let rows = sqlx::query(sql)
            .bind(self.now())
            .fetch_all(self.read())
            .await?;
        rows.iter().map(read).collect()
    }

    /// At most `most` items of garbage recorded after `id`, the oldest first.
    pub async fn garbage_after(&self, id: i64, most: i64) -> Result<Vec<Garbage>> {
        let sql = "SELECT id, key_or_prefix FROM garbage WHERE not_before <= $1 AND id > $2 \
                   ORDER BY id LIMIT $3";
        let rows = sqlx::query(sql)
            .bind(self.now())
            .bind(id)
            .bind(most)
            .fetch_all(self.read())
            .await?;
        rows.iter().map(read).collect()
    }

    /// Records that the files of a [`Garbage`] have been deleted.
    pub async fn garbage_gone(&self, id: i64) -> Result<()> {
        sqlx::query("DELETE FROM garbage WHERE id = $1")
            .bind(id)
            .execute(self.write())
            .await?;
        Ok(())
    }

    /// Records a store key, or a prefix that ends with `/`, as garbage. A worker that lost its
    /// attempt does this with the attempt's prefix once it has stopped writing below it: what was
    /// recorded when it lost the attempt may have been deleted already.
    pub async fn add_garbage(&self, key_or_prefix: &str) -> Result<()> {
        sqlx::query(NOTE)
            .bind(key_or_prefix)
            .execute(self.write())
            .await?;
        Ok(())
    }
}

/// How long a reserved key may be written and kept, in milliseconds.
const RESERVED_MS: i64 = 10 * 60 * 1000;
/// How long before its end a reservation counts no more, in milliseconds: clocks of servers differ.
const MARGIN_MS: i64 = 60 * 1000;

impl Db {
    /// Reserves a key that is about to be written. Unless it is kept within the next minutes, it is
    /// garbage: its writer died or was rejected.
    pub async fn reserve_key(&self, key: &str) -> Result<()> {
        sqlx::query("INSERT INTO garbage (key_or_prefix, not_before) VALUES ($1, $2)")
            .bind(key)
            .bind(self.now() + RESERVED_MS)
            .execute(self.write())
            .await?;
        Ok(())
    }
}

/// Keeps the object at a reserved key, as part of the change that refers to it. False if it is not,
/// or no longer, reserved.
pub(crate) async fn keep_reserved(tx: &mut Tx, key: &str, now: i64) -> Result<bool> {
    let done = sqlx::query("DELETE FROM garbage WHERE key_or_prefix = $1 AND not_before > $2")
        .bind(key)
        .bind(now + MARGIN_MS)
        .execute(&mut **tx)
        .await?;
    Ok(done.rows_affected() > 0)
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
