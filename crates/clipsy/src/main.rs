//! The `clipsy` command.

mod commands;
mod config;
mod telemetry;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

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
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    telemetry::start(&cli.settings);
    let result = match &cli.command {
        Command::Transcode(args) => commands::transcode::run(&cli.settings, args),
        Command::Probe(args) => commands::probe::run(&cli.settings, args),
        Command::Doctor(args) => commands::doctor::run(&cli.settings, args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => commands::exit::report(&error),
    }
}
