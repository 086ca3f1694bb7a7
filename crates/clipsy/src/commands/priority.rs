//! `clipsy priority`: how urgent the processing of a video is.

use clipsy_domain::job::PRIORITIES;

use super::exit::{Refusal, UsageError};
use super::print;
use crate::config::service::StateArgs;
use crate::service::database;

/// Arguments of `clipsy priority`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Number of the video
    video: i64,
    /// From -100 to 100; 0 is usual, and higher ones come first
    #[arg(allow_negative_numbers = true)]
    priority: i64,
    #[command(flatten)]
    state: StateArgs,
}

/// Runs the command. Workers see it when they next choose.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    if !PRIORITIES.contains(&args.priority) {
        let (least, most) = (PRIORITIES.start(), PRIORITIES.end());
        let message = format!("the priority is from {least} to {most}");
        return Err(UsageError(message).into());
    }
    let job = super::block_on(async {
        let db = database::open(&args.state).await?;
        let job = db.set_priority(args.video, args.priority).await;
        db.close().await;
        Ok(job?)
    })?;
    if job.is_none() {
        let message = format!(
            "video {} is not waiting and not being processed",
            args.video
        );
        return Err(Refusal::new("not_waiting", message).into());
    }
    print(&format!(
        "Video {} has the priority {}.\n",
        args.video, args.priority
    ))?;
    Ok(())
}
