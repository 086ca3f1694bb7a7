//! The queue as a whole: how long it is, who is where in it, whether it is held, and what came out.

use clipsy_domain::asset::AssetId;
use clipsy_domain::clock::{Timestamp, from_millis};
use clipsy_domain::job::Job;
use sqlx::AssertSqlSafe;

use super::share::without_work;
use super::{job_columns, job_from};
use crate::cells::{Cells, pair_from};
use crate::db::Db;
use crate::error::Result;

/// A statement for the waiting jobs (`job`, `waiting_asset`) and their place in the order in which they
/// will be started if nothing changes: accounts take turns, and among equal ones the highest priority and
/// the lowest number count. What chooses is [`Db::claim_next`]; jobs whose backoff has not passed have a
/// place, too.
fn queued_in_turn(now: i64) -> String {
    let without_work = without_work(now);
    format!(
        "SELECT waiting.id AS job, waiting.asset_id AS waiting_asset, ROW_NUMBER() OVER (ORDER BY round, \
         CASE WHEN shares.turn > {without_work} THEN shares.turn ELSE 0.0 END, \
         waiting.priority DESC, waiting.id) AS place \
         FROM (SELECT queued.id, queued.asset_id, queued.owner_id, queued.priority, \
         COALESCE(running.jobs, 0) + ROW_NUMBER() OVER \
         (PARTITION BY queued.owner_id ORDER BY queued.priority DESC, queued.id) AS round \
         FROM jobs AS queued LEFT JOIN (SELECT owner_id, COUNT(*) AS jobs FROM jobs \
         WHERE state = 'running' GROUP BY owner_id) AS running \
         ON running.owner_id = queued.owner_id WHERE queued.state = 'queued') AS waiting \
         LEFT JOIN shares ON shares.owner_id = waiting.owner_id"
    )
}

/// Milliseconds of a minute.
const MINUTE_MS: i64 = 60_000;

/// How much there is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueCounts {
    /// Queued jobs, including those in backoff.
    pub queued: i64,
    /// Jobs that run.
    pub running: i64,
    /// Assets that have failed for good.
    pub failed: i64,
    /// When the oldest waiting job was made.
    pub oldest_queued_at: Option<Timestamp>,
    /// True while no more jobs are started.
    pub paused: bool,
}

/// What came out within one minute.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Throughput {
    /// The beginning of the minute.
    pub at: Timestamp,
    /// Jobs that were done.
    pub finished: i64,
    /// Jobs that failed for good.
    pub failed: i64,
    /// Length of the videos that became ready, in seconds.
    pub media_s: f64,
    /// Time that their last attempts took, in seconds.
    pub encode_s: f64,
}

impl Db {
    /// How much there is to do, in one statement.
    pub async fn queue_counts(&self) -> Result<QueueCounts> {
        let row = sqlx::query(
            "SELECT (SELECT COUNT(*) FROM jobs WHERE state = 'queued'), \
             (SELECT COUNT(*) FROM jobs WHERE state = 'running'), \
             (SELECT COUNT(*) FROM assets WHERE state = 'failed'), \
             (SELECT MIN(created_at) FROM jobs WHERE state = 'queued'), \
             (SELECT COUNT(*) FROM marks WHERE name = 'queue paused')",
        )
        .fetch_one(self.read())
        .await?;
        let mut cells = Cells::new(&row);
        Ok(QueueCounts {
            queued: cells.int()?,
            running: cells.int()?,
            failed: cells.int()?,
            oldest_queued_at: cells.maybe_time()?,
            paused: cells.flag()?,
        })
    }

    /// True while no more jobs are to be started, in whatever process.
    pub async fn queue_paused(&self) -> Result<bool> {
        let row = sqlx::query("SELECT COUNT(*) FROM marks WHERE name = 'queue paused'")
            .fetch_one(self.read())
            .await?;
        Cells::new(&row).flag()
    }

