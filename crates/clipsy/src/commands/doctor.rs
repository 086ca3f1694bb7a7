//! `clipsy doctor`: what works on this machine.

use std::fmt::Write as _;

use clipsy_pipeline::doctor::{self, Finding, Report};

use super::{print, print_json};
use crate::config::Settings;

/// Arguments of `clipsy doctor`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command. Fails if no job could run on this machine.
pub(crate) fn run(settings: &Settings, args: &Args) -> anyhow::Result<()> {
    let (catalog, ladder) = (settings.catalog()?, settings.ladder()?);
    clipsy_pipeline::init()?;
    let report = doctor::examine(&catalog, &ladder);
    if args.json {
        print_json(&report)?;
    } else {
        print(&describe(&report))?;
    }
    if let Some(part) = report.parts.iter().find(|part| !part.works) {
        let reason = format!(
            "{} is missing, no job can run: {}",
            part.label,
            part.advice.as_deref().unwrap_or(&part.reason)
        );
        return Err(clipsy_pipeline::Error::Internal(reason).into());
    }
    if report.selected.is_none() {
        let failure = clipsy_domain::failure::Failure::new(
            clipsy_domain::failure::FailureCode::EncoderUnavailable,
            clipsy_domain::failure::Stage::Plan,
            "no encoder works on this machine",
        );
        return Err(clipsy_pipeline::Error::from(failure).into());
    }
    Ok(())
}

fn describe(report: &Report) -> String {
    let mut text = format!("{}\n", report.gstreamer);
    for (title, findings) in [
        ("video encoders", &report.encoders),
        ("decoders", &report.decoders),
        ("parts", &report.parts),
    ] {
        let _ = writeln!(text, "\n{title}");
        for finding in findings {
            describe_finding(&mut text, finding);
        }
    }
    match &report.selected {
        Some(encoder) => {
            let _ = writeln!(text, "\n`--encoder auto` uses {encoder}.");
        }
        None => text.push_str("\nNo encoder works: nothing can be transcoded.\n"),
    }
    text
}

fn describe_finding(text: &mut String, finding: &Finding) {
    let mark = if finding.works { "works" } else { "  no " };
    let _ = writeln!(text, "  {mark}  {:<26} {}", finding.label, finding.reason);
    if let Some(advice) = &finding.advice {
        let _ = writeln!(text, "         {:<26} → {advice}", "");
    }
}
