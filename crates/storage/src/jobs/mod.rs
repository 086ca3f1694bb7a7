//! Jobs: what is to be done, who does it, and how it ends.
//!
//! Every change takes the row of the job before the row of its asset, and that before the share of its
//! owner, so that two of them never wait for each other.

mod backlog;
mod claim;
mod claims;
mod fail;
mod finish;
mod queue;
mod record;
mod recover;
mod share;
mod steer;

use clipsy_domain::asset::{AssetId, AssetState};
use clipsy_domain::clock::Timestamp;
use clipsy_domain::failure::Failure;
use clipsy_domain::job::{Attempt, Job, JobId, JobState};
use clipsy_domain::media_key;
use clipsy_domain::trace::TraceParent;
use sqlx::any::AnyRow;

use crate::cells::{Cells, failure_text};
use crate::db::{Db, Tx};
use crate::error::Result;
use crate::garbage::note_garbage;
use crate::renditions::NewRendition;

pub use backlog::Backlog;
pub use claims::{Claim, ClaimWatch};
pub use queue::{QueueCounts, Throughput};
pub(crate) use share::{charge, hand_over_jobs, work_on};

/// What an attempt made that reached its end.
#[derive(Debug, Clone)]
pub struct Finished {
    /// All renditions with what was measured.
    pub renditions: Vec<NewRendition>,
    /// Length of the result in seconds; `None` leaves what the probe said.
    pub duration_s: Option<f64>,
    /// True if there is a poster picture.
    pub has_thumbnail: bool,
    /// True if there is a storyboard.
    pub has_storyboard: bool,
}

/// What follows a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterFailure {
    /// The job is queued again.
    Retry {
        /// Not to be started before then.
        run_after: Timestamp,
        /// How long that is in milliseconds.
        wait_ms: i64,
    },
    /// The job has failed for good.
    Failed,
}

/// The columns of a [`Job`], in the order in which [`job_from`] reads them.
macro_rules! job_columns {
    () => {
        "id, asset_id, state, priority, attempt, failures, worker, lease_until, run_after, \
         wait_ms, failure, created_at, started_at, finished_at, trace"
    };
}
use job_columns;

impl Db {
    /// The job with that number.
    pub async fn job(&self, id: JobId) -> Result<Option<Job>> {
        let sql = concat!("SELECT ", job_columns!(), " FROM jobs WHERE id = $1");
        let row = sqlx::query(sql)
            .bind(id)
            .fetch_optional(self.read())
            .await?;
        row.as_ref().map(job_from).transpose()
    }

    /// The newest job of an asset.
    pub async fn job_of_asset(&self, asset: AssetId) -> Result<Option<Job>> {
        let row = sqlx::query(NEWEST)
            .bind(asset)
            .fetch_optional(self.read())
            .await?;
        row.as_ref().map(job_from).transpose()
    }

    /// All queued jobs, also those whose backoff has not passed: the highest priority first, then
    /// the lowest number.
    pub async fn jobs_to_run(&self) -> Result<Vec<Job>> {
        let sql = concat!(
            "SELECT ",
            job_columns!(),
            " FROM jobs WHERE state = 'queued' ORDER BY priority DESC, id"
        );
        let rows = sqlx::query(sql).fetch_all(self.read()).await?;
        rows.iter().map(job_from).collect()
    }
}

const NEWEST: &str = concat!(
    "SELECT ",
    job_columns!(),
    " FROM jobs WHERE asset_id = $1 ORDER BY id DESC LIMIT 1"
);

/// [`Db::job_of_asset`] as a part of a larger change.
pub(crate) async fn newest_job(tx: &mut Tx, asset: AssetId) -> Result<Option<Job>> {
    let row = sqlx::query(NEWEST)
        .bind(asset)
        .fetch_optional(&mut **tx)
        .await?;
    row.as_ref().map(job_from).transpose()
}

/// Makes a queued job, whose first attempt will be `attempt + 1`.
pub(crate) async fn add_job(
    tx: &mut Tx,
    asset: AssetId,
    priority: i64,
    attempt: Attempt,
    trace: Option<&TraceParent>,
    now: i64,
) -> Result<Job> {
    let sql = concat!(
        "INSERT INTO jobs (asset_id, owner_id, state, priority, attempt, failures, run_after, \
         created_at, trace) VALUES ($1, (SELECT owner_id FROM assets WHERE id = $1), $2, $3, $4, 0, \
         $5, $5, $6) RETURNING ",
        job_columns!()
    );
    let row = sqlx::query(sql)
        .bind(asset)
        .bind(JobState::Queued.as_str())
        .bind(priority)
        .bind(attempt)
        .bind(now)
        .bind(trace.map(TraceParent::as_str))
        .fetch_one(&mut **tx)
        .await?;
    let job = job_from(&row)?;
    share::waits_again(tx, job.id, now).await?;
    Ok(job)
}

/// The asset of the job if `attempt` holds it; from then on nobody can take it away until the
/// change is made.
pub(crate) async fn hold(tx: &mut Tx, id: JobId, attempt: Attempt) -> Result<Option<AssetId>> {
    let asset = sqlx::query_scalar(
        "UPDATE jobs SET attempt = attempt WHERE id = $1 AND attempt = $2 AND state = 'running' \
         RETURNING asset_id",
    )
    .bind(id)
    .bind(attempt)
    .fetch_optional(&mut **tx)
    .await?;
    Ok(asset)
}

/// Takes the output of an attempt that did not succeed off the asset, and puts the asset into
/// `state`.
async fn withdraw(
    tx: &mut Tx,
    asset: AssetId,
    attempt: Attempt,
    state: AssetState,
    failure: Option<&Failure>,
    now: i64,
) -> Result<()> {
    sqlx::query(
        "UPDATE assets SET state = $2, failure = $3, playable = 0, output_attempt = NULL, \
         output_revision = NULL, output_bytes = 0, has_thumbnail = 0, has_storyboard = 0, updated_at = $4 \
         WHERE id = $1",
    )
    .bind(asset)
    .bind(state.as_str())
    .bind(failure.map(failure_text).transpose()?)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    sqlx::query("DELETE FROM renditions WHERE asset_id = $1")
        .bind(asset)
        .execute(&mut **tx)
        .await?;
    note_garbage(tx, &media_key::output_prefix(asset, attempt)).await
}

/// Reads [`job_columns`].
fn job_from(row: &AnyRow) -> Result<Job> {
    let mut cells = Cells::new(row);
    Ok(Job {
        id: cells.int()?,
        asset_id: cells.int()?,
        state: cells.name("job state", JobState::parse)?,
        priority: cells.int()?,
        attempt: cells.int()?,
        failures: cells.int()?,
        worker: cells.maybe_text()?,
        lease_until: cells.maybe_time()?,
        run_after: cells.time()?,
        wait_ms: cells.int()?,
        failure: cells.maybe_failure()?,
        created_at: cells.time()?,
        started_at: cells.maybe_time()?,
        finished_at: cells.maybe_time()?,
        trace: cells.maybe_trace()?,
    })
}
