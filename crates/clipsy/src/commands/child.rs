//! `clipsy child`: one job, or one picture, in a process of its own, started by the server. The media is opened
//! only after the process has locked itself in.

use std::fs::File;
use std::io::{BufRead, BufReader, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clipsy_domain::failure::{Failure, FailureCode, Stage};
use clipsy_domain::progress::Event;
use clipsy_pipeline::CancelToken;
use clipsy_pipeline::decoders::Decoders;
use clipsy_pipeline::encoder::Choice;
use clipsy_pipeline::transcode::Job;
use clipsy_worker::cards::find::View;
use clipsy_worker::protocol::{ChildJob, Hello, StillJob, StillTold};
use clipsy_worker::prover::{self, Asked, ProofJob};
use clipsy_worker::sandbox::bounds::Bounds;
use clipsy_worker::sandbox::{self, Closed, Mode, Openings, harden, self_test};
use serde::Serialize;

use super::{exit, print_json, transcode};
use crate::config::environment;

/// Arguments of `clipsy child`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Take one picture instead of making renditions
    #[arg(long, conflicts_with = "self_test")]
    still: bool,
    /// Prove that an encoder or decoder works
    #[arg(long, conflicts_with_all = ["self_test", "still"])]
    prove: bool,
    /// Try from inside whether the sandbox holds, and print what was tried as JSON
    #[arg(long)]
    self_test: bool,
    /// With --self-test: a file or folder that must be out of reach
    #[arg(long, value_name = "PATH", requires = "self_test")]
    forbidden: Vec<PathBuf>,
    /// With --self-test: a port of this machine on which somebody listens
    #[arg(long, value_name = "PORT", requires = "self_test")]
    port: Option<u16>,
    /// With --self-test: a file that must be readable and nothing more
    #[arg(long, value_name = "FILE", requires = "self_test")]
    input: Option<PathBuf>,
    /// With --self-test: a folder that must be writable
    #[arg(long, value_name = "DIR", requires = "self_test")]
    output: Option<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    if args.self_test {
        return test(args);
    }
    if args.still {
        return still();
    }
    if args.prove {
        return prove();
    }
    let mut events = take_standard_output()?;
    let mut input = BufReader::new(std::io::stdin());
    let job: ChildJob = order(&mut input)?;
    let openings = Openings {
        readable: [job.plugins.clone(), vec![job.input.clone()]].concat(),
        writable: vec![job.scratch.clone()],
        cards: nodes(job.card.as_ref()),
    };
    match lock_in(job.parent, &job.bounds, job.sandbox, &openings) {
        Ok(closed) => say(&mut events, &Hello { sandbox: closed })?,
        Err(error) => {
            let message = format!("{error:#}");
            let failure = Failure::new(FailureCode::Internal, Stage::Probe, message);
            say(&mut events, &Event::Failed { failure })?;
            return Err(error);
        }
    }
    if let Some(text) = &job.decoders {
        Decoders::parse(text)?.allow();
    }
    let catalog = prover::catalog(job.encoders.as_deref(), job.card.as_ref())?;
    let asked = Asked::new(events.try_clone()?, input);
    let transcode = Job {
        input: &job.input,
        output: &job.output,
        ladder: &job.ladder,
        catalog: &catalog,
        limits: &job.limits,
        encoder: Choice::parse(&job.encoder),
        decoder: job.decoder.into(),
        prover: &asked,
        stall_timeout: Duration::from_secs(job.stall_timeout_s),
    };
    // Whoever cancels kills this process: nothing of it is worth keeping.
    let cancel = CancelToken::new();
    let result = transcode::execute(&transcode, &cancel, &mut |event| {
        if say(&mut events, &event).is_err() {
            cancel.cancel();
        }
    });
    if let Err(error) = &result
        && exit::is_usage(error)
    {
        // An original that is gone is a wrong command line by hand, but not here.
        let failure = exit::failure(error);
        say(&mut events, &Event::Failed { failure })?;
    }
    Ok(result?)
}

