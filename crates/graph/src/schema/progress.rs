//! How far a video is: what the rows say, and what its running attempt last told.

use std::sync::Arc;

use async_graphql::{ID, SimpleObject};
use clipsy_domain::asset::{Asset, AssetState};
use clipsy_domain::job::{self, JobState};
use clipsy_domain::progress::RenditionProgress;
use clipsy_service::watch;

use super::errors::Result;
use super::ids;
use super::names::RenditionState;
use super::scalars::{BigInt, int};
use super::video::{Video, in_progress};
use crate::app::App;

/// Progress is not complete before the video is ready.
const ALMOST: f64 = 99.9;
/// From there on what is left is writing playlists.
const ENCODED: f64 = 99.0;

/// Progress of processing.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(serial)]
pub(crate) struct Progress {
    /// 0 to 100, of the slowest rendition; null if the duration of the video is unknown. Reaches
    /// 100 only when the video is `READY`.
    pub(crate) percent: Option<f64>,
    /// Estimated remaining seconds at the recent speed; null if unknown.
    pub(crate) eta_seconds: Option<f64>,
    /// Position in the queue, from 1; null unless queued.
    pub(crate) queue_position: Option<i32>,
    /// `queued`, `probing`, `transcoding` or `publishing`.
    pub(crate) stage: Option<String>,
    /// Seconds of video encoded per second by the slowest rendition; null while nothing is being
    /// encoded.
    pub(crate) speed: Option<f64>,
}

/// The encoded video at one size.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(serial)]
pub(crate) struct Rendition {
    /// Identifier, unique among all renditions; kept when the video is processed again.
    id: ID,
    /// Name, e.g. `720p`.
    name: String,
    /// Width in pixels.
    width: i32,
    /// Height in pixels.
    height: i32,
    /// Its state.
    state: RenditionState,
    /// 0 to 100; null if the duration of the video is unknown.
    percent: Option<f64>,
    /// Frames encoded per second, over the last seconds; null unless running.
    fps: Option<f64>,
    /// Seconds of video encoded per second, over the last seconds; null unless running.
    speed: Option<f64>,
    /// Estimated remaining seconds at that speed; null if unknown.
    eta_seconds: Option<f64>,
    /// Size in bytes so far.
    bytes: BigInt,
    /// Average bit rate in kbit/s; the configured maximum until it is measured.
    bitrate_kbps: i32,
    /// Codecs in the format of RFC 6381; null until it is complete.
    codecs: Option<String>,
    /// Name of the encoder, e.g. `x264`; null until one is chosen.
    encoder: Option<String>,
    /// The attempt that produces or produced it.
    attempt: i32,
    /// Error message of the last attempt; null if it did not fail.
    error: Option<String>,
}

/// The renditions of a video. `own`: the viewer is told why an attempt failed, in detail.
pub(crate) async fn renditions(app: &App, video: &Video, own: bool) -> Result<Vec<Rendition>> {
    let asset = &video.asset;
    let rows = video.group.renditions(app, asset.id).await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    // What is ready says by itself which attempt it is of.
    let settled = asset.state == AssetState::Ready;
    let (attempt, failure) = if let Some(attempt) = asset.output_attempt.filter(|_| settled) {
        (attempt, None)
    } else {
        let jobs = video.group.jobs(app, asset.id).await?;
        let job = jobs.first();
        let failure = job.and_then(|job| job.failure.clone());
        (job.map_or(0, |job| job.attempt), failure)
    };
    let live = told(app, video);
    let failed = asset.state == AssetState::Failed;
    let error = failure.map(|failure| {
        if own {
            failure.message
        } else {
            failure.code.sentence().to_owned()
        }
    });
    let one = |row: &job::Rendition| {
        let live = live
            .as_ref()
            .and_then(|live| live.renditions.iter().find(|r| r.rung == row.rung));
        let state = state(asset, row, live);
        let runs = state == RenditionState::Running;
        let percent = live.map_or(row.percent, |live| live.percent);
        Rendition {
            id: ids::rendition(asset.id, &row.rung),
            name: row.rung.clone(),
            width: int(row.width),
            height: int(row.height),
            state,
            percent: match state {
                RenditionState::Done => Some(100.0),
                RenditionState::Waiting => Some(0.0),
                _ => percent.map(|percent| percent.min(ALMOST)),
            },
            fps: live.filter(|_| runs).map(|live| live.fps),
            speed: live.filter(|_| runs).map(|live| live.speed),
            eta_seconds: live.filter(|_| runs).and_then(|live| live.eta_s),
            bytes: live
                .map_or(0, |live| i64::try_from(live.bytes).unwrap_or(i64::MAX))
                .max(row.file_size)
                .into(),
            bitrate_kbps: int(row.bitrate),
            codecs: row.codecs.clone(),
            encoder: live
                .map(|live| live.encoder.clone())
                .filter(|encoder| !encoder.is_empty())
                .or_else(|| row.encoder.clone()),
            attempt: int(attempt),
            error: error.clone().filter(|_| failed || !row.done),
        }
    };
    Ok(rows.iter().map(one).collect())
}

