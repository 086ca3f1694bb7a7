//! Settings that commands share. Only this module reads the environment.

pub(crate) mod environment;
mod file;
pub(crate) mod media;
mod metrics;
pub(crate) mod nats;
pub(crate) mod service;
pub(crate) mod show;
mod traces;
mod transcode;
pub(crate) mod work;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use clipsy_domain::ladder::Ladder;
use clipsy_pipeline::catalog::Catalog;
use clipsy_pipeline::decoders::Decoders;

use crate::commands::exit::UsageError;

pub(crate) use environment::{give_memory_back, use_few_malloc_arenas};
pub(crate) use file::parse;
pub(crate) use metrics::MetricsArgs;
pub(crate) use traces::TracesArgs;
pub(crate) use transcode::{DecoderArg, LimitArgs, TranscodeArgs};

/// Settings by flag, environment or file; a flag wins over the environment, and that over a file.
#[derive(Debug, Args)]
pub(crate) struct Settings {
    /// Settings file (TOML): each line is one of the settings below by its long name, with `_`
    /// for `-`, e.g. `listen = "127.0.0.1:8000"`
    #[arg(long, global = true, env = "CLIPSY_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Rungs and bitrates, as in pipelines/ladder.toml [default: built in]
    #[arg(long, global = true, env = "CLIPSY_LADDER", value_name = "FILE")]
    ladder: Option<PathBuf>,
    /// Encoders, as in pipelines/encoders.toml [default: built in]
    #[arg(long, global = true, env = "CLIPSY_ENCODERS", value_name = "FILE")]
    encoders: Option<PathBuf>,
    /// TOML file with the decoders that may be used instead of the built-in list
    #[arg(long, global = true, env = "CLIPSY_DECODERS", value_name = "FILE")]
    decoders: Option<PathBuf>,
    /// What to log to standard error, e.g. "info" or "`clipsy_pipeline=debug`" [default: error;
    /// info when serving]
    #[arg(long, global = true, env = "CLIPSY_LOG", value_name = "FILTER")]
    pub(crate) log: Option<String>,
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
        match self.encoders_text()? {
            Some(text) => {
                Ok(Catalog::parse(&text).map_err(|e| UsageError(format!("--encoders: {e}")))?)
            }
            None => Ok(Catalog::built_in()?),
        }
    }

    /// The file that the encoders come from; `None` for the built-in ones.
    pub(crate) fn encoders_file(&self) -> Option<PathBuf> {
        self.encoders.clone()
    }

    /// The file with the decoders that may be used, read; `None` for the built-in list.
    pub(crate) fn decoders_text(&self) -> Result<Option<String>, UsageError> {
        let path = self.decoders.as_deref();
        let text = path.map(|path| read("--decoders", path)).transpose()?;
        if let Some(text) = &text {
            Decoders::parse(text).map_err(|e| UsageError(format!("--decoders: {e}")))?;
        }
        Ok(text)
    }

    /// Lets this process use the decoders that it may, and no others.
    pub(crate) fn allow_decoders(&self) -> Result<(), UsageError> {
        if let Some(text) = self.decoders_text()? {
            let decoders = Decoders::parse(&text);
            decoders
                .map_err(|e| UsageError(format!("--decoders: {e}")))?
                .allow();
        }
        Ok(())
    }

    /// The encoders to choose from as TOML; `None` for the built-in ones.
    pub(crate) fn encoders_text(&self) -> Result<Option<String>, UsageError> {
        let path = self.encoders.as_deref();
        path.map(|path| read("--encoders", path)).transpose()
    }
}

fn read(flag: &str, path: &Path) -> Result<String, UsageError> {
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
