//! Which encoders work on this machine.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use clipsy_domain::worker::EncoderFound;
use clipsy_pipeline::catalog::{Catalog, EncoderSpec};
use serde::Deserialize;
use tokio::time::timeout;

use super::child;

/// Longest trial of the encoders; a driver may hang.
const TRIAL: Duration = Duration::from_mins(2);

/// Tries all encoders in a process of its own, where a driver may crash. `catalog` is the catalog as
/// TOML and `file` where it comes from, both `None` for the built-in one; `wanted` is the encoder
/// that was asked for, or `auto`; `registry` is the file of plugins that jobs use. `None` if it cannot be told, which is logged.
pub async fn find(
    catalog: Option<&str>,
    file: Option<&Path>,
    wanted: &str,
    registry: &Path,
) -> Option<Vec<EncoderFound>> {
    let catalog = match catalog.map_or_else(Catalog::built_in, Catalog::parse) {
        Ok(catalog) => catalog,
        Err(error) => {
            tracing::warn!(%error, "the encoder catalog cannot be read");
            return None;
        }
    };
    let mut doctor = tokio::process::Command::new(child::PROGRAM);
    if let Some(file) = file {
        doctor.arg("--encoders").arg(file);
    }
    doctor
        .args(["doctor", "--json"])
        // What jobs will find, and not what a user found before the driver was there.
        .env("GST_REGISTRY", registry)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let Ok(Ok(output)) = timeout(TRIAL, doctor.output()).await else {
        tracing::warn!("the encoders could not be tried");
        return None;
    };
    let report: Report = match serde_json::from_slice(&output.stdout) {
        Ok(report) => report,
        Err(error) => {
            tracing::warn!(%error, "the trial of the encoders said nothing that can be read");
            return None;
        }
    };
    let preferred = match wanted {
        "auto" => report.selected.clone(),
        chosen => Some(chosen.to_owned()),
    };
    let describe = |finding| encoder(finding, &catalog, preferred.as_deref());
    Some(report.encoders.into_iter().map(describe).collect())
}

/// What `clipsy doctor --json` says about encoders.
#[derive(Debug, Deserialize)]
struct Report {
    encoders: Vec<Finding>,
    selected: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Finding {
    id: String,
    label: String,
    works: bool,
    reason: String,
    advice: Option<String>,
}

fn encoder(finding: Finding, catalog: &Catalog, preferred: Option<&str>) -> EncoderFound {
    let spec = catalog.encoders.iter().find(|spec| spec.id == finding.id);
    let first = spec.and_then(|spec| spec.variants.first());
    // A finding that works begins with the element that did it.
    let element = finding.reason.split_whitespace().next();
    let element = element.filter(|name| {
        let known = |spec: &EncoderSpec| spec.variants.iter().any(|v| v.element == *name);
        spec.is_some_and(known)
    });
    let hardware = spec.is_some_and(|spec| spec.hardware);
    EncoderFound {
        kind: if hardware { &*finding.id } else { "software" }.to_owned(),
        element: element
            .or(first.map(|variant| variant.element.as_str()))
            .unwrap_or_default()
            .to_owned(),
        preferred: finding.works && preferred == Some(finding.id.as_str()),
        id: finding.id,
        label: finding.label,
        works: finding.works,
        reason: finding.reason,
        advice: finding.advice,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoder_is_described_by_report_and_catalog() {
        let catalog = Catalog::built_in().unwrap();
        let finding = |id: &str, works: bool, reason: &str| Finding {
            id: id.into(),
            label: id.into(),
            works,
            reason: reason.into(),
            advice: None,
        };
        let software = catalog.encoders.iter().find(|e| !e.hardware).unwrap();
        let element = &software.variants[0].element;
        let reason = format!("{element} encoded real pictures");
        let found = encoder(
            finding(&software.id, true, &reason),
            &catalog,
            Some(&software.id),
        );
        assert_eq!((&*found.kind, &found.element), ("software", element));
        assert!(found.preferred);
        let nvenc = encoder(
            finding("nvenc", false, "no device"),
            &catalog,
            Some("nvenc"),
        );
        assert_eq!(nvenc.kind, "nvenc");
        assert!(!nvenc.preferred && !nvenc.element.is_empty());
    }
}
