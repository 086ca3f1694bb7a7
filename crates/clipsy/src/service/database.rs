//! The database, opened and brought up to date.

use std::sync::Arc;

use anyhow::Context as _;
use clipsy_domain::clock::SystemClock;
use clipsy_storage::Db;

use super::state;
use crate::config::service::StateArgs;

/// Opens the database that `args` names and brings its tables up to date.
pub(crate) async fn open(args: &StateArgs) -> anyhow::Result<Db> {
    state::make_folder(&args.folder()?).context("the state folder")?;
    let db = Db::connect(&args.database_url()?, Arc::new(SystemClock)).await?;
    db.migrate().await?;
    Ok(db)
}
