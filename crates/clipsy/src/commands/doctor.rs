//! `clipsy doctor`: what works on this machine.

mod proxy;

use std::fmt::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use clipsy_pipeline::doctor::{self, Finding, Report};
use clipsy_service::cage::Cage;
use clipsy_worker::cards::find::Finder;
use clipsy_worker::prover::Spawned;
use clipsy_worker::sandbox::Mode;
use clipsy_worker::sandbox::self_test::Tested;
use serde::Serialize;

use super::{print, print_json};
use crate::config::{Settings, environment};

/// Arguments of `clipsy doctor`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Instead try what the proxy at this address makes of requests, e.g. <https://videos.example>
    /// or <http://videos.example/clips>
    #[arg(long, value_name = "URL")]
    proxy: Option<String>,
    /// Certificates in PEM to trust there, besides those of the system
    #[arg(long, value_name = "FILE", requires = "proxy")]
    proxy_ca: Option<PathBuf>,
}

/// Runs the command. Fails if no job could run on this machine.
pub(crate) fn run(settings: &Settings, args: &Args) -> anyhow::Result<()> {
    if let Some(url) = &args.proxy {
        return proxy::run(url, args.proxy_ca.as_deref(), args.json);
    }
    let (catalog, ladder) = (settings.catalog()?, settings.ladder()?);
    settings.allow_decoders()?;
    super::start_pipeline()?;
    let encoders = settings.encoders_text()?;
    let prover = Spawned::new(encoders.clone());
    let report = doctor::examine(&catalog, &ladder, &prover);
    let cards = Finder::new(environment::visible_cards())
        .find()
        .into_iter()
        .map(|card| OnCard {
            encoders: doctor::examine_card(
                &catalog,
                &ladder,
                &Spawned::on(encoders.clone(), card.view),
            ),
            id: card.id,
            label: card.label,
        });
    let whole = Whole {
        cards: cards.collect(),
        sandbox: sandbox(),
        report,
    };
    if args.json {
        print_json(&whole)?;
    } else {
        print(&describe(&whole))?;
    }
    let report = whole.report;
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

/// What is printed.
#[derive(Debug, Serialize)]
struct Whole {
    #[serde(flatten)]
    report: Report,
    /// What each graphics card encodes.
    cards: Vec<OnCard>,
    /// Whether the processes that parse videos for the service are locked in.
    sandbox: Finding,
}

/// What one card encodes.
#[derive(Debug, Serialize)]
struct OnCard {
    id: String,
    label: String,
    encoders: Vec<Finding>,
}

/// Has a process lock itself in and try to get out.
fn sandbox() -> Finding {
    let tried = try_sandbox().unwrap_or_else(|error| Err(format!("it cannot be tried: {error:#}")));
    let advice = tried.is_err().then(|| {
        "run a kernel with Landlock (Linux 5.13 or newer) and seccomp; in a container, allow \
         their system calls"
            .into()
    });
    let works = tried.is_ok();
    Finding {
        label: "Sandbox for parsing videos".into(),
        ..Finding::new(
            "sandbox",
            works,
            tried.unwrap_or_else(|reason| reason),
            advice,
        )
    }
}

/// Tries, in the background, whether the sandbox holds, and tells `cage`.
pub(crate) fn try_in_background(mode: Mode, cage: Cage) {
    if mode == Mode::Off {
        cage.tried(Err("switched off by CLIPSY_SANDBOX".into()));
        return;
    }
    std::thread::spawn(move || {
        let tried = try_sandbox();
        let tried = tried.unwrap_or_else(|error| Err(format!("it cannot be tried: {error:#}")));
        match &tried {
            Ok(sandbox) => tracing::info!(sandbox, "videos are parsed locked in"),
            Err(missing) => tracing::warn!(missing, "videos are not parsed locked in entirely"),
        }
        cage.tried(tried);
    });
}

/// What holds, or what is missing, in words.
fn try_sandbox() -> anyhow::Result<Result<String, String>> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port().to_string();
    let output = Command::new(std::env::current_exe()?)
        .args(["child", "--self-test", "--port", &port])
        .stdin(Stdio::null())
        .output()?;
    let tested: Tested = serde_json::from_slice(&output.stdout)?;
    let open: Vec<&str> = tested
        .trials
        .iter()
        .filter(|trial| !trial.holds())
        .map(|trial| trial.what.as_str())
        .collect();
    Ok(match (tested.sandbox.missing, open.is_empty()) {
        (None, true) => Ok(format!(
            "Landlock and seccomp hold: {} ways out are closed; {}",
            tested.trials.iter().filter(|trial| trial.refused).count(),
            tested.sandbox.namespaces.describe()
        )),
        (Some(missing), _) => Err(missing),
        (None, false) => Err(format!("these are possible: {}", open.join(", "))),
    })
}

fn describe(whole: &Whole) -> String {
    let report = &whole.report;
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
    for card in &whole.cards {
        let _ = writeln!(text, "\ncard {} ({})", card.label, card.id);
        for finding in card.encoders.iter().filter(|f| f.works) {
            describe_finding(&mut text, finding);
        }
        if !card.encoders.iter().any(|f| f.works) {
            text.push_str("    no  encoder works on it\n");
        }
    }
    text.push_str("\nservice\n");
    describe_finding(&mut text, &whole.sandbox);
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
    if let Some(sessions) = &finding.sessions {
        let more = if sessions.more { " at least" } else { "" };
        let _ = writeln!(
            text,
            "         {:<26} sessions at once: {}{more}",
            "", sessions.opened
        );
    }
    if finding.variants.len() > 1 {
        for variant in &finding.variants {
            let mark = if variant.works { "works" } else { "no" };
            let line = format!("{}: {mark}: {}", variant.element, variant.reason);
            let _ = writeln!(text, "         {:<26} {line}", "");
        }
    }
    if let Some(advice) = &finding.advice {
        let _ = writeln!(text, "         {:<26} → {advice}", "");
    }
}
