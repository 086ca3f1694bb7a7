//! Settings that all commands share. Only this module reads the environment.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use clipsy_domain::ladder::Ladder;
use clipsy_domain::limits::Limits;
use clipsy_pipeline::catalog::Catalog;

use crate::commands::exit::UsageError;

/// Settings by flag or environment; a flag wins.
#[derive(Debug, Args)]
pub(crate) struct Settings {
    /// Rungs and bitrates, as in pipelines/ladder.toml [default: built in]
    #[arg(long, global = true, env = "CLIPSY_LADDER", value_name = "FILE")]
    ladder: Option<PathBuf>,
    /// Encoders, as in pipelines/encoders.toml [default: built in]
    #[arg(long, global = true, env = "CLIPSY_ENCODERS", value_name = "FILE")]
    encoders: Option<PathBuf>,
    /// What to log to standard error, e.g. "info" or "`clipsy_pipeline=debug`"
    #[arg(
        long,
        global = true,
        env = "CLIPSY_LOG",
        default_value = "error",
        value_name = "FILTER"
    )]
    pub(crate) log: String,
    /// How log lines look
    #[arg(
        long,
        global = true,
        env = "CLIPSY_LOG_FORMAT",
        value_enum,
        default_value = "text"
    )]
    pub(crate) log_format: LogFormat,
}

/// Form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One object a line.
    Json,
}

impl Settings {
    /// The ladder to use.
    pub(crate) fn ladder(&self) -> anyhow::Result<Ladder> {
        let text = match &self.ladder {
            Some(path) => read("--ladder", path)?,
            None => include_str!("../../../pipelines/ladder.toml").to_owned(),
        };
        let ladder: Ladder = toml::from_str(&text)
            .map_err(|e| UsageError(format!("--ladder: {}", first_line(&e))))?;
        ladder
            .validate()
            .map_err(|e| UsageError(format!("--ladder: {e}")))?;
        Ok(ladder)
    }

    /// The encoders to choose from.
    pub(crate) fn catalog(&self) -> anyhow::Result<Catalog> {
        match &self.encoders {
            Some(path) => {
                let text = read("--encoders", path)?;
                Ok(Catalog::parse(&text).map_err(|e| UsageError(format!("--encoders: {e}")))?)
            }
            None => Ok(Catalog::built_in()?),
        }
    }
}

/// Limits on the source.
#[derive(Debug, Args)]
#[expect(clippy::struct_field_names, reason = "the names are the flags")]
pub(crate) struct LimitArgs {
    /// Refuse pictures of more megapixels
    #[arg(
        long,
        env = "CLIPSY_MAX_MEGAPIXELS",
        default_value_t = 36.0,
        value_name = "MP"
    )]
    max_megapixels: f64,
    /// Refuse video of more frames per second
    #[arg(
        long,
        env = "CLIPSY_MAX_FPS",
        default_value_t = 240.0,
        value_name = "FPS"
    )]
    max_fps: f64,
    /// Refuse files with more tracks
    #[arg(
        long,
        env = "CLIPSY_MAX_TRACKS",
        default_value_t = 16,
        value_name = "N"
    )]
    max_tracks: usize,
    /// Refuse longer video
    #[arg(
        long,
        env = "CLIPSY_MAX_HOURS",
        default_value_t = 12.0,
        value_name = "HOURS"
    )]
    max_hours: f64,
}

impl LimitArgs {
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            max_pixels: (self.max_megapixels * 1e6) as u64,
            max_fps: self.max_fps,
            max_tracks: self.max_tracks,
            max_duration_s: self.max_hours * 3600.0,
            ..Limits::default()
        }
    }
}

/// Starts this program again with settings for glibc's allocator, unless they are there already.
///
/// By default every thread gets memory pools of its own and freed pictures stay in them, which
/// with a dozen pipeline threads comes to tens of megabytes. glibc reads these settings only when
/// a process starts.
pub(crate) fn use_few_malloc_arenas() -> anyhow::Result<()> {
    const SETTINGS: [(&str, &str); 2] = [
        ("MALLOC_ARENA_MAX", "2"),
        ("MALLOC_MMAP_THRESHOLD_", "1048576"),
    ];
    if !cfg!(target_env = "gnu")
        || SETTINGS
            .iter()
            .any(|(name, _)| std::env::var_os(name).is_some())
    {
        return Ok(());
    }
    let mut again = std::process::Command::new(std::env::current_exe()?);
    again.args(std::env::args_os().skip(1)).envs(SETTINGS);
    // Only comes back if it fails; then the job runs with the memory that it takes.
    let error = std::os::unix::process::CommandExt::exec(&mut again);
    tracing::debug!(%error, "could not start again with fewer memory pools");
    Ok(())
}

fn read(flag: &str, path: &std::path::Path) -> Result<String, UsageError> {
    std::fs::read_to_string(path)
        .map_err(|e| UsageError(format!("{flag}: cannot read {}: {e}", path.display())))
}

fn first_line(error: &toml::de::Error) -> String {
    error
        .message()
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned()
}
