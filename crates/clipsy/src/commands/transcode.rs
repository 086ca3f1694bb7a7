//! `clipsy transcode`: an HLS ladder of a video file.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::Duration;

use clipsy_domain::progress::Event;
use clipsy_pipeline::encoder::Choice;
use clipsy_pipeline::transcode::{self, Decoder, Job};

use super::exit::{self, UsageError};
use super::{cancel_on_signals, print_json};
use crate::config::{LimitArgs, Settings};
use bars::Bars;

mod bars;

/// Arguments of `clipsy transcode`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The video file
    input: PathBuf,
    /// Folder for the result; it is made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Encoder: auto, or one that `clipsy doctor` lists
    #[arg(long, default_value = "auto", value_name = "ID")]
    encoder: String,
    /// Where to decode; hardware falls back to software for codecs that the GPU does not know
    #[arg(long, value_enum, default_value = "software")]
    decoder: DecoderArg,
    /// Print events as JSON lines
    #[arg(long)]
    json: bool,
    /// Length of a segment in seconds, a multiple of the keyframe interval [default: the ladder's]
    #[arg(long, value_name = "SECONDS")]
    segment_seconds: Option<u32>,
    /// End the job when nothing has moved for this long
    #[arg(long, default_value_t = 60, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    stall_timeout: u64,
    #[command(flatten)]
    limits: LimitArgs,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum DecoderArg {
    Software,
    Hardware,
}

/// Runs the command.
pub(crate) fn run(settings: &Settings, args: &Args) -> anyhow::Result<()> {
    crate::config::use_few_malloc_arenas()?;
    let (catalog, mut ladder) = (settings.catalog()?, settings.ladder()?);
    if let Some(seconds) = args.segment_seconds {
        ladder = ladder
            .with_segment_s(seconds)
            .map_err(|e| UsageError(format!("--segment-seconds: {e}")))?;
    }
    let limits = args.limits.limits();
    let cancel = cancel_on_signals()?;
    clipsy_pipeline::init()?;
    let job = Job {
        input: &args.input,
        output: &args.out,
        ladder: &ladder,
        catalog: &catalog,
        limits: &limits,
        encoder: Choice::parse(&args.encoder),
        decoder: match args.decoder {
            DecoderArg::Software => Decoder::Software,
            DecoderArg::Hardware => Decoder::Hardware,
        },
        stall_timeout: Duration::from_secs(args.stall_timeout),
    };
    let mut bars = (!args.json).then(|| Bars::new(std::io::stderr().is_terminal()));
    let mut tell = |event: Event| match &mut bars {
        Some(bars) => bars.show(&event),
        // A reader that went away has stopped listening, not the job.
        None => drop(print_json(&event)),
    };
    match transcode::transcode(&job, &cancel, &mut tell) {
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
            Err(error.into())
        }
    }
}
