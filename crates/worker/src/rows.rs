//! What is written down about a running job.

use std::collections::HashMap;

use clipsy_domain::job::Job;
use clipsy_domain::ladder::PlannedRung;
use clipsy_domain::progress::{RenditionProgress, RenditionSummary};
use clipsy_storage::{NewRendition, RenditionUpdate};

use super::Worker;

/// What is known once the renditions are chosen.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) duration_s: Option<f64>,
    /// Of the upright picture in pixels.
    pub(super) size: (u32, u32),
    pub(super) fps: Option<f64>,
    pub(super) renditions: Vec<NewRendition>,
}

/// Writes the plan down. False if the attempt no longer holds the job.
pub(super) async fn write_plan(
    worker: &Worker,
    job: &Job,
    plan: &Planned,
) -> clipsy_storage::Result<bool> {
    let (width, height) = (i64::from(plan.size.0), i64::from(plan.size.1));
    let (id, attempt) = (job.id, job.attempt);
    let held = worker
        .db
        .record_media(id, attempt, plan.duration_s, width, height, plan.fps)
        .await?;
    Ok(held
        && worker
            .db
            .record_renditions(id, attempt, &plan.renditions)
            .await?)
}

/// Writes down how far the renditions are; `bytes` are their finished segments. False if the
/// attempt no longer holds the job.
pub(super) async fn write_progress(
    worker: &Worker,
    job: &Job,
    renditions: &[RenditionProgress],
    bytes: &HashMap<String, i64>,
    encoder: Option<&str>,
) -> clipsy_storage::Result<bool> {
    let updates: Vec<RenditionUpdate> = renditions
        .iter()
        .map(|rendition| RenditionUpdate {
            rung: rendition.rung.clone(),
            percent: rendition.percent,
            file_size: bytes.get(&rendition.rung).copied(),
            encoder: encoder.map(str::to_owned),
        })
        .collect();
    worker
        .db
        .record_progress(job.id, job.attempt, &updates)
        .await
}

/// A rendition of which nothing is there yet.
pub(super) fn planned(rung: &PlannedRung) -> NewRendition {
    NewRendition {
        rung: rung.name.clone(),
        width: i64::from(rung.width),
        height: i64::from(rung.height),
        bitrate: i64::from(rung.max_kbps),
        file_size: 0,
        codecs: None,
        encoder: None,
    }
}

/// The summary of each planned rendition; those that were not planned are left out.
pub(super) fn in_order<'a>(
    planned: &'a [PlannedRung],
    made: &'a [RenditionSummary],
) -> impl Iterator<Item = &'a RenditionSummary> {
    planned
        .iter()
        .filter_map(|rung| made.iter().find(|m| m.quality == rung.name))
}

/// The number behind `"24000/1001"`.
pub(super) fn frames_per_second(rate: &str) -> Option<f64> {
    let (num, den) = rate.split_once('/').unwrap_or((rate, "1"));
    let (num, den): (f64, f64) = (num.parse().ok()?, den.parse().ok()?);
    let fps = num / den;
    fps.is_finite().then_some(fps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_rates_are_read() {
        assert_eq!(frames_per_second("25"), Some(25.0));
        assert_eq!(frames_per_second("24000/1001"), Some(24000.0 / 1001.0));
        for odd in ["", "x", "1/0", "1/x"] {
            assert_eq!(frames_per_second(odd), None, "{odd}");
        }
    }
}
