//! `clipsy restore`: a backup, brought back into a new place.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use clipsy_domain::clock::SystemClock;
use clipsy_service::backup::{BringBack, Manifest, Place, bring_back};
use clipsy_storage::Db;

use super::backup::refusal;
use super::print;
use crate::config::media::MediaArgs;
use crate::config::service::StateArgs;
use crate::service::media;
use crate::service::state::State;

/// Arguments of `clipsy restore`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folder of the backup
    #[arg(value_name = "DIR")]
    from: PathBuf,
    #[command(flatten)]
    state: StateArgs,
    #[command(flatten)]
    media: MediaArgs,
}

/// Runs the command. The service must not run; the database must be new and the media store empty.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let manifest = super::block_on(restore(args))?;
    print(&format!(
        "Restored {} videos as they were at {}. Start the service now.\n",
        manifest.videos,
        manifest.made_at.to_rfc3339()
    ))?;
    Ok(())
}

async fn restore(args: &Args) -> anyhow::Result<Manifest> {
    let from = std::path::absolute(&args.from)?;
    // No server can start in it meanwhile.
    let state = State::open(args.state.folder()?)?;
    let store = media::open(&args.media, state.media(), 0).await?;
    let keys = state.keys();
    let url = args.state.database_url()?;
    let restored = |database| BringBack {
        database,
        media: &*store,
        keys: &keys,
    };
    if let Some(file) = clipsy_storage::sqlite_file_of(&url)? {
        let done = bring_back(&restored(Place::Sqlite(&file)), &from).await;
        return done.map_err(refusal);
    }
    let db = Db::connect(&url, Arc::new(SystemClock))
        .await
        .context("the database")?;
    let done = bring_back(&restored(Place::Postgres(&db, &url)), &from).await;
    db.close().await;
    done.map_err(refusal)
}
