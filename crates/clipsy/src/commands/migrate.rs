//! `clipsy migrate`: the tables of the database, brought up to date.

use super::print;
use crate::config::service::StateArgs;
use crate::service::database;

/// Arguments of `clipsy migrate`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    state: StateArgs,
}

/// Runs the command. The server does the same when it starts.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    super::block_on(async {
        database::open(&args.state).await?.close().await;
        print("The database is up to date.\n")?;
        Ok(())
    })
}
