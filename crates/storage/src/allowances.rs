//! Limits of accounts, and their usage.
//!
//! Storage is reserved before bytes arrive: changes of an account's usage lock its row, so that
//! concurrent uploads never get the same space, on any number of servers.

use clipsy_domain::upload::Upload;
use clipsy_domain::user::{Allowance, UserId};
use sqlx::any::AnyRow;

use crate::cells::{Cells, storable};
use crate::db::{Db, Tx};
use crate::error::Result;
use crate::uploads::insert;

/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// What an account has taken of each limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Taken {
    /// Bytes of originals and captions, and those that unfinished uploads reserve.
    pub bytes: i64,
    /// Minutes of the videos that it uploaded within the last 24 hours, as far as their duration is
    /// known.
    pub minutes: f64,
    /// Uploads that it has not finished.
    pub uploads: i64,
    /// Its videos that wait to be processed.
    pub waiting: i64,
}

/// The limit of an account that a request would exceed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exceeded {
    /// Bytes.
    Bytes(i64),
    /// Minutes within 24 hours.
    Minutes(i64),
    /// Unfinished uploads.
    Uploads(i64),
    /// Waiting videos.
    Waiting(i64),
}

impl Db {
    /// What was set for one account. Nothing for an account that is not there.
    pub async fn allowance(&self, user: UserId) -> Result<Allowance> {
        let row = sqlx::query(
            "SELECT max_bytes, max_minutes_a_day, max_uploads, max_waiting FROM users WHERE id = $1",
        )
        .bind(user)
        .fetch_optional(self.read())
        .await?;
        let Some(row) = row else {
            return Ok(Allowance::default());
        };
        let mut cells = Cells::new(&row);
        Ok(Allowance {
            bytes: cells.maybe_int()?,
            minutes_a_day: cells.maybe_int()?,
            uploads: cells.maybe_int()?,
            waiting: cells.maybe_int()?,
        })
    }

