//! `clipsy doctor --proxy URL`: what a proxy in front of the service makes of requests and answers.
//!
//! Each check does what a browser or an upload does, and looks at what comes back. Nothing of it
//! needs an account, and nothing secret is sent.

mod calls;
mod live;
mod reach;
mod target;
mod tls;
mod uploads;

use std::path::Path;

use anyhow::Context as _;
use clipsy_pipeline::doctor::Finding;
use serde::Serialize;
use target::Target;

use crate::commands::exit::Refusal;
use crate::commands::{print, print_json};

/// Runs all checks. Fails if one of them does. `ca` is a file with certificates to trust besides
/// those of the system.
pub(super) fn run(url: &str, ca: Option<&Path>, json: bool) -> anyhow::Result<()> {
    let target = Target::parse(url, ca)?;
    let (findings, counted) = examine(&target).with_context(|| format!("could not ask {url}"))?;
    if json {
        print_json(&Report {
            proxy: &findings,
            sent: uploads::HALF,
            received: counted,
        })?;
    } else {
        let mut text = String::new();
        for finding in &findings {
            super::describe_finding(&mut text, finding);
        }
        print(&text)?;
    }
    match findings.into_iter().find(|finding| !finding.works) {
        None => Ok(()),
        Some(Finding { reason, advice, .. }) => {
            let advice = advice.unwrap_or_default();
            Err(Refusal::new("proxy", format!("{reason}: {advice}")).into())
        }
    }
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Report<'a> {
    proxy: &'a [Finding],
    /// Bytes that were sent before it was asked how many had arrived.
    sent: usize,
    /// Bytes that had arrived then.
    received: usize,
}

/// What was seen, the worst first to be mended, and the bytes of an upload that arrived in time.
fn examine(target: &Target) -> anyhow::Result<(Vec<Finding>, usize)> {
    // First, since the others make no sense if somebody else answers.
    let address = calls::address(target)?;
    let outcome = uploads::send_half(target)?;
    let mut findings = vec![
        address,
        reach::page(target)?,
        uploads::finding(&outcome),
        calls::methods(target)?,
        live::web_socket(target)?,
        live::events(target)?,
        reach::media(target)?,
    ];
    findings.extend(target.certificate());
    Ok((findings, outcome.received))
}

/// What was found out about one thing. It works if there is nothing to be done.
fn found(id: &str, label: &str, reason: impl Into<String>, advice: Option<&str>) -> Finding {
    Finding {
        label: label.into(),
        ..Finding::new(
            id,
            advice.is_none(),
            reason.into(),
            advice.map(str::to_owned),
        )
    }
}
