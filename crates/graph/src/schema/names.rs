//! Enumerations.

use async_graphql::Enum;
use clipsy_domain::{asset, job, progress, tracks, user};
use clipsy_storage::AssetOrder;

/// Who may see a video and play it.
#[derive(Debug, Enum, Copy, Clone, PartialEq, Eq)]
#[graphql(remote = "asset::Visibility")]
pub(crate) enum Visibility {
    /// Everyone, and it is listed.
    Public,
    /// Everyone who knows its address; it is not listed.
    Unlisted,
    /// Its owner and admins.
    Private,
}

/// How far a video is.
#[derive(Debug, Enum, Copy, Clone, PartialEq, Eq)]
#[graphql(remote = "asset::AssetState")]
pub(crate) enum VideoState {
    /// Bytes are still coming.
    Uploading,
    /// Waiting for a worker.
    Queued,
    /// A worker is at it. It may be playable already.
    Processing,
    /// Everything is there.
    Ready,
    /// It could not be processed; `failure` says why.
    Failed,
    /// Somebody stopped it.
    Cancelled,
}

/// What an account may do.
#[derive(Debug, Enum, Copy, Clone, PartialEq, Eq)]
#[graphql(remote = "user::Role")]
pub(crate) enum Role {
    /// Upload, and manage what it uploaded.
    User,
    /// Everything.
    Admin,
}

/// How far a job is.
#[derive(Debug, Enum, Copy, Clone, PartialEq, Eq)]
#[graphql(remote = "job::JobState")]
pub(crate) enum JobState {
    /// Waiting for a worker, or for the pause after a failed attempt to pass.
    Queued,
    /// A worker is at it.
    Running,
    /// Everything was made.
    Done,
    /// It failed for good.
    Failed,
    /// Somebody stopped it.
    Cancelled,
}

/// How far a rendition is.
#[derive(Debug, Enum, Copy, Clone, PartialEq, Eq)]
pub(crate) enum RenditionState {
    /// Planned; nothing of it is there.
    Waiting,
    /// It is being encoded.
    Running,
    /// It is complete.
    Done,
    /// The attempt that made it failed; `error` says why.
    Failed,
}

/// What a stream holds.
#[derive(Debug, Enum, Copy, Clone, PartialEq, Eq)]
#[graphql(remote = "tracks::TrackKind")]
pub(crate) enum TrackKind {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
}

/// Why a stream is not used; of several reasons the first of these. There may be more some day.
#[derive(Debug, Enum, Copy, Clone, PartialEq, Eq)]
#[graphql(remote = "tracks::LeftReason")]
pub(crate) enum LeftReason {
    /// No decoder for its codec is installed or allowed.
    NoDecoder,
    /// There is a decoder, but nothing came out of it.
    NoOutput,
    /// It is beyond a limit on sources.
    BeyondLimits,
    /// The file switches it off.
    Disabled,
    /// It is one single picture, such as a cover.
    SinglePicture,
    /// It is a commentary.
    Commentary,
    /// The file marks another one as the one to choose.
    NotDefault,
    /// Another one has a larger picture.
    Smaller,
    /// Another one comes first.
    Later,
}

/// What a warning is about. There may be more some day.
#[derive(Debug, Enum, Copy, Clone, PartialEq, Eq)]
#[graphql(remote = "progress::WarningCode")]
pub(crate) enum WarningCode {
    /// The file ends before its header says; what is there was used.
    Truncated,
    /// Parts of the file could not be decoded and were skipped.
    DamagedInput,
    /// The sound of the file cannot be used.
    AudioDropped,
    /// Decoding on a GPU failed or was asked for in vain; the CPU decodes.
    DecoderFallback,
    /// Scaling on a GPU failed or cannot be done; the CPU scales.
    ScalerFallback,
    /// The picture changes its size in mid-stream; it was fitted into the first size.
    SizeChanged,
    /// Dolby Vision without a base layer that other players can show; its colours are wrong.
    DolbyVision,
    /// The edit list plays parts slower or faster; they were used at their own speed.
    EditRate,
}

/// Which way to sort.
#[derive(Debug, Enum, Copy, Clone, PartialEq, Eq)]
pub(crate) enum OrderDirection {
    /// Smallest, first in the alphabet or oldest first.
    Asc,
    /// Largest, last in the alphabet or newest first.
    Desc,
}

/// What to sort videos by. Ties are broken by number.
#[derive(Debug, Enum, Copy, Clone, PartialEq, Eq)]
pub(crate) enum VideoOrderField {
    /// When the upload was finished.
    CreatedAt,
    /// When it was last changed; plays do not count.
    UpdatedAt,
    /// Title, without regard to case.
    Title,
    /// Plays.
    Views,
    /// Length; unknown ones come last either way.
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
    /// Its upload was finished.
    Created,
    /// Its state, or what people say about it, changed.
    Updated,
    /// It was deleted.
    Deleted,
}
