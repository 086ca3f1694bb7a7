//! Whose job is next: that of the account with the least running and recent work, then the one with
//! the highest priority, then the oldest.
//!
//! Work fades: of what a job took, half counts after [`HALF_LIFE_MS`], a quarter after twice that. All
//! accounts forget at the same rate, so that what is compared, the logarithm of the faded work plus the
//! half-lives since 1970, changes only when work is done, and an index can hold it (decision 0036).

use clipsy_domain::asset::AssetId;
use clipsy_domain::job::{Job, JobId};
use clipsy_domain::user::UserId;
use sqlx::any::AnyRow;

use crate::cells::Cells;
use crate::db::{Db, Tx};
use crate::error::Result;

/// Time after which work counts half.
const HALF_LIFE_MS: f64 = 3_600_000.0;
/// The most that a turn can be above that of an account without work: 2^32 ms of work in a row. More
/// comes from a clock that was wrong.
const MOST_WORK: f64 = 32.0;
/// Accounts that are looked at together.
const PAGE: i64 = 64;
/// How often a worker chooses again after others were faster. Each time means that another one got
/// a job.
const TRIES: usize = 32;

/// The best waiting job of the account in `shares`. $1 is the time.
macro_rules! best_job {
    () => {
        "LEFT JOIN jobs ON jobs.id = (SELECT best.id FROM jobs AS best \
         WHERE best.owner_id = shares.owner_id AND best.state = 'queued' \
         AND (best.run_after <= $1 OR best.run_after > $1 + best.wait_ms) \
         ORDER BY best.priority DESC, best.id LIMIT 1) "
    };
}

/// An account that may have waiting jobs.
struct Candidate {
    owner: UserId,
    turn: f64,
    /// Its best job that is due, and that job's priority.
    best: Option<(JobId, i64)>,
}

impl Db {
    /// Claims the job whose turn it is for `lease_ms`, as [`Db::claim_job`] does. `ticket` is the job
    /// whose ticket the caller holds: tickets only say that there is something to run. `None` if there
    /// is not.
    pub async fn claim_next(
        &self,
        ticket: JobId,
        worker: &str,
        lease_ms: i64,
    ) -> Result<Option<Job>> {
        self.note_waiting(ticket).await?;
        for _ in 0..TRIES {
            let Some(next) = self.next_job().await? else {
                break;
            };
            if let Some(job) = self.claim_job(next, worker, lease_ms).await? {
                return Ok(Some(job));
            }
        }
        self.claim_job(ticket, worker, lease_ms).await
    }

