//! Enumerations.

use async_graphql::Enum;
use clipsy_domain::{asset, captions, job, progress, tracks, user};
use clipsy_storage::AssetOrder;

/// Who may see a video and play it.
#[derive(Debug, Enum, Copy, Clone, PartialEq, Eq)]
#[graphql(remote = "asset::Visibility")]
pub(crate) enum Visibility {
    /// Visible to everyone and listed.
    Public,
    /// Visible to everyone with its link; not listed.
    Unlisted,
    /// Visible to its owner and admins only.
    Private,
}

/// For whom captions are.
#[derive(Debug, Enum, Copy, Clone, PartialEq, Eq)]
#[graphql(remote = "captions::CaptionKind")]
pub(crate) enum CaptionKind {
    /// For people who hear and do not understand: what is said.
    Subtitles,
    /// For people who do not hear (SDH): who says it, too, and what else is heard.
    Captions,
}

/// State of a video. There is no video before its upload is complete.
#[derive(Debug, Enum, Copy, Clone, PartialEq, Eq)]
#[graphql(remote = "asset::AssetState")]
pub(crate) enum VideoState {
    /// Waiting for a worker.
    Queued,
    /// Being processed; it may already be playable.
    Processing,
    /// Processing is complete.
    Ready,
    /// Processing failed; see `failure`.
    Failed,
    /// It was cancelled.
    Cancelled,
}

/// What an account may do.
#[derive(Debug, Enum, Copy, Clone, PartialEq, Eq)]
#[graphql(remote = "user::Role")]
pub(crate) enum Role {
    /// May upload, and manage its own videos.
    User,
    /// All rights.
    Admin,
}

/// State of a job.
#[derive(Debug, Enum, Copy, Clone, PartialEq, Eq)]
#[graphql(remote = "job::JobState")]
pub(crate) enum JobState {
    /// Waiting for a worker, or for the delay before a retry.
    Queued,
    /// A worker is processing it.
    Running,
    /// It is complete.
    Done,
    /// It failed and will not be retried automatically.
    Failed,
    /// It was cancelled.
    Cancelled,
}

/// State of a rendition.
#[derive(Debug, Enum, Copy, Clone, PartialEq, Eq)]
pub(crate) enum RenditionState {
    /// Planned, not started.
    Waiting,
    /// It is being encoded.
    Running,
    /// It is complete.
    Done,
    /// The attempt failed; see `error`.
    Failed,
}

/// Type of a stream.
#[derive(Debug, Enum, Copy, Clone, PartialEq, Eq)]
#[graphql(remote = "tracks::TrackKind")]
pub(crate) enum TrackKind {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
}

/// Why a stream is not used; the first of these that applies. New values may be added.
#[derive(Debug, Enum, Copy, Clone, PartialEq, Eq)]
#[graphql(remote = "tracks::LeftReason")]
pub(crate) enum LeftReason {
    /// No decoder for its codec is installed or allowed.
    NoDecoder,
    /// There is a decoder, but it produced no output.
    NoOutput,
    /// It exceeds a limit on sources.
    BeyondLimits,
    /// It is disabled in the file.
    Disabled,
    /// It is a single picture, such as cover art.
    SinglePicture,
    /// It is a commentary track.
    Commentary,
    /// The file marks another stream as the default.
    NotDefault,
    /// Another stream has a larger picture.
    Smaller,
    /// Another stream comes first in the file.
    Later,
}

/// Kind of a warning. New values may be added.
#[derive(Debug, Enum, Copy, Clone, PartialEq, Eq)]
#[graphql(remote = "progress::WarningCode")]
pub(crate) enum WarningCode {
    /// The file is truncated; the existing part was used.
    Truncated,
    /// Parts of the file could not be decoded and were skipped.
    DamagedInput,
    /// The audio of the file cannot be used.
    AudioDropped,
    /// Decoding on a GPU failed or is unavailable; the CPU decodes.
    DecoderFallback,
    /// Scaling on a GPU failed or is unsupported; the CPU scales.
    ScalerFallback,
    /// The picture size changes within the stream; all was fitted into the first size.
    SizeChanged,
    /// Dolby Vision without a compatible base layer; its colours are wrong.
    DolbyVision,
    /// The edit list changes the speed of parts; they were used at normal speed.
    EditRate,
}

/// Sort direction.
#[derive(Debug, Enum, Copy, Clone, PartialEq, Eq)]
pub(crate) enum OrderDirection {
    /// Smallest, alphabetically first or oldest first.
    Asc,
    /// Largest, alphabetically last or newest first.
    Desc,
}

/// Sort fields of videos. Ties are broken by number.
#[derive(Debug, Enum, Copy, Clone, PartialEq, Eq)]
pub(crate) enum VideoOrderField {
    /// When the upload was completed.
    CreatedAt,
    /// When it was last changed; plays are not changes.
    UpdatedAt,
    /// Title, ignoring case.
    Title,
    /// Number of plays.
    Views,
    /// Duration; unknown ones come last in both directions.
    Duration,
}

impl From<VideoOrderField> for AssetOrder {
    fn from(field: VideoOrderField) -> Self {
        match field {
            VideoOrderField::CreatedAt => Self::Created,
            VideoOrderField::UpdatedAt => Self::Updated,
            VideoOrderField::Title => Self::Title,
            VideoOrderField::Views => Self::Views,
            VideoOrderField::Duration => Self::Duration,
        }
    }
}

/// What happened to a video.
#[derive(Debug, Enum, Copy, Clone, PartialEq, Eq)]
pub(crate) enum VideoChangeKind {
    /// Its upload was completed.
    Created,
    /// Its state or metadata changed.
    Updated,
    /// It was deleted.
    Deleted,
}
