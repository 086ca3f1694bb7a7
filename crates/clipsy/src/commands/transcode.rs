//! `clipsy transcode`: an HLS ladder of a video file.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use bars::Bars;
use clipsy_domain::progress::Event;
use clipsy_pipeline::CancelToken;
use clipsy_pipeline::encoder::Choice;
use clipsy_pipeline::transcode::{self, Job};
use clipsy_worker::prover::Spawned;

use super::exit;
use super::{cancel_on_signals, print_json};
use crate::config::{Settings, TranscodeArgs};

mod bars;

/// Arguments of `clipsy transcode`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The video file
    input: PathBuf,
    /// Folder for the result; it is made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Print events as JSON lines
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    how: TranscodeArgs,
}

/// Runs the command.
pub(crate) fn run(settings: &Settings, args: &Args) -> anyhow::Result<()> {
    crate::config::use_few_malloc_arenas()?;
    let catalog = settings.catalog()?;
    let ladder = args.how.adjust(settings.ladder()?)?;
    let limits = args.how.limits.limits();
    settings.allow_decoders()?;
    let cancel = cancel_on_signals()?;
    super::start_pipeline()?;
    let prover = Spawned::new(settings.encoders_text()?);
    let job = Job {
        input: &args.input,
        output: &args.out,
        ladder: &ladder,
        catalog: &catalog,
        limits: &limits,
        encoder: Choice::parse(&args.how.encoder),
        decoder: args.how.decoder.into(),
        prover: &prover,
        stall_timeout: args.how.stall_timeout(),
    };
    let mut bars = (!args.json).then(|| Bars::new(std::io::stderr().is_terminal()));
    let mut tell = |event: Event| match &mut bars {
        Some(bars) => bars.show(&event),
        // A reader that went away has stopped listening, not the job.
        None => drop(print_json(&event)),
    };
    Ok(execute(&job, &cancel, &mut tell)?)
}

/// Does the job and tells everything about it, how it ends included.
pub(super) fn execute(
    job: &Job<'_>,
    cancel: &CancelToken,
    tell: &mut dyn FnMut(Event),
) -> Result<(), clipsy_pipeline::Error> {
    match transcode::transcode(job, cancel, tell) {
        Ok(summary) => {
            tell(Event::Finished {
                summary: Box::new(summary),
            });
            Ok(())
        }
        Err(error) => {
            // A wrong command line is no failure of a job.
            if !exit::is_usage(&error) {
                tell(Event::Failed {
                    failure: exit::failure(&error),
                });
            }
            Err(error)
        }
    }
}
