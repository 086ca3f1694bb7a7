//! The `clipsy` command.

mod commands;
mod config;
mod sandbox;
mod telemetry;
mod worker;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use commands::exit;

/// Self-hosted video platform.
#[derive(Debug, Parser)]
#[command(name = "clipsy", version, about, propagate_version = true)]
struct Cli {
    #[command(flatten)]
    settings: config::Settings,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make an HLS ladder of a video file.
    Transcode(commands::transcode::Args),
    /// Tell what is in a file and which renditions would be made of it.
    Probe(commands::probe::Args),
    /// Try every encoder and decoder on this machine and tell what works.
    Doctor(commands::doctor::Args),
    /// Do one job of the service; started by it.
    #[command(hide = true)]
    Child(commands::child::Args),
}

fn main() -> ExitCode {
    let (cli, _matches) = match config::parse::<Cli>() {
        Ok(parsed) => parsed,
        Err(error) => return exit::report(&error.into()),
    };
    telemetry::start(&cli.settings, "error");
    let result = match &cli.command {
        Command::Transcode(args) => commands::transcode::run(&cli.settings, args),
        Command::Probe(args) => commands::probe::run(&cli.settings, args),
        Command::Doctor(args) => commands::doctor::run(&cli.settings, args),
        Command::Child(args) => commands::child::run(args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => exit::report(&error),
    }
}
