//! The database, opened and brought up to date.

use std::sync::Arc;

use anyhow::Context as _;
use clipsy_domain::clock::SystemClock;
use clipsy_storage::Db;

use super::state;
use crate::commands::exit::Refusal;
use crate::config::service::StateArgs;

/// Opens the database that `args` names and leaves its tables as they are. Refuses one whose tables
/// are not those of this version.
pub(crate) async fn open_as_is(args: &StateArgs) -> anyhow::Result<Db> {
    let url = args.database_url()?;
    if let Some(file) = clipsy_storage::sqlite_file_of(&url)?
        && !file.exists()
    {
        let message = format!("there is no database {}", file.display());
        return Err(Refusal::new("no_database", message).into());
    }
    let db = Db::connect(&url, Arc::new(SystemClock)).await?;
    db.expect_current().await?;
    Ok(db)
}

/// Opens the database that `args` names and brings its tables up to date.
pub(crate) async fn open(args: &StateArgs) -> anyhow::Result<Db> {
    state::make_folder(&args.folder()?).context("the state folder")?;
    let db = Db::connect(&args.database_url()?, Arc::new(SystemClock)).await?;
    db.migrate().await?;
    Ok(db)
}
