//! The tables themselves.

use std::sync::Arc;
use std::time::Duration;

use clipsy_domain::clock::SystemClock;
use clipsy_storage::{Db, Error};
use futures_util::future;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _};
use tokio::time::timeout;

use crate::support::World;

/// Nothing here takes anywhere near this long.
const HANGS_AFTER: Duration = Duration::from_mins(1);

pub(crate) async fn migrating_again_changes_nothing(world: World) {
    let (asset, _) = world.asset("kept").await;
    world.db.migrate().await.unwrap();
    world.another().await.migrate().await.unwrap();
    let kept = world.db.asset(asset.id).await.unwrap();
    assert_eq!(kept.unwrap(), asset);
}

/// As when several servers start together on a new database, which for `SQLite` is a file that is
/// not there yet.
pub(crate) async fn migrating_together_is_done_once(world: World) {
    let url = format!("{}_new", world.url);
    let name = url.rsplit_once('/').unwrap().1;
    if !url.starts_with("sqlite") {
        world.run(&format!("CREATE DATABASE {name}")).await;
    }
    let starts = (0..8).map(|_| {
        let url = url.clone();
        tokio::spawn(async move {
            let db = Db::connect(&url, Arc::new(SystemClock)).await?;
            db.migrate().await?;
            let found = db.users().await?;
            db.close().await;
            Ok::<_, Error>(found)
        })
    });
    for start in future::join_all(starts).await {
        assert_eq!(start.unwrap().unwrap(), []);
    }
    let mut connection = AnyConnection::connect(&url).await.unwrap();
    let applied: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM _sqlx_migrations WHERE version = 1")
            .fetch_one(&mut connection)
            .await
            .unwrap();
    assert_eq!(applied, 1);
    connection.close().await.unwrap();
}

pub(crate) async fn a_newer_schema_is_refused(world: World) {
    let mut connection = AnyConnection::connect(&world.url).await.unwrap();
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (999, 'from the future', TRUE, $1, 0)",
    )
    .bind(&[1_u8][..])
    .execute(&mut connection)
    .await
    .unwrap();
    connection.close().await.unwrap();
    // Twice, since a lock that the first one keeps would make the second one wait for ever.
    for _ in 0..2 {
        let refused = timeout(HANGS_AFTER, world.db.migrate()).await;
        let refused = refused.expect("it hangs").unwrap_err();
        assert!(
            matches!(refused, Error::TooNew { version: 999 }),
            "{refused:?}"
        );
        assert!(refused.to_string().contains("start a newer Clipsy"));
    }
}

/// Should the program ever go wrong, the database does not go along.
pub(crate) async fn rules_of_the_schema_are_kept(world: World) {
    let job = world.running("rules").await;
    let mut connection = AnyConnection::connect(&world.url).await.unwrap();
    for wrong in [
        "UPDATE assets SET state = 'lost'",
        "UPDATE assets SET visibility = 'secret'",
        "UPDATE assets SET playable = 1",
        "UPDATE assets SET views = -1",
        "UPDATE assets SET owner_id = 4711",
        "UPDATE jobs SET state = 'lost'",
        "UPDATE jobs SET state = 'queued'",
        "UPDATE jobs SET worker = NULL",
        "UPDATE jobs SET asset_id = 4711",
        "UPDATE users SET role = 'god'",
        "UPDATE users SET active = 2",
        "DELETE FROM users",
        "INSERT INTO jobs (asset_id, state, priority, attempt, failures, run_after, created_at) \
         SELECT asset_id, 'queued', 0, 0, 0, 0, 0 FROM jobs",
    ] {
        let sql = AssertSqlSafe(wrong.to_owned());
        let done = connection.execute(sql).await;
        assert!(
            matches!(&done, Err(sqlx::Error::Database(_))),
            "{wrong}: {done:?}"
        );
    }
    connection.close().await.unwrap();
    assert_eq!(world.job(job.id).await, job);
}

pub(crate) async fn it_answers(world: World) {
    world.db.ping().await.unwrap();
    world.db.close().await;
    assert!(world.db.ping().await.is_err());
}

/// A state that a later version invented is an error, not a guess.
pub(crate) async fn changed_rows_are_told(world: World) {
    let job = world.running("odd").await;
    world.run("UPDATE jobs SET failure = 'no JSON'").await;
    let told = world.db.job(job.id).await.unwrap_err();
    assert!(
        matches!(&told, Error::Unreadable { what: "failure", value } if value == "no JSON"),
        "{told:?}"
    );
}