/// How far a video is; `None` when there is nothing to wait for.
pub(crate) async fn progress(app: &App, video: &Video) -> Result<Option<Progress>> {
    let asset = &video.asset;
    if !in_progress(asset.state) {
        return Ok(None);
    }
    if asset.state == AssetState::Queued {
        let place = video.group.place(app, asset.id).await?;
        return Ok(Some(Progress {
            percent: Some(0.0),
            eta_seconds: None,
            queue_position: place.map(int),
            stage: Some("queued".to_owned()),
            speed: None,
        }));
    }
    let rows = video.group.renditions(app, asset.id).await?;
    let live = told(app, video);
    let told = live.as_ref().filter(|live| !live.renditions.is_empty());
    let percent = match told {
        Some(live) => live.percent,
        None => slowest(rows.iter().map(|row| row.percent)),
    };
    let stage = match percent {
        _ if rows.is_empty() => "probing",
        Some(percent) if percent >= ENCODED => "publishing",
        _ => "transcoding",
    };
    let renditions = || told.iter().flat_map(|live| &live.renditions);
    Ok(Some(Progress {
        percent: percent.map(|percent| percent.clamp(0.0, ALMOST)),
        eta_seconds: renditions().filter_map(|r| r.eta_s).reduce(f64::max),
        queue_position: None,
        stage: Some(stage.to_owned()),
        speed: renditions().map(|r| r.speed).reduce(f64::min),
    }))
}

/// What the running attempt last told; of a scene what it told at that moment.
fn told(app: &App, video: &Video) -> Option<Arc<watch::Progress>> {
    if video.asset.state != AssetState::Processing {
        return None;
    }
    match &video.group.scene {
        Some(scene) => scene.live.clone(),
        None => app.watch.progress(video.asset.id),
    }
}

fn state(asset: &Asset, row: &job::Rendition, live: Option<&RenditionProgress>) -> RenditionState {
    let begun = live.is_some_and(|live| live.frames > 0)
        || row.percent.is_some_and(|percent| percent > 0.0)
        || row.file_size > 0;
    match asset.state {
        _ if row.done => RenditionState::Done,
        AssetState::Ready => RenditionState::Done,
        AssetState::Failed | AssetState::Cancelled => RenditionState::Failed,
        AssetState::Processing if begun => RenditionState::Running,
        _ => RenditionState::Waiting,
    }
}

/// The smallest of all, if all are known.
fn slowest(percents: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let all: Option<Vec<f64>> = percents.collect();
    all?.into_iter().reduce(f64::min)
}

/// The attempt that a video is at or was last at.
pub(crate) fn attempt(jobs: &[job::Job]) -> i32 {
    int(jobs.first().map_or(0, |job| {
        // Stopping a job takes a number, too.
        job.attempt - i64::from(job.state == JobState::Cancelled)
    }))
}
