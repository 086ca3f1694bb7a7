//! Who may see the service's figures.

use std::path::PathBuf;

use clap::Args;

use super::environment;
use crate::commands::exit::UsageError;

/// Tokens that are shorter could be guessed.
const SHORTEST_TOKEN: usize = 16;

/// Who may see the service's figures. Without any of these nobody may, and none are kept.
#[derive(Debug, Default, Args)]
pub(crate) struct MetricsArgs {
    /// Answer /metrics for Prometheus on this address, to everybody who can reach it, e.g.
    /// 127.0.0.1:9464
    #[arg(
        long,
        env = "CLIPSY_METRICS_LISTEN",
        value_name = "ADDRESS:PORT",
        value_parser = clap::builder::NonEmptyStringValueParser::new()
    )]
    pub(crate) metrics_listen: Option<String>,
    /// File with a token; whoever sends it as a bearer token may see /metrics on the service's own
    /// address. `CLIPSY_METRICS_TOKEN` may hold the token itself
    #[arg(long, env = "CLIPSY_METRICS_TOKEN_FILE", value_name = "FILE")]
    metrics_token_file: Option<PathBuf>,
}

impl MetricsArgs {
    /// The token, if there is one.
    pub(crate) fn token(&self) -> Result<Option<String>, UsageError> {
        let token = match &self.metrics_token_file {
            Some(file) => Some(super::read("--metrics-token-file", file)?),
            None => environment::metrics_token(),
        };
        let token = token.map(|token| token.trim().to_owned());
        match token {
            Some(token) if token.len() < SHORTEST_TOKEN => Err(UsageError(format!(
                "the metrics token has to have {SHORTEST_TOKEN} characters or more"
            ))),
            token => Ok(token),
        }
    }
}
