//! The `clipsy` command.

mod commands;
mod config;
mod metrics;
mod service;
mod telemetry;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use commands::exit;
use telemetry::Telemetry;

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
    /// Copy database, keys and media of a service, which may be running, to a folder
    Backup(commands::backup::Args),
    /// Bring a backup back into a new, empty place
    Restore(commands::restore::Args),
    /// Check that every video has its files, and every file its video
    Verify(commands::verify::Args),
    /// Set how urgent the processing of a video is
    Priority(commands::priority::Args),
    /// Make and list accounts, set passwords
    User(commands::user::Args),
    /// Print the GraphQL schema
    Schema,
    /// Print what a shell needs to complete this command's words
    Completions(commands::pages::CompletionsArgs),
    /// Write manual pages
    Man(commands::pages::ManArgs),
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
    let telemetry = match start(cli) {
        Ok(telemetry) => telemetry,
        Err(error) => return exit::report(&error),
    };
    let result = match &cli.command {
        Command::Transcode(args) => commands::transcode::run(&cli.settings, args),
        Command::Probe(args) => commands::probe::run(&cli.settings, args),
        Command::Doctor(args) => commands::doctor::run(&cli.settings, args),
        Command::Serve(args) => {
            let shown = config::show::describe(&parsed.matches, &parsed.from_file);
            let told = config::show::settings(
                &Cli::command(),
                &parsed.matches,
                &parsed.from_file,
                &config::environment::trimmed,
            );
            commands::serve::run(&cli.settings, args, &shown, told)
        }
        Command::Health(args) => commands::health::run(args),
        Command::Work(args) => {
            let shown = config::show::describe(&parsed.matches, &parsed.from_file);
            commands::work::run(&cli.settings, args, &shown)
        }
        Command::Migrate(args) => commands::migrate::run(args),
        Command::Backup(args) => commands::backup::run(args),
        Command::Restore(args) => commands::restore::run(args),
        Command::Verify(args) => commands::verify::run(args),
        Command::Priority(args) => commands::priority::run(args),
        Command::User(args) => commands::user::run(args),
        Command::Schema => commands::schema::run(),
        Command::Completions(args) => commands::pages::completions(args, Cli::command()),
        Command::Man(args) => commands::pages::man(args, Cli::command()),
        Command::Child(args) => commands::child::run(args),
    };
    telemetry.end();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => exit::report(&error),
    }
}

/// What comes before any command.
fn start(cli: &Cli) -> anyhow::Result<Telemetry> {
    let (command, traces) = match &cli.command {
        Command::Serve(args) => ("serve", args.traces()),
        Command::Work(args) => ("work", &args.traces),
        _ => return Ok(telemetry::start(&cli.settings, "error", "", None)?),
    };
    // It may begin again, so before there are threads.
    config::give_memory_back()?;
    let collector = traces.address()?;
    let telemetry = telemetry::start(&cli.settings, "info", command, collector.as_deref())?;
    Ok(telemetry)
}
