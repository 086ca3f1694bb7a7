//! The `clipsy` command.

mod commands;
mod config;
mod metrics;
mod sandbox;
mod service;
mod telemetry;
mod worker;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use commands::exit;

/// Most of what the service does is to make and drop small things: with this, a page of GraphQL takes
/// two thirds of the time that it takes with glibc's allocator (decision 0024).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
    /// Run the service: uploads, processing, playback, API
    Serve(Box<commands::serve::Args>),
    /// Ask a running service whether it is well
    Health(commands::health::Args),
    /// Process videos for `clipsy serve` processes on this or other machines
    Work(Box<commands::work::Args>),
    /// Bring the tables of the database up to date
    Migrate(commands::migrate::Args),
    /// Make and list accounts, set passwords
    User(commands::user::Args),
    /// Print the GraphQL schema
    Schema,
    /// Do one job of the service; started by it.
    #[command(hide = true)]
    Child(commands::child::Args),
}

fn main() -> ExitCode {
    let parsed = match config::parse::<Cli>() {
        Ok(parsed) => parsed,
        Err(error) => return exit::report(&error.into()),
    };
    let cli = &parsed.command;
    let level = match &cli.command {
        Command::Serve(_) | Command::Work(_) => "info",
        _ => "error",
    };
    telemetry::start(&cli.settings, level);
    let result = match &cli.command {
        Command::Transcode(args) => commands::transcode::run(&cli.settings, args),
        Command::Probe(args) => commands::probe::run(&cli.settings, args),
        Command::Doctor(args) => commands::doctor::run(&cli.settings, args),
        Command::Serve(args) => {
            let shown = config::show::describe(&parsed.matches, &parsed.from_file);
            commands::serve::run(&cli.settings, args, &shown)
        }
        Command::Health(args) => commands::health::run(args),
        Command::Work(args) => {
            let shown = config::show::describe(&parsed.matches, &parsed.from_file);
            commands::work::run(&cli.settings, args, &shown)
        }
        Command::Migrate(args) => commands::migrate::run(args),
        Command::User(args) => commands::user::run(args),
        Command::Schema => commands::schema::run(),
        Command::Child(args) => commands::child::run(args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => exit::report(&error),
    }
}
