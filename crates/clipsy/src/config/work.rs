//! Settings of processes that do jobs.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clipsy_domain::job::RetryPolicy;
use clipsy_worker::sandbox::Mode;

use super::TranscodeArgs;

/// How jobs are done.
#[derive(Debug, Args)]
pub(crate) struct WorkArgs {
    /// Videos that are processed side by side; 0 for none [default: one for every eight cores, on
    /// a GPU at least two, but at most one for each GiB of memory, and at least one; with --nats-url,
    /// `clipsy serve` processes none]
    #[arg(long, env = "CLIPSY_JOBS", value_name = "N")]
    pub(crate) jobs: Option<usize>,
    /// Bad ends of a job, such as crashes, until it has failed for good
    #[arg(long, env = "CLIPSY_MAX_ATTEMPTS", default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(i64).range(1..))]
    max_attempts: i64,
    /// Wait after the first bad end of a job; it doubles with each
    #[arg(long, env = "CLIPSY_RETRY_SECONDS", default_value_t = 5, value_name = "SECONDS", value_parser = clap::value_parser!(i64).range(0..=86_400))]
    retry_seconds: i64,
    /// End a job that takes longer
    #[arg(
        long,
        env = "CLIPSY_MAX_JOB_HOURS",
        default_value = "24",
        value_name = "HOURS",
        value_parser = hours
    )]
    max_job_hours: Duration,
    /// How long a job stays with a worker that does not report; then another one does it
    #[arg(long, env = "CLIPSY_LEASE_SECONDS", default_value_t = 60, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(4..=3600))]
    lease_seconds: u64,
    /// Whether the processes that parse videos are locked in
    #[arg(long, env = "CLIPSY_SANDBOX", value_enum, default_value = "auto")]
    sandbox: SandboxArg,
    /// Memory that the process of one job may take, in MB; one that needs more is ended, and its job
    /// fails
    #[arg(long, env = "CLIPSY_JOB_MEMORY_MB", default_value_t = 4096, value_name = "MB", value_parser = clap::value_parser!(u64).range(256..=1_048_576))]
    job_memory_mb: u64,
    /// Encoding sessions that all workers of this machine may have open together on each card; a job
    /// opens one for each rendition [default: no limit]
    #[arg(long, env = "CLIPSY_GPU_SESSIONS", value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) gpu_sessions: Option<u16>,
    /// Folder in which the workers of this machine count those sessions
    #[arg(
        long,
        env = "CLIPSY_GPU_LOCK_DIR",
        default_value = "/run/lock",
        value_name = "DIR"
    )]
    pub(crate) gpu_lock_dir: PathBuf,
    /// How long a stop may take
    #[arg(
        long,
        env = "CLIPSY_SHUTDOWN_TIMEOUT",
        default_value_t = 20,
        value_name = "SECONDS"
    )]
    shutdown_timeout: u64,
    #[command(flatten)]
    pub(crate) transcode: TranscodeArgs,
}

/// Whether children are locked in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum SandboxArg {
    /// As far as the kernel can; it is said if it cannot.
    Auto,
    /// Entirely, or no job runs.
    Require,
    /// Not at all.
    Off,
}

impl WorkArgs {
    /// Whether the processes that parse videos are locked in.
    pub(crate) fn sandbox(&self) -> Mode {
        match self.sandbox {
            SandboxArg::Auto => Mode::Auto,
            SandboxArg::Require => Mode::Require,
            SandboxArg::Off => Mode::Off,
        }
    }

    /// When attempts are repeated.
    pub(crate) fn retry(&self) -> RetryPolicy {
        RetryPolicy {
            max_failures: self.max_attempts,
            first_backoff_ms: self.retry_seconds * 1000,
            ..RetryPolicy::default()
        }
    }

    /// Longest run of one attempt.
    pub(crate) fn max_runtime(&self) -> Duration {
        self.max_job_hours
    }

    /// Memory that a child may take, in bytes.
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.job_memory_mb << 20
    }

    /// How long a claim holds without being renewed.
    pub(crate) fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_seconds)
    }

    /// How long a stop may take.
    pub(crate) fn shutdown_timeout(&self) -> Duration {
        Duration::from_secs(self.shutdown_timeout)
    }
}

/// Hours, also parts of one, up to a year.
pub(super) fn hours(text: &str) -> Result<Duration, String> {
    const YEAR: f64 = 8760.0;
    let hours: f64 = text.parse().map_err(|_| "it is no number".to_owned())?;
    if hours > 0.0 && hours <= YEAR {
        Ok(Duration::from_secs_f64(hours * 3600.0))
    } else {
        Err(format!("it must be above 0 and at most {YEAR}"))
    }
}
