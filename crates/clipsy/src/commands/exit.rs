//! Exit codes and the one line that says what went wrong.

use std::process::ExitCode;

use clipsy_domain::failure::{Failure, Fault, Stage};

/// The command line or a settings file is wrong.
#[derive(Debug)]
pub(crate) struct UsageError(pub(crate) String);

impl std::fmt::Display for UsageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

/// The command cannot do what was asked, for a reason that has a code of its own.
#[derive(Debug)]
pub(crate) struct Refusal {
    code: &'static str,
    message: String,
}

impl Refusal {
    /// A refusal; the code `usage` means that the command line or the environment is wrong.
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// Its code.
    pub(crate) fn code(&self) -> &'static str {
        self.code
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}

/// The command line or a settings file is wrong.
const USAGE: u8 = 2;
/// The input was refused.
const INPUT: u8 = 3;
/// Anything else.
const OTHER: u8 = 1;

/// Prints `error[code]: message` and gives the exit code.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    let (code, message, exit) = explain(error);
    // Standard error may be closed; there is nobody left to tell then.
    let _ = std::io::Write::write_fmt(
        &mut std::io::stderr(),
        format_args!("error[{code}]: {message}\n"),
    );
    ExitCode::from(exit)
}

/// The failure behind `error`, if it is one that a job can have.
pub(crate) fn failure(error: &clipsy_pipeline::Error) -> Failure {
    error.to_failure(Stage::Transcode)
}

/// True if the command line is wrong, not the job.
pub(crate) fn is_usage(error: &clipsy_pipeline::Error) -> bool {
    matches!(
        error,
        clipsy_pipeline::Error::Source { .. } | clipsy_pipeline::Error::Catalog(_)
    )
}

fn explain(error: &anyhow::Error) -> (String, String, u8) {
    if let Some(usage) = error.downcast_ref::<UsageError>() {
        return ("usage".into(), one_line(&usage.to_string()), USAGE);
    }
    if let Some(refusal) = error.downcast_ref::<Refusal>() {
        let exit = if refusal.code == "usage" {
            USAGE
        } else {
            OTHER
        };
        return (refusal.code.into(), one_line(&refusal.message), exit);
    }
    match error.downcast_ref::<clipsy_pipeline::Error>() {
        Some(pipeline) if is_usage(pipeline) => {
            ("usage".into(), one_line(&error.to_string()), USAGE)
        }
        Some(pipeline) => {
            let failure = failure(pipeline);
            let exit = if failure.code.fault() == Fault::Input {
                INPUT
            } else {
                OTHER
            };
            (failure.code.as_str().into(), failure.message, exit)
        }
        None => ("internal".into(), one_line(&format!("{error:#}")), OTHER),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
