//! Statistics for monitoring: statements that stay cheap for any number of jobs.

use clipsy_domain::clock::Timestamp;
use clipsy_domain::job::JobState;

use crate::cells::Cells;
use crate::db::Db;
use crate::error::Result;

/// What is still to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backlog {
    /// Queued jobs, including those in backoff.
    pub queued: i64,
    /// Jobs that run.
    pub running: i64,
    /// Since when the oldest queued job has been ready; in the future if all are in backoff.
    pub oldest_due_at: Option<Timestamp>,
    /// True while no more jobs are started.
    pub paused: bool,
}

impl Db {
    /// What is still to be done. It reads the indexes of live jobs alone.
    pub async fn backlog(&self) -> Result<Backlog> {
        let row = sqlx::query(
            "SELECT (SELECT COUNT(*) FROM jobs WHERE state = 'queued'), \
             (SELECT COUNT(*) FROM jobs WHERE state = 'running'), \
             (SELECT MIN(run_after) FROM jobs WHERE state = 'queued'), \
             (SELECT COUNT(*) FROM marks WHERE name = 'queue paused')",
        )
        .fetch_one(self.read())
        .await?;
        let mut cells = Cells::new(&row);
        Ok(Backlog {
            queued: cells.int()?,
            running: cells.int()?,
            oldest_due_at: cells.maybe_time()?,
            paused: cells.flag()?,
        })
    }

    /// How many jobs there are in each state; states without jobs are left out. It reads the whole
    /// table: not to be asked often.
    pub async fn jobs_by_state(&self) -> Result<Vec<(JobState, i64)>> {
        let rows = sqlx::query("SELECT state, COUNT(*) FROM jobs GROUP BY state")
            .fetch_all(self.read())
            .await?;
        let read = |row| {
            let mut cells = Cells::new(row);
            Ok((cells.name("job state", JobState::parse)?, cells.int()?))
        };
        rows.iter().map(read).collect()
    }
}
