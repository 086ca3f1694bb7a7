//! How videos are transcoded, by hand or by the service.

use std::time::Duration;

use clap::Args;
use clipsy_domain::ladder::Ladder;
use clipsy_domain::limits::Limits;
use clipsy_pipeline::transcode::Decoder;
use serde::{Deserialize, Serialize};

use crate::commands::exit::UsageError;

/// How to transcode.
#[derive(Debug, Args)]
pub(crate) struct TranscodeArgs {
    /// Encoder: auto, or one that `clipsy doctor` lists
    #[arg(
        long,
        env = "CLIPSY_ENCODER",
        default_value = "auto",
        value_name = "ID"
    )]
    pub(crate) encoder: String,
    /// Where to decode; auto and hardware use a card for what it has proven to decode and the CPU for the
    /// rest, and hardware says so if no card does
    #[arg(long, env = "CLIPSY_DECODER", value_enum, default_value = "auto")]
    pub(crate) decoder: DecoderArg,
    /// Length of a segment in seconds, a multiple of the keyframe interval [default: the ladder's]
    #[arg(long, env = "CLIPSY_SEGMENT_SECONDS", value_name = "SECONDS")]
    segment_seconds: Option<u32>,
    /// End the job when nothing has moved for this long
    #[arg(long, env = "CLIPSY_STALL_TIMEOUT", default_value_t = 60, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    stall_timeout: u64,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
}

impl TranscodeArgs {
    /// `ladder` with the segments that are asked for.
    pub(crate) fn adjust(&self, ladder: Ladder) -> Result<Ladder, UsageError> {
        match self.segment_seconds {
            Some(seconds) => ladder
                .with_segment_s(seconds)
                .map_err(|e| UsageError(format!("--segment-seconds: {e}"))),
            None => Ok(ladder),
        }
    }

    /// How long nothing may move.
    pub(crate) fn stall_timeout(&self) -> Duration {
        Duration::from_secs(self.stall_timeout)
    }
}

/// Where to decode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DecoderArg {
    Auto,
    Software,
    Hardware,
}

impl From<DecoderArg> for Decoder {
    fn from(arg: DecoderArg) -> Self {
        match arg {
            DecoderArg::Auto => Self::Auto,
            DecoderArg::Software => Self::Software,
            DecoderArg::Hardware => Self::Hardware,
        }
    }
}

/// Limits on the source.
#[derive(Debug, Args)]
pub(crate) struct LimitArgs {
    /// Refuse pictures of more megapixels
    #[arg(
        long,
        env = "CLIPSY_MAX_MEGAPIXELS",
        default_value_t = 36.0,
        value_name = "MP"
    )]
    max_megapixels: f64,
    /// Refuse video of more frames per second
    #[arg(
        long,
        env = "CLIPSY_MAX_FPS",
        default_value_t = 240.0,
        value_name = "FPS"
    )]
    max_fps: f64,
    /// Refuse files with more tracks
    #[arg(
        long,
        env = "CLIPSY_MAX_TRACKS",
        default_value_t = 16,
        value_name = "N"
    )]
    max_tracks: usize,
    /// Refuse longer video
    #[arg(
        long,
        env = "CLIPSY_MAX_HOURS",
        default_value_t = 12.0,
        value_name = "HOURS"
    )]
    max_hours: f64,
    /// Refuse files with fewer bytes for each second beyond the first ten minutes
    #[arg(
        long,
        env = "CLIPSY_MIN_BYTES_PER_SECOND",
        default_value_t = 50.0,
        value_name = "BYTES"
    )]
    min_bytes_per_second: f64,
}

impl LimitArgs {
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            max_pixels: (self.max_megapixels * 1e6) as u64,
            max_fps: self.max_fps,
            max_tracks: self.max_tracks,
            max_duration_s: self.max_hours * 3600.0,
            min_bytes_per_s: self.min_bytes_per_second,
            ..Limits::default()
        }
    }
}
