//! Which claims nobody holds any more, found out without asking a clock what time it is.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use clipsy_domain::clock::Timestamp;
use clipsy_domain::job::{Attempt, JobId};

use crate::cells::Cells;
use crate::db::Db;
use crate::error::Result;

/// The claim on a running job as it was at one look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The job.
    pub job_id: JobId,
    /// The attempt that holds it.
    pub attempt: Attempt,
    /// When it ends by the clock of its worker; changes with each sign of life.
    pub until: Timestamp,
    /// Signs of life so far.
    pub signs: i64,
    /// How long it holds without one; zero if its worker does not say.
    pub lease: Duration,
}

/// Remembers how long claims have been without a sign of life. Clocks of machines differ and are
/// set; what counts is only how much time passes here between two looks.
#[derive(Debug, Default)]
pub struct ClaimWatch {
    seen: HashMap<JobId, (Claim, Instant)>,
}

impl ClaimWatch {
    /// Of the `claims` that there are at `now`, those that have been the same for as long as they
    /// hold. A claim that does not say how long counts as one that holds for `lease`.
    pub fn silent(&mut self, claims: Vec<Claim>, lease: Duration, now: Instant) -> Vec<Claim> {
        let before = std::mem::take(&mut self.seen);
        let mut silent = Vec::new();
        for claim in claims {
            let since = before.get(&claim.job_id).filter(|(old, _)| *old == claim);
            let since = since.map_or(now, |(_, since)| *since);
            let holds = if claim.lease.is_zero() {
                lease
            } else {
                claim.lease
            };
            if now.saturating_duration_since(since) >= holds {
                silent.push(claim.clone());
            }
            self.seen.insert(claim.job_id, (claim, since));
        }
        silent
    }
}

impl Db {
    /// The claims on all running jobs, the lowest number first.
    pub async fn claims(&self) -> Result<Vec<Claim>> {
        let rows = sqlx::query(
            "SELECT id, attempt, lease_until, signs, lease_ms FROM jobs WHERE state = 'running' \
             ORDER BY id",
        )
        .fetch_all(self.read())
        .await?;
        let read = |row| {
            let mut cells = Cells::new(row);
            Ok(Claim {
                job_id: cells.int()?,
                attempt: cells.int()?,
                until: cells.time()?,
                signs: cells.int()?,
                lease: Duration::from_millis(u64::try_from(cells.int()?).unwrap_or(0)),
            })
        };
        rows.iter().map(read).collect()
    }
}

#[cfg(test)]
mod tests {
    use clipsy_domain::clock::from_millis;

    use super::*;

    const LEASE: Duration = Duration::from_secs(8);

    fn claim(job_id: JobId, signs: i64, until_ms: i64) -> Claim {
        Claim {
            job_id,
            attempt: 1,
            until: from_millis(until_ms),
            signs,
            lease: LEASE,
        }
    }

    #[test]
    fn a_claim_is_silent_once_nothing_changed_for_its_length() {
        let mut watch = ClaimWatch::default();
        let start = Instant::now();
        let mut look = |s: u64, claims: Vec<Claim>| {
            let now = start + Duration::from_secs(s);
            let silent = watch.silent(claims, Duration::from_mins(1), now);
            silent.iter().map(|claim| claim.job_id).collect::<Vec<_>>()
        };
        // The clocks of these workers are wrong in both ways, which matters to nobody.
        let (alive, dead) = (|signs| claim(1, signs, 0), claim(2, 7, i64::MAX));
        assert_eq!(look(0, vec![alive(1), dead.clone()]), [0; 0]);
        assert_eq!(look(7, vec![alive(2), dead.clone()]), [0; 0]);
        assert_eq!(look(8, vec![alive(2), dead.clone()]), [2]);
        // Whoever was asked could not take it up; it is told again.
        assert_eq!(look(9, vec![alive(2), dead.clone()]), [2]);
        assert_eq!(look(15, vec![alive(2)]), [1]);
        // Another attempt, and a worker of before that says only when its claim ends.
        let another = Claim {
            attempt: 2,
            ..alive(2)
        };
        let old = |until_ms| Claim {
            lease: Duration::ZERO,
            ..claim(3, 0, until_ms)
        };
        assert_eq!(look(16, vec![another.clone(), old(5)]), [0; 0]);
        assert_eq!(look(50, vec![another, old(6)]), [1]);
        assert_eq!(look(109, vec![old(6)]), [0; 0]);
        assert_eq!(look(110, vec![old(6)]), [3]);
    }
}