    /// Makes sure that the owner of a queued job is among those who are looked at, and that a job
    /// that an older version made has one.
    async fn note_waiting(&self, id: JobId) -> Result<()> {
        let owner: Option<(Option<UserId>, Option<i64>)> = sqlx::query_as(
            "SELECT jobs.owner_id, shares.waits FROM jobs \
             LEFT JOIN shares ON shares.owner_id = jobs.owner_id \
             WHERE jobs.id = $1 AND jobs.state = 'queued'",
        )
        .bind(id)
        .fetch_optional(self.read())
        .await?;
        if matches!(owner, None | Some((Some(_), Some(1)))) {
            return Ok(());
        }
        let now = self.now();
        let mut tx = self.begin().await?;
        let owner = sqlx::query_scalar(
            "UPDATE jobs SET owner_id = (SELECT assets.owner_id FROM assets \
             WHERE assets.id = jobs.asset_id) WHERE id = $1 AND state = 'queued' RETURNING owner_id",
        )
        .bind(id)
        .fetch_optional(&mut *tx)
        .await?;
        if let Some(owner) = owner {
            waits(&mut tx, owner, now).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// The job whose turn it is; somebody else may take it first.
    async fn next_job(&self) -> Result<Option<JobId>> {
        let now = self.now();
        self.cap_turns(now).await?;
        if let Some(job) = self.next_of_idle(now).await? {
            return Ok(Some(job));
        }
        let sql = concat!(
            "SELECT shares.owner_id, shares.turn, jobs.id, jobs.priority \
             FROM (SELECT owner_id, COUNT(*) AS jobs FROM jobs \
             WHERE state = 'running' AND owner_id IS NOT NULL GROUP BY owner_id) AS running \
             JOIN shares ON shares.owner_id = running.owner_id AND shares.waits = 1 ",
            best_job!(),
            "ORDER BY running.jobs, shares.turn, shares.owner_id"
        );
        let rows = sqlx::query(sql).bind(now).fetch_all(self.read()).await?;
        let candidates = candidates(&rows)?;
        self.note_without(&candidates).await?;
        Ok(candidates
            .iter()
            .find_map(|one| one.best)
            .map(|(job, _)| job))
    }

    /// The job whose turn it is among the accounts of which none runs.
    async fn next_of_idle(&self, now: i64) -> Result<Option<JobId>> {
        let sql = concat!(
            "SELECT shares.owner_id, shares.turn, jobs.id, jobs.priority FROM shares ",
            best_job!(),
            "WHERE shares.waits = 1 AND (shares.turn, shares.owner_id) > ($2, $3) \
             AND NOT EXISTS (SELECT 1 FROM jobs AS running \
             WHERE running.owner_id = shares.owner_id AND running.state = 'running') \
             ORDER BY shares.turn, shares.owner_id LIMIT $4"
        );
        let mut last = (-1.0, 0);
        loop {
            let rows = sqlx::query(sql)
                .bind(now)
                .bind(last.0)
                .bind(last.1)
                .bind(PAGE)
                .fetch_all(self.read())
                .await?;
            let candidates = candidates(&rows)?;
            self.note_without(&candidates).await?;
            if let Some(job) = choose(&candidates, without_work(now)) {
                return Ok(Some(job));
            }
            match candidates.last() {
                Some(one) if i64::try_from(rows.len()).is_ok_and(|found| found == PAGE) => {
                    last = (one.turn, one.owner);
                }
                _ => return Ok(None),
            }
        }
    }

    /// Accounts of which no job waits need not be looked at again until one does.
    async fn note_without(&self, candidates: &[Candidate]) -> Result<()> {
        for one in candidates.iter().filter(|one| one.best.is_none()) {
            let mut tx = self.begin().await?;
            note_if_none_waits(&mut tx, one.owner).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Nobody is to wait for long because a clock was ahead when their work was counted.
    async fn cap_turns(&self, now: i64) -> Result<()> {
        let most = without_work(now) + MOST_WORK;
        let above: Option<i64> =
            sqlx::query_scalar("SELECT owner_id FROM shares WHERE waits = 1 AND turn > $1 LIMIT 1")
                .bind(most)
                .fetch_optional(self.read())
                .await?;
        if above.is_some() {
            sqlx::query("UPDATE shares SET turn = $2 WHERE turn > $1")
                .bind(most)
                .bind(without_work(now))
                .execute(self.write())
                .await?;
        }
        Ok(())
    }
}

/// Notes that a job of `owner` waits, as the last part of the change by which it does.
pub(super) async fn waits(tx: &mut Tx, owner: UserId, now: i64) -> Result<()> {
    // Among those without recent work the one comes first who came first.
    sqlx::query(
        "INSERT INTO shares (owner_id, waits, turn) VALUES ($1, 1, $2) ON CONFLICT (owner_id) \
         DO UPDATE SET waits = 1, turn = CASE WHEN shares.waits = 0 AND shares.turn < excluded.turn \
         THEN excluded.turn ELSE shares.turn END",
    )
    .bind(owner)
    .bind(without_work(now))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Whether an account got jobs that wait.
pub(crate) struct Waits(bool);

impl Waits {
    /// Notes it for `owner`, as the last part of a change: rows of shares are taken after all others.
    pub(crate) async fn note(self, tx: &mut Tx, owner: UserId, now: i64) -> Result<()> {
        if self.0 {
            waits(tx, owner, now).await?;
        }
        Ok(())
    }
}

/// Makes all jobs of `from` those of `to`. What was done for them stays on the account of `from`.
pub(crate) async fn hand_over_jobs(tx: &mut Tx, from: UserId, to: UserId) -> Result<Waits> {
    let states: Vec<String> =
        sqlx::query_scalar("UPDATE jobs SET owner_id = $2 WHERE owner_id = $1 RETURNING state")
            .bind(from)
            .bind(to)
            .fetch_all(&mut **tx)
            .await?;
    Ok(Waits(states.iter().any(|state| state == "queued")))
}

/// Notes that no job of `owner` waits, if so, as the last part of a change.
pub(super) async fn note_if_none_waits(tx: &mut Tx, owner: UserId) -> Result<()> {
    const ONE: &str = "SELECT id FROM jobs WHERE owner_id = $1 AND state = 'queued' LIMIT 1";
    let waiting: Option<JobId> = sqlx::query_scalar(ONE)
        .bind(owner)
        .fetch_optional(&mut **tx)
        .await?;
    if waiting.is_some() {
        return Ok(());
    }
    // The second statement sees what was queued while the first one waited for the row.
    for sql in [
        "UPDATE shares SET waits = 0 WHERE owner_id = $1",
        "UPDATE shares SET waits = 1 WHERE owner_id = $1 AND EXISTS \
         (SELECT 1 FROM jobs WHERE jobs.owner_id = $1 AND jobs.state = 'queued')",
    ] {
        sqlx::query(sql).bind(owner).execute(&mut **tx).await?;
    }
    Ok(())
}

/// [`waits`] for the owner of a job that is queued again.
pub(super) async fn waits_again(tx: &mut Tx, id: JobId, now: i64) -> Result<()> {
    let owner: Option<UserId> = sqlx::query_scalar("SELECT owner_id FROM jobs WHERE id = $1")
        .bind(id)
        .fetch_one(&mut **tx)
        .await?;
    match owner {
        Some(owner) => waits(tx, owner, now).await,
        // Of an older version; whoever gets its ticket sees to it.
        None => Ok(()),
    }
}

/// What an attempt that ends took, and whose it was.
pub(crate) struct Work {
    owner: UserId,
    took_ms: i64,
}

/// What the running job of an asset took until `now`; `None` if there is none. To be asked before the
/// change that ends its attempt, and counted by [`charge`] after it.
pub(crate) async fn work_on(tx: &mut Tx, asset: AssetId, now: i64) -> Result<Option<Work>> {
    let running: Option<(Option<UserId>, Option<i64>, Option<i64>)> = sqlx::query_as(
        "SELECT owner_id, started_at, lease_until FROM jobs \
         WHERE asset_id = $1 AND state = 'running'",
    )
    .bind(asset)
    .fetch_optional(&mut **tx)
    .await?;
    let Some((Some(owner), Some(started), until)) = running else {
        return Ok(None);
    };
    // A worker that died worked no longer than it had claimed.
    let ended = until.map_or(now, |until| until.min(now));
    let took_ms = ended.saturating_sub(started);
    Ok(Some(Work { owner, took_ms }))
}

/// Counts work, as the last part of a change: rows of shares are taken after all others.
pub(crate) async fn charge(tx: &mut Tx, work: Option<Work>, now: i64) -> Result<()> {
    let Some(Work { owner, took_ms }) = work else {
        return Ok(());
    };
    // The statement changes nothing, but holds the row until the end of the transaction.
    let turn: Option<f64> =
        sqlx::query_scalar("UPDATE shares SET turn = turn WHERE owner_id = $1 RETURNING turn")
            .bind(owner)
            .fetch_optional(&mut **tx)
            .await?;
    sqlx::query(
        "INSERT INTO shares (owner_id, waits, turn) VALUES ($1, 1, $2) \
         ON CONFLICT (owner_id) DO UPDATE SET turn = excluded.turn",
    )
    .bind(owner)
    .bind(worked(turn.unwrap_or(0.0), took_ms, now))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The turn of an account without recent work.
#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds since 1970 fit for 280,000 years"
)]
pub(super) fn without_work(now: i64) -> f64 {
    now as f64 / HALF_LIFE_MS
}

/// The turn after work that took `took_ms` and ended at `now`.
#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds since 1970 fit for 280,000 years"
)]
fn worked(turn: f64, took_ms: i64, now: i64) -> f64 {
    let now_turn = without_work(now);
    let took_ms = took_ms.max(1) as f64;
    // Not from before; a clock that is set back makes up to the cap at most.
    let before = (turn - now_turn).min(MOST_WORK);
    now_turn + (before.exp2() + took_ms).log2().min(MOST_WORK)
}

/// Reads the rows of a choice.
fn candidates(rows: &[AnyRow]) -> Result<Vec<Candidate>> {
    let read = |row| {
        let mut cells = Cells::new(row);
        Ok(Candidate {
            owner: cells.int()?,
            turn: cells.maybe_float()?.unwrap_or(0.0),
            best: cells.maybe_int()?.zip(cells.maybe_int()?),
        })
    };
    rows.iter().map(read).collect()
}

/// The job whose turn it is. Accounts whose turn is up to `without_work` have had nothing of late.
fn choose(candidates: &[Candidate], without_work: f64) -> Option<JobId> {
    let mut due = candidates
        .iter()
        .filter_map(|one| one.best.map(|(job, priority)| (one.turn, job, priority)));
    let first = due.next()?;
    if first.0 > without_work {
        return Some(first.1);
    }
    let equal = due
        .filter(|(turn, ..)| *turn <= without_work)
        .chain([first]);
    equal
        .min_by_key(|&(_, job, priority)| (std::cmp::Reverse(priority), job))
        .map(|(_, job, _)| job)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    #[test]
    fn work_fades_by_half_in_an_hour() {
        let work_ms = |turn: f64, now: i64| (turn - without_work(now)).exp2();
        let start = 500_000 * HOUR;
        let turn = worked(0.0, 60_000, start);
        assert!((work_ms(turn, start) - 60_000.0).abs() < 1.0);
        assert!((work_ms(turn, start + HOUR) - 30_000.0).abs() < 1.0);
        let twice = worked(turn, HOUR, start + HOUR);
        let expected = 30_000.0 + 3_600_000.0;
        assert!((work_ms(twice, start + HOUR) - expected).abs() < 5.0);
    }

    #[test]
    fn clocks_that_were_wrong_are_bounded() {
        let now = 500_000 * HOUR;
        let most = without_work(now) + MOST_WORK;
        for (turn, took_ms) in [(1e9, 0), (0.0, i64::MAX), (0.0, -9 * HOUR)] {
            let turn = worked(turn, took_ms, now);
            assert!((without_work(now)..=most).contains(&turn), "{turn}");
        }
    }

    #[test]
    fn the_least_work_is_next_then_priority_then_age() {
        let candidate = |owner, turn, best| Candidate { owner, turn, best };
        let idle = [
            candidate(1, 5.0, Some((30, 0))),
            candidate(2, 6.0, Some((20, 0))),
            candidate(3, 7.0, None),
            candidate(4, 7.0, Some((40, 1))),
            candidate(5, 11.0, Some((10, 9))),
        ];
        assert_eq!(choose(&idle, 10.0), Some(40));
        assert_eq!(choose(&idle[..3], 10.0), Some(20));
        assert_eq!(choose(&idle, 4.0), Some(30));
        assert_eq!(choose(&idle[2..3], 4.0), None);
    }
}