    /// Sets all limits of one account. False if there is no such account.
    pub async fn set_allowance(&self, user: UserId, allowance: Allowance) -> Result<bool> {
        let done = sqlx::query(
            "UPDATE users SET max_bytes = $2, max_minutes_a_day = $3, max_uploads = $4, \
             max_waiting = $5 WHERE id = $1",
        )
        .bind(user)
        .bind(allowance.bytes)
        .bind(allowance.minutes_a_day)
        .bind(allowance.uploads)
        .bind(allowance.waiting)
        .execute(self.write())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// What an account has taken.
    pub async fn taken(&self, user: UserId) -> Result<Taken> {
        let row = sqlx::query(TAKEN)
            .bind(user)
            .bind("")
            .bind(self.now().saturating_sub(DAY_MS))
            .fetch_one(self.read())
            .await?;
        taken_from(&row)
    }

    /// Inserts a new upload, as [`Db::insert_upload`] does, and reserves `bytes` for it, if the
    /// owner's limits allow. `receiver` receives it in one request, and it is lost with that process.
    pub async fn begin_upload(
        &self,
        upload: &Upload,
        receiver: Option<&str>,
        bytes: i64,
        allowance: &Allowance,
    ) -> Result<std::result::Result<(), Exceeded>> {
        let mut tx = self.begin().await?;
        hold(&mut tx, upload.owner_id).await?;
        let taken = self.taken_besides(&mut tx, upload.owner_id, "").await?;
        if let Some(exceeded) = exceeded(taken, bytes, allowance) {
            return Ok(Err(exceeded));
        }
        insert(&mut *tx, upload, receiver, bytes).await?;
        tx.commit().await?;
        Ok(Ok(()))
    }

    /// Reserves space for an upload: as much as is free, up to `most` bytes in total, but no less
    /// than `least`. Returns the number of bytes, or how many were free.
    pub async fn reserve(
        &self,
        upload: &Upload,
        least: i64,
        most: i64,
        limit: i64,
    ) -> Result<std::result::Result<i64, i64>> {
        let mut tx = self.begin().await?;
        hold(&mut tx, upload.owner_id).await?;
        let taken = self
            .taken_besides(&mut tx, upload.owner_id, &upload.id)
            .await?;
        let room = limit.saturating_sub(taken.bytes).max(0);
        if room < least {
            return Ok(Err(room));
        }
        let reserved = most.min(room).max(least);
        sqlx::query("UPDATE uploads SET reserved = $2 WHERE id = $1 AND asset_id IS NULL")
            .bind(storable(&upload.id).as_ref())
            .bind(reserved)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(Ok(reserved))
    }

    /// [`Db::taken`] without what one upload reserves.
    async fn taken_besides(&self, tx: &mut Tx, user: UserId, upload: &str) -> Result<Taken> {
        let row = sqlx::query(TAKEN)
            .bind(user)
            .bind(storable(upload).as_ref())
            .bind(self.now().saturating_sub(DAY_MS))
            .fetch_one(&mut **tx)
            .await?;
        taken_from(&row)
    }
}

const TAKEN: &str = "SELECT \
    (SELECT CAST(COALESCE(SUM(source_bytes + captions_bytes), 0) AS BIGINT) \
     FROM assets WHERE owner_id = $1) + \
    (SELECT CAST(COALESCE(SUM(reserved), 0) AS BIGINT) FROM uploads \
     WHERE owner_id = $1 AND asset_id IS NULL AND id <> $2), \
    (SELECT CAST(COALESCE(SUM(duration_s), 0.0) AS DOUBLE PRECISION) FROM assets \
     WHERE owner_id = $1 AND created_at > $3), \
    (SELECT COUNT(*) FROM uploads WHERE owner_id = $1 AND asset_id IS NULL AND id <> $2), \
    (SELECT COUNT(*) FROM jobs WHERE owner_id = $1 AND state = 'queued')";

fn taken_from(row: &AnyRow) -> Result<Taken> {
    let mut cells = Cells::new(row);
    Ok(Taken {
        bytes: cells.int()?,
        minutes: cells.maybe_float()?.unwrap_or(0.0) / 60.0,
        uploads: cells.int()?,
        waiting: cells.int()?,
    })
}

/// Bytes that count for an account, which do not change until the transaction ends.
pub(crate) async fn room_of(tx: &mut Tx, user: UserId) -> Result<i64> {
    hold(tx, user).await?;
    let row = sqlx::query(TAKEN)
        .bind(user)
        .bind("")
        .bind(i64::MAX)
        .fetch_one(&mut **tx)
        .await?;
    Ok(taken_from(&row)?.bytes)
}

/// Locks the account's usage until the transaction ends.
pub(crate) async fn hold(tx: &mut Tx, user: UserId) -> Result<()> {
    sqlx::query("UPDATE users SET active = active WHERE id = $1")
        .bind(user)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// The first limit that another upload of that many bytes would exceed.
fn exceeded(taken: Taken, bytes: i64, allowance: &Allowance) -> Option<Exceeded> {
    let beyond = |limit: Option<i64>, now: i64| limit.filter(|limit| now > *limit);
    #[expect(clippy::cast_precision_loss, reason = "nobody uploads so many minutes")]
    let minutes = |limit: &i64| taken.minutes >= *limit as f64;
    // Unfinished uploads will wait, too.
    let to_wait = taken.waiting.saturating_add(taken.uploads);
    beyond(allowance.uploads, taken.uploads + 1)
        .map(Exceeded::Uploads)
        .or_else(|| beyond(allowance.waiting, to_wait + 1).map(Exceeded::Waiting))
        .or_else(|| {
            let limit = allowance.minutes_a_day.filter(minutes);
            limit.map(Exceeded::Minutes)
        })
        .or_else(|| beyond(allowance.bytes, taken.bytes.saturating_add(bytes)).map(Exceeded::Bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_holds_by_itself() {
        let taken = Taken {
            bytes: 90,
            minutes: 59.9,
            uploads: 2,
            waiting: 3,
        };
        let all = Allowance {
            bytes: Some(100),
            minutes_a_day: Some(60),
            uploads: Some(3),
            waiting: Some(6),
        };
        assert_eq!(exceeded(taken, 10, &all), None);
        assert_eq!(exceeded(taken, 11, &all), Some(Exceeded::Bytes(100)));
        assert_eq!(exceeded(taken, i64::MAX, &Allowance::default()), None);
        let fewer = |change: fn(&mut Allowance)| {
            let mut fewer = all;
            change(&mut fewer);
            exceeded(taken, 1, &fewer)
        };
        assert_eq!(fewer(|a| a.uploads = Some(2)), Some(Exceeded::Uploads(2)));
        assert_eq!(fewer(|a| a.waiting = Some(5)), Some(Exceeded::Waiting(5)));
        assert_eq!(
            fewer(|a| a.minutes_a_day = Some(59)),
            Some(Exceeded::Minutes(59))
        );
    }
}