/// Takes one picture out of a segment, or makes a poster of one that somebody brought along.
fn still() -> anyhow::Result<()> {
    let mut events = take_standard_output()?;
    let job: StillJob = order(&mut std::io::stdin().lock())?;
    let openings = Openings {
        readable: [job.plugins.clone(), vec![job.source.clone()]].concat(),
        writable: vec![job.scratch.clone()],
        cards: Some(Vec::new()),
    };
    let closed = lock_in(job.parent, &job.bounds, job.sandbox, &openings)?;
    say(&mut events, &Hello { sandbox: closed })?;
    let time_limit = Duration::from_secs(job.time_limit_s);
    let made = match job.offset_us {
        Some(offset_us) => {
            clipsy_pipeline::still::still(&job.source, offset_us, &job.limits, time_limit)
                .map_err(|error| StillTold::Failed(error.to_string()))
        }
        None => clipsy_pipeline::photo::photo(&job.source, time_limit).map_err(StillTold::Refused),
    };
    let written = made.and_then(|jpeg| {
        std::fs::write(&job.output, jpeg).map_err(|error| StillTold::Failed(error.to_string()))
    });
    let told = written.map_or_else(|told| told, |()| StillTold::Made);
    Ok(say(&mut events, &told)?)
}

/// Proves one thing.
fn prove() -> anyhow::Result<()> {
    let mut events = take_standard_output()?;
    let job: ProofJob = order(&mut std::io::stdin().lock())?;
    let openings = Openings {
        readable: environment::child_folders(),
        writable: Vec::new(),
        cards: nodes(job.card.as_ref()),
    };
    lock_in(job.parent, &job.bounds, job.sandbox, &openings)?;
    Ok(say(&mut events, &prover::prove_here(&job))?)
}

/// Device nodes of the card that a child may see; all cards' without one.
fn nodes(card: Option<&View>) -> Option<Vec<PathBuf>> {
    card.map(|card| card.nodes.clone())
}

/// What there is to do: one line.
fn order<T: serde::de::DeserializeOwned>(input: &mut impl BufRead) -> anyhow::Result<T> {
    let mut line = String::new();
    input.read_line(&mut line)?;
    serde_json::from_str(&line).context("the job on standard input")
}

/// Locks this process in before it opens any media.
fn lock_in(
    parent: u32,
    bounds: &Bounds,
    mode: Mode,
    openings: &Openings,
) -> anyhow::Result<Closed> {
    harden::harden(Some(parent), bounds, openings.has_cards())?;
    // This looks for plugins in a process of its own and keeps what it finds in a file; neither
    // is possible later.
    super::start_pipeline()?;
    Ok(sandbox::close(mode, openings)?)
}

/// Keeps standard output for events: what libraries print goes to standard error from now on.
fn take_standard_output() -> anyhow::Result<File> {
    let events = rustix::io::dup(std::io::stdout())?;
    rustix::io::fcntl_setfd(&events, rustix::io::FdFlags::CLOEXEC)?;
    rustix::stdio::dup2_stdout(std::io::stderr())?;
    Ok(File::from(events))
}

fn say(events: &mut File, line: &impl Serialize) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(line)?;
    line.push(b'\n');
    events.write_all(&line)
}

fn test(args: &Args) -> anyhow::Result<()> {
    let openings = Openings {
        readable: [
            environment::child_folders(),
            args.input.iter().cloned().collect(),
        ]
        .concat(),
        writable: args.output.iter().cloned().collect(),
        cards: None,
    };
    let bounds = Bounds::new(prover::MEMORY_BYTES, prover::TIME_LIMIT);
    harden::harden(None, &bounds, openings.has_cards())?;
    clipsy_pipeline::init()?;
    let closed = sandbox::close(Mode::Auto, &openings)?;
    let trials = self_test::run(&self_test::Targets {
        forbidden: args.forbidden.clone(),
        port: args.port,
        input: args.input.clone(),
        output: args.output.clone(),
        cards: openings.has_cards(),
    });
    let broken: Vec<String> = trials
        .iter()
        .filter(|trial| !trial.holds())
        .map(|trial| trial.what.clone())
        .collect();
    print_json(&self_test::Tested {
        sandbox: closed,
        trials,
    })?;
    if !broken.is_empty() {
        anyhow::bail!("the sandbox does not hold: {}", broken.join(", "));
    }
    Ok(())
}
