//! What the database must do, on `SQLite` and on `PostgreSQL`.
#![cfg(test)]

mod cases;
mod support;

use std::fmt::Write as _;
use std::future::Future;
use std::pin::Pin;

use clipsy_testkit::Postgres;
use support::{Place, World};

/// A case, by its name.
type Case = (
    &'static str,
    fn(World) -> Pin<Box<dyn Future<Output = ()> + Send>>,
);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    run(&Place::Sqlite(folder.path().to_owned())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_postgres() {
    // Started once for all cases, and stopped when this is dropped.
    sqlx::any::install_default_drivers();
    let server = Postgres::start();
    run(&Place::Postgres(server.url())).await;
}

/// Runs every case in a database of its own, and tells all that failed.
async fn run(place: &Place) {
    let mut failed = String::new();
    for (name, case) in cases::ALL {
        let world = World::new(place, name).await;
        let db = world.db.clone();
        if let Err(error) = tokio::spawn(case(world)).await {
            // What the case had to say was printed when it failed.
            let _ = write!(failed, "\n    {name}: {error}");
        }
        db.close().await;
    }
    assert!(failed.is_empty(), "failed on {place:?}:{failed}");
}
