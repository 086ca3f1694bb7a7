//! `clipsy verify`: whether every video has its files, and every file its video.

use std::fmt::Write as _;
use std::path::PathBuf;

use clipsy_service::backup::{Report, Trouble, check, check_backup};

use super::backup::refusal;
use super::exit::Refusal;
use super::{print, print_json};
use crate::config::media::MediaArgs;
use crate::config::service::StateArgs;
use crate::service::{database, media};

/// Arguments of `clipsy verify`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Look at the backup in this folder, not at the service
    #[arg(long, value_name = "DIR")]
    backup: Option<PathBuf>,
    /// Read all originals and compare them with what was computed when they came
    #[arg(long, conflicts_with = "backup")]
    hashes: bool,
    /// Print what was found as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    state: StateArgs,
    #[command(flatten)]
    media: MediaArgs,
}

/// Runs the command, which changes nothing. Fails if anything is wrong.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let report = super::block_on(async {
        if let Some(backup) = &args.backup {
            return check_backup(backup).await.map_err(refusal);
        }
        let db = database::open_as_is(&args.state).await?;
        let folder = args.state.folder()?.join("media");
        let store = media::open(&args.media, folder, 0).await?;
        let report = check(&db, &*store, args.hashes).await.map_err(refusal);
        db.close().await;
        report
    })?;
    if args.json {
        print_json(&report)?;
    } else {
        print(&told(&report))?;
    }
    if report.faults.is_empty() {
        return Ok(());
    }
    let message = format!("{} files are not as they should be", report.faults.len());
    Err(Refusal::new("faults", message).into())
}

fn told(report: &Report) -> String {
    let mut text = String::new();
    for fault in &report.faults {
        let what = match fault.trouble {
            Trouble::Missing => "missing",
            Trouble::Size => "other size",
            Trouble::Hash => "other bytes",
            Trouble::Unowned => "belongs to no video",
        };
        let video = fault
            .video
            .map(|id| format!(" (video {id})"))
            .unwrap_or_default();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{what}: {}{video}", fault.key);
    }
    let _ = write!(text, "{} videos, {} files", report.videos, report.files);
    if report.hashed > 0 {
        let _ = write!(text, ", {} originals read", report.hashed);
    }
    let _ = writeln!(text, ", {} faults.", report.faults.len());
    text
}
