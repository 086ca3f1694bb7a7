//! What a job tells while it runs.
//!
//! [`Event`]s are written as JSON lines by `clipsy transcode --json`, relayed by the worker and
//! shown by every client, so their names and units are stable.

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::ladder::PlannedRung;
use crate::media::{HdrKind, MediaInfo, Orientation};
use crate::tracks::Tracks;

/// An event. In JSON, the field `event` has its name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// The source was opened and measured.
    Probed {
        /// What was found.
        media: Box<MediaInfo>,
    },
    /// The renditions were chosen.
    Planned {
        /// From the largest to the smallest.
        renditions: Vec<PlannedRung>,
        /// Frame rate of all of them, e.g. `"24000/1001"`.
        frame_rate: String,
        /// Target segment length in seconds.
        segment_s: u32,
        /// Length of the source in seconds, if known.
        duration_s: Option<f64>,
        /// Set if the source is high dynamic range; renditions never are.
        hdr_source: Option<HdrKind>,
        /// True if fields are being made into frames.
        deinterlaced: bool,
        /// How the picture is being turned upright.
        orientation: Orientation,
        /// Index of the audio track that is used, among the audio tracks of the source.
        audio_track: Option<usize>,
        /// Which streams of the source are used, and why the others are not.
        #[serde(default)]
        tracks: Box<Tracks>,
        /// Where the pictures are decoded.
        #[serde(default)]
        decoding: Decoding,
    },
    /// An encoder passed its trial and was selected.
    EncoderSelected {
        /// Identifier from `pipelines/encoders.toml`.
        encoder: String,
        /// Name for people.
        label: String,
        /// Preferred encoders that did not work, with the reason.
        passed_over: Vec<PassedOver>,
        /// What pictures pass from the decoder to the encoder, in order: the decoder if it is a card's,
        /// then elements.
        #[serde(default)]
        path: Vec<String>,
    },
    /// The encoder failed while running; the run restarts with the next one.
    EncoderFallback {
        /// The one that failed.
        from: String,
        /// The one that takes over.
        to: String,
        /// What the failing element said.
        reason: String,
    },
    /// Progress of the renditions. Percentages never decrease within one encoder's run.
    Progress {
        /// Increases by one with every progress event of a run.
        seq: u64,
        /// Percentage of the slowest rendition, 0 to 99 until the end; `None` if the duration of
        /// the source is unknown.
        percent: Option<f64>,
        /// From the largest to the smallest.
        renditions: Vec<RenditionProgress>,
    },
    /// A segment was finished and is listed in its playlist.
    Segment {
        /// Rung name.
        rung: String,
        /// Position in the playlist, from 0.
        index: u64,
        /// Length in seconds.
        duration_s: f64,
        /// Size in bytes.
        bytes: u64,
    },
    /// The poster picture was written.
    Thumbnail {
        /// Path below the output folder.
        path: String,
    },
    /// Every rendition has its first segment, and the multivariant playlist exists: playback can
    /// start while processing continues.
    Playable {
        /// Path below the output folder.
        master: String,
    },
    /// A warning, which does not stop the job.
    Warning {
        /// Stable code.
        code: WarningCode,
        /// One line in plain words.
        message: String,
    },
    /// The job is done; always the last event of a run that succeeds.
    Finished {
        /// What was made.
        summary: Box<Summary>,
    },
    /// The job failed; always the last event of a run that does not succeed.
    Failed {
        /// Why.
        failure: Failure,
    },
}

/// Stable codes of [`Event::Warning`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WarningCode {
    /// The source is truncated; the existing part was used.
    Truncated,
    /// Parts of the source could not be decoded and were skipped.
    DamagedInput,
    /// The audio of the source cannot be used.
    AudioDropped,
    /// Decoding on a card failed or is unavailable; the CPU decodes.
    DecoderFallback,
    /// Scaling on a card failed or is unsupported; the CPU scales.
    ScalerFallback,
    /// The picture size changes within the stream; all was fitted into the first size.
    SizeChanged,
    /// Dolby Vision without a compatible base layer; its colours are wrong.
    DolbyVision,
    /// The edit list changes the speed of parts; they were used at normal speed.
    EditRate,
}

/// Where pictures are decoded.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Decoding {
    /// Identifier from `pipelines/encoders.toml`, or `"software"`.
    pub decoder: String,
    /// Why decoded pictures leave the card at full size, if they do.
    pub leaves_card: Option<String>,
}

/// An encoder that was tried and not used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassedOver {
    /// Identifier from `pipelines/encoders.toml`.
    pub encoder: String,
    /// Why it does not work here.
    pub reason: String,
}

/// How far one rendition is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RenditionProgress {
    /// Rung name.
    pub rung: String,
    /// 0 to 99 until the end; `None` if the duration of the source is unknown.
    pub percent: Option<f64>,
    /// Frames encoded so far.
    pub frames: u64,
    /// Frames encoded per second over the last seconds.
    pub fps: f64,
    /// Seconds of video encoded per second over the last seconds.
    pub speed: f64,
    /// Seconds left at that speed.
    pub eta_s: Option<f64>,
    /// Encoded bytes so far, without container.
    pub bytes: u64,
    /// Encoder in use.
    pub encoder: String,
}

/// What a finished job made and what it took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Path of the multivariant playlist below the output folder.
    pub master: String,
    /// Length of the result in seconds.
    pub duration_s: f64,
    /// Frame rate of the result, e.g. `"24000/1001"`.
    pub frame_rate: String,
    /// From the largest to the smallest.
    pub renditions: Vec<RenditionSummary>,
    /// Path of the poster image below the output folder.
    pub thumbnail: Option<String>,
    /// Path of the storyboard index below the output folder.
    pub storyboard: Option<String>,
    /// Storyboard pictures.
    pub storyboard_tiles: u64,
    /// Encoder that made the renditions.
    pub encoder: String,
    /// Element that decoded the source.
    pub decoder: Option<String>,
    /// Set if the source was high dynamic range.
    pub hdr_source: Option<HdrKind>,
    /// Warnings that were reported on the way.
    pub warnings: Vec<WarningCode>,
    /// Elapsed time in seconds.
    pub wall_s: f64,
    /// Processor time of the whole process in seconds, user and system.
    pub cpu_s: f64,
    /// Seconds of video made per second.
    pub speed: f64,
}

/// One finished rendition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RenditionSummary {
    /// Rung name.
    pub quality: String,
    /// `"{width}x{height}"`.
    pub resolution: String,
    /// Average of video, audio and container in kbit/s.
    pub bitrate: u64,
    /// Highest bit rate in kbit/s as in the multivariant playlist.
    pub peak_bitrate: u64,
    /// All segments together in bytes.
    pub file_size: u64,
    /// RFC 6381 names, e.g. `"avc1.64001f,mp4a.40.2"`.
    pub codecs: String,
    /// Frames encoded.
    pub frames: u64,
    /// Segments written.
    pub segments: u64,
    /// Path of the media playlist below the output folder.
    pub playlist_path: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_tagged_with_stable_names() {
        let event = Event::EncoderFallback {
            from: "nvenc".into(),
            to: "software".into(),
            reason: "gone".into(),
        };
        assert_eq!(
            serde_json::to_string(&event).unwrap(),
            r#"{"event":"encoder_fallback","from":"nvenc","to":"software","reason":"gone"}"#
        );
        let back: Event = serde_json::from_str(&serde_json::to_string(&event).unwrap()).unwrap();
        assert_eq!(back, event);
    }
}
