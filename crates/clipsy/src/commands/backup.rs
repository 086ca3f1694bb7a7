//! `clipsy backup`: a copy of everything, made while the service runs.

use std::path::PathBuf;

use clipsy_service::backup::{self, KEYS, Save, Saved};

use super::exit::Refusal;
use super::{print, print_json};
use crate::config::media::MediaArgs;
use crate::config::service::StateArgs;
use crate::service::{database, media};

/// Arguments of `clipsy backup`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folder for the backup. With an earlier one in it, only what is new is copied. On the media's
    /// own file system files are shared, not copied, and cost nothing
    #[arg(value_name = "DIR")]
    to: PathBuf,
    #[command(flatten)]
    state: StateArgs,
    #[command(flatten)]
    media: MediaArgs,
    /// File with the keys that tokens are signed with [default: in the state folder]
    #[arg(long, env = "CLIPSY_KEY_FILE", value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Print what was done as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command. Fails at the end if files of videos are missing in the service itself.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let saved = super::block_on(save(args))?;
    if args.json {
        print_json(&saved)?;
    } else {
        print(&told(&saved))?;
    }
    match saved.missing.first() {
        None => Ok(()),
        Some(first) => {
            let count = saved.missing.len();
            let message = format!(
                "the backup is made, but the service has lost {count} files of its own, the first \
                 is {first}; `clipsy verify` lists them"
            );
            Err(Refusal::new("files_missing", message).into())
        }
    }
}

async fn save(args: &Args) -> anyhow::Result<Saved> {
    let to = std::path::absolute(&args.to)?;
    let state = args.state.folder()?;
    let db = database::open_as_is(&args.state).await?;
    let store = media::open(&args.media, state.join("media"), 0).await?;
    let (url, keys) = (args.state.database_url()?, state.join(KEYS));
    let what = Save {
        db: &db,
        url: &url,
        media: &*store,
        keys: &keys,
        key_file: args.key_file.as_deref(),
    };
    let saved = backup::save(&what, &to).await.map_err(refusal);
    db.close().await;
    saved
}

/// An error of a backup, with its code.
#[expect(
    clippy::needless_pass_by_value,
    reason = "it is what `map_err` hands over"
)]
pub(crate) fn refusal(error: backup::Error) -> anyhow::Error {
    Refusal::new(error.code(), error.to_string()).into()
}

fn told(saved: &Saved) -> String {
    let all = &saved.manifest;
    format!(
        "Backed up {} videos: {} files, {}. New: {} files, {}.\n",
        all.videos,
        all.files,
        size(all.bytes),
        saved.new_files,
        size(saved.new_bytes)
    )
}

/// A number of bytes, for people.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    let mut value = bytes as f64 / 1000.0;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}
