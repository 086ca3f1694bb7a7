//! How long a worker waits for its next job while very many wait: `bench/queue/run` asks.
//!
//! `claims URL JOBS OWNERS CLAIMS` makes the tables, queues that many jobs of that many accounts, claims
//! and finishes some, and prints the milliseconds of each claim as JSON, but for the first ones, which
//! open connections and prepare statements. The first account has nearly all
//! jobs, every other one has one.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Instant;

use clipsy_domain::clock::SystemClock;
use clipsy_storage::{Db, Finished};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _};

/// How long a claim holds, in milliseconds.
const LEASE_MS: i64 = 60_000;
/// Claims that are not counted: a worker makes them once, at its start.
const FIRST: i64 = 20;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [url, jobs, owners, claims] = &args[..] else {
        return Err("claims URL JOBS OWNERS CLAIMS".into());
    };
    let (jobs, owners): (i64, i64) = (jobs.parse()?, owners.parse()?);
    let db = Db::connect(url, Arc::new(SystemClock)).await?;
    db.migrate().await?;
    fill(url, jobs, owners).await?;
    let made = Finished {
        renditions: Vec::new(),
        duration_s: Some(1.0),
        has_thumbnail: false,
        has_storyboard: false,
    };
    let mut claim_ms = Vec::new();
    let claims: i64 = claims.parse()?;
    for ticket in 1..=FIRST + claims {
        let begun = Instant::now();
        let job = db.claim_next(ticket, "bench", LEASE_MS).await?;
        if ticket > FIRST {
            claim_ms.push(begun.elapsed().as_secs_f64() * 1_000.0);
        }
        let job = job.ok_or("nothing waits")?;
        db.finish_job(job.id, job.attempt, &made).await?;
    }
    let found = serde_json::json!({ "claim_ms": claim_ms });
    writeln!(std::io::stdout(), "{found}")?;
    db.close().await;
    Ok(())
}

/// The rows, made by the database itself.
async fn fill(url: &str, jobs: i64, owners: i64) -> Result<(), sqlx::Error> {
    let numbers = |count: i64| {
        format!(
            "WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < {count})"
        )
    };
    let (people, videos) = (numbers(owners), numbers(jobs));
    let mut connection = AnyConnection::connect(url).await?;
    for sql in [
        format!(
            "INSERT INTO users (username, username_key, email, role, active, default_password, \
             password_hash, created_at) {people} SELECT 'bench' || i, 'bench' || i, '', 'user', 1, 0, \
             '', 0 FROM numbers"
        ),
        format!(
            "INSERT INTO assets (owner_id, title, title_key, description, search_text, visibility, state, \
             playable, source_key, source_name, source_type, source_bytes, views, has_thumbnail, \
             has_storyboard, created_at, updated_at) {videos} \
             SELECT (SELECT MIN(id) FROM users) + CASE WHEN i < {owners} THEN i ELSE 0 END, 'v', 'v', '', \
             'v', 'private', 'queued', 0, 'bench' || i, 'v.mp4', 'video/mp4', 1, 0, 0, 0, i, i FROM numbers"
        ),
        "INSERT INTO jobs (asset_id, owner_id, state, priority, attempt, failures, run_after, created_at) \
         SELECT id, owner_id, 'queued', 0, 0, 0, 0, created_at FROM assets"
            .to_owned(),
        "INSERT INTO shares (owner_id, waits, turn) SELECT id, 1, 0.0 FROM users".to_owned(),
    ] {
        connection.execute(AssertSqlSafe(sql)).await?;
    }
    if url.starts_with("postgres") {
        connection.execute("VACUUM ANALYZE").await?;
    }
    connection.close().await
}