    /// Keeps jobs from being started, or no longer does, until it is told otherwise, over restarts
    /// and for all processes. False if it was so before.
    pub async fn set_queue_paused(&self, paused: bool) -> Result<bool> {
        let done = if paused {
            sqlx::query(
                "INSERT INTO marks (name, made_at) VALUES ('queue paused', $1) \
                 ON CONFLICT (name) DO NOTHING",
            )
            .bind(self.now())
            .execute(self.write())
            .await?
        } else {
            sqlx::query("DELETE FROM marks WHERE name = 'queue paused'")
                .execute(self.write())
                .await?
        };
        Ok(done.rows_affected() == 1)
    }

    /// Jobs that run, the first to start first, and then those that wait, in the order in which
    /// they will be started; at most `limit`.
    pub async fn queue_head(&self, limit: i64) -> Result<Vec<Job>> {
        let sql = format!(
            "SELECT {} FROM jobs LEFT JOIN ({}) AS places ON places.job = jobs.id \
             WHERE state IN ('running', 'queued') ORDER BY CASE state WHEN 'running' THEN 0 ELSE 1 END, \
             CASE state WHEN 'running' THEN started_at ELSE place END, id LIMIT $1",
            job_columns!(),
            queued_in_turn(self.now())
        );
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(limit.max(0))
            .fetch_all(self.read())
            .await?;
        rows.iter().map(job_from).collect()
    }

    /// All jobs of all those assets, by asset and then the newest first.
    pub async fn jobs_of_assets(&self, assets: &[AssetId]) -> Result<Vec<Job>> {
        let sql = |places: &str| {
            format!(
                "SELECT {} FROM jobs WHERE asset_id IN ({places}) ORDER BY asset_id, id DESC",
                job_columns!()
            )
        };
        self.rows_of(assets, sql, job_from).await
    }

    /// The assets that wait, in the order in which they will be started.
    pub async fn assets_in_queue(&self) -> Result<Vec<AssetId>> {
        let sql = format!(
            "SELECT waiting_asset FROM ({}) AS places ORDER BY place",
            queued_in_turn(self.now())
        );
        let rows = sqlx::query(AssertSqlSafe(sql))
            .fetch_all(self.read())
            .await?;
        rows.iter().map(|row| Cells::new(row).int()).collect()
    }

    /// Which place the waiting jobs of those assets have, from 1: the next to be started. Assets
    /// without a waiting job are left out.
    pub async fn queue_places(&self, assets: &[AssetId]) -> Result<Vec<(AssetId, i64)>> {
        let now = self.now();
        let sql = |places: &str| {
            format!(
                "SELECT waiting_asset, place FROM ({}) AS places WHERE waiting_asset IN ({places})",
                queued_in_turn(now)
            )
        };
        self.rows_of(assets, sql, pair_from).await
    }

    /// What came out since then, by the minute; minutes in which nothing did are left out.
    pub async fn throughput(&self, since: Timestamp) -> Result<Vec<Throughput>> {
        let rows = sqlx::query(
            "SELECT jobs.finished_at / 60000 AS minute, \
             SUM(CASE WHEN jobs.state = 'done' THEN 1 ELSE 0 END), \
             SUM(CASE WHEN jobs.state = 'failed' THEN 1 ELSE 0 END), \
             CAST(SUM(CASE WHEN jobs.state = 'done' THEN COALESCE(assets.duration_s, 0) ELSE 0 END) \
             AS DOUBLE PRECISION), \
             CAST(SUM(CASE WHEN jobs.state = 'done' \
             THEN jobs.finished_at - COALESCE(jobs.started_at, jobs.finished_at) ELSE 0 END) \
             AS DOUBLE PRECISION) \
             FROM jobs JOIN assets ON assets.id = jobs.asset_id \
             WHERE jobs.finished_at >= $1 AND jobs.state IN ('done', 'failed') \
             GROUP BY jobs.finished_at / 60000 ORDER BY minute",
        )
        .bind(since.timestamp_millis())
        .fetch_all(self.read())
        .await?;
        let read = |row| {
            let mut cells = Cells::new(row);
            Ok(Throughput {
                at: from_millis(cells.int()?.saturating_mul(MINUTE_MS)),
                finished: cells.int()?,
                failed: cells.int()?,
                media_s: cells.maybe_float()?.unwrap_or(0.0),
                encode_s: cells.maybe_float()?.unwrap_or(0.0) / 1_000.0,
            })
        };
        rows.iter().map(read).collect()
    }
}
