//! Room on the disk that the database holds for itself, so that small changes work when the disk is
//! full.

use std::path::Path;

use crate::db::{Db, Kind};
use crate::error::Result;

/// How many bytes are held, once in the file and once in its log.
const ROOM_BYTES: i64 = 8 << 20;
/// What must be free beside it, as a multiple, before it is taken: others need room more.
const PLENTY: u64 = 4;

impl Db {
    /// Sees to it that changes of some megabytes need no more disk: a `SQLite` file gets pages that
    /// nothing is in, and its log a length that later changes write over. What lies in files of its
    /// own cannot be taken by anybody. To be called at every start, since the log begins anew with
    /// it, and from time to time. Does nothing where there is little room, or on `PostgreSQL`, which
    /// keeps logs of a fixed length by itself.
    ///
    /// The changes that use it, and any before them, must be small: signing in, editing, deleting.
    pub async fn keep_room(&self) -> Result<()> {
        if self.kind == Kind::Postgres || self.has_room().await? {
            return Ok(());
        }
        let plenty = ROOM_BYTES.unsigned_abs() * PLENTY;
        if self.free_bytes().is_some_and(|free| free < plenty) {
            return Ok(());
        }
        sqlx::query("CREATE TABLE IF NOT EXISTS room (filler BLOB NOT NULL)")
            .execute(self.write())
            .await?;
        sqlx::query("INSERT INTO room (filler) VALUES (zeroblob($1))")
            .bind(ROOM_BYTES)
            .execute(self.write())
            .await?;
        // From the log into the file, which only then has that length.
        sqlx::query("PRAGMA wal_checkpoint(PASSIVE)")
            .execute(self.write())
            .await?;
        sqlx::query("DELETE FROM room")
            .execute(self.write())
            .await?;
        Ok(())
    }

    async fn has_room(&self) -> Result<bool> {
        let free: i64 = sqlx::query_scalar(
            "SELECT freelist_count * page_size FROM pragma_freelist_count(), pragma_page_size()",
        )
        .fetch_one(self.read())
        .await?;
        let log = self.file().map(|file| {
            let mut name = file.as_os_str().to_owned();
            name.push("-wal");
            std::fs::metadata(name).map_or(0, |log| log.len())
        });
        // Some of it is used all the time.
        let enough = ROOM_BYTES / 2;
        Ok(free >= enough && log.is_none_or(|log| log >= enough.unsigned_abs()))
    }

    /// Bytes that are free where the database file lies; `None` for `PostgreSQL`, or if the system
    /// does not say.
    pub fn free_bytes(&self) -> Option<u64> {
        let folder = self.file()?.parent()?;
        free_in(folder)
    }
}

fn free_in(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    disk.f_bavail.checked_mul(disk.f_frsize)
}
