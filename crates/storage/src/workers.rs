//! Who does jobs, by the signs of life that they give.

use clipsy_domain::worker::WorkerSign;
use sqlx::any::AnyRow;

use crate::cells::{Cells, storable};
use crate::db::Db;
use crate::error::{Error, Result};

/// How long in milliseconds a worker may say nothing until it counts as gone.
pub const WORKER_SILENCE_MS: i64 = 30_000;

impl Db {
    /// Notes a sign of life; its `seen_at` becomes now. Forgets those who have gone silent.
    pub async fn note_worker(&self, sign: &WorkerSign) -> Result<()> {
        let now = self.now();
        let encoders = serde_json::to_string(&sign.encoders)
            .map_err(|error| sqlx::Error::Encode(error.into()))?;
        let cards = serde_json::to_string(&sign.cards)
            .map_err(|error| sqlx::Error::Encode(error.into()))?;
        let mut tx = self.begin().await?;
        sqlx::query(
            "INSERT INTO workers (id, host, version, started_at, seen_at, slots, busy, encoders, \
             draining, cards) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
             ON CONFLICT (id) DO UPDATE SET host = excluded.host, version = excluded.version, \
             started_at = excluded.started_at, seen_at = excluded.seen_at, \
             slots = excluded.slots, busy = excluded.busy, encoders = excluded.encoders, \
             draining = excluded.draining, cards = excluded.cards",
        )
        .bind(storable(&sign.id).as_ref())
        .bind(storable(&sign.host).as_ref())
        .bind(sign.version.as_str())
        .bind(sign.started_at.timestamp_millis())
        .bind(now)
        .bind(sign.slots)
        .bind(sign.busy)
        .bind(storable(&encoders).as_ref())
        .bind(i64::from(sign.draining))
        .bind(storable(&cards).as_ref())
        .execute(&mut *tx)
        .await?;
        sqlx::query("DELETE FROM workers WHERE seen_at <= $1")
            .bind(now.saturating_sub(WORKER_SILENCE_MS))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Forgets a worker that has ended. False if it was not known.
    pub async fn forget_worker(&self, id: &str) -> Result<bool> {
        let done = sqlx::query("DELETE FROM workers WHERE id = $1")
            .bind(storable(id).as_ref())
            .execute(self.write())
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// The workers that have given a sign of life within [`WORKER_SILENCE_MS`], by host and name.
    pub async fn workers(&self) -> Result<Vec<WorkerSign>> {
        let rows = sqlx::query(
            "SELECT id, host, version, started_at, seen_at, slots, busy, encoders, draining, cards \
             FROM workers WHERE seen_at > $1 ORDER BY host, id",
        )
        .bind(self.now().saturating_sub(WORKER_SILENCE_MS))
        .fetch_all(self.read())
        .await?;
        rows.iter().map(worker_from).collect()
    }
}

/// Reads the columns of [`Db::workers`].
fn worker_from(row: &AnyRow) -> Result<WorkerSign> {
    let mut cells = Cells::new(row);
    Ok(WorkerSign {
        id: cells.text()?,
        host: cells.text()?,
        version: cells.text()?,
        started_at: cells.time()?,
        seen_at: cells.time()?,
        slots: cells.int()?,
        busy: cells.int()?,
        encoders: {
            let value = cells.text()?;
            serde_json::from_str(&value).map_err(|_| Error::Unreadable {
                what: "list of encoders",
                value,
            })?
        },
        draining: cells.flag()?,
        cards: match cells.maybe_text()? {
            Some(value) => serde_json::from_str(&value).map_err(|_| Error::Unreadable {
                what: "list of graphics cards",
                value,
            })?,
            None => Vec::new(),
        },
    })
}
