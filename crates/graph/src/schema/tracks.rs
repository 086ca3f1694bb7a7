//! What became of the streams of a source.

use async_graphql::SimpleObject;
use clipsy_domain::{notes, tracks};

use super::names::{LeftReason, TrackKind, WarningCode};

/// The streams of the file that are used, and those that are not.
#[derive(Debug, SimpleObject)]
#[graphql(serial)]
pub(crate) struct Tracks {
    /// The video stream.
    video: Option<Track>,
    /// The audio stream; null if none can be used.
    audio: Option<Track>,
    /// Unused streams in file order, video first.
    left_aside: Vec<LeftAside>,
}

/// A stream of a file.
#[derive(Debug, SimpleObject)]
#[graphql(serial)]
pub(crate) struct Track {
    /// Its type.
    kind: TrackKind,
    /// Its index among the streams of its kind, from 0.
    index: i32,
    /// Name of its codec, e.g. `H.264 (High Profile)`.
    codec: String,
    /// Its language as tagged in the file, usually ISO 639, e.g. `en` or `deu`; null if untagged.
    language: Option<String>,
}

/// A stream of the file that is not used.
#[derive(Debug, SimpleObject)]
#[graphql(serial)]
pub(crate) struct LeftAside {
    /// Its type.
    kind: TrackKind,
    /// Its index among the streams of its kind, from 0.
    index: i32,
    /// Name of its codec.
    codec: String,
    /// Its language as tagged in the file; null if untagged.
    language: Option<String>,
    /// Why it is not used.
    reason: LeftReason,
}

/// A problem with a file that did not stop its processing.
#[derive(Debug, SimpleObject)]
#[graphql(serial)]
pub(crate) struct Warning {
    /// Its code.
    code: WarningCode,
    /// Details about this file, in one line.
    message: String,
}

impl From<&tracks::Tracks> for Tracks {
    fn from(tracks: &tracks::Tracks) -> Self {
        Self {
            video: tracks.video.as_ref().map(Into::into),
            audio: tracks.audio.as_ref().map(Into::into),
            left_aside: tracks.left.iter().map(Into::into).collect(),
        }
    }
}

impl From<&tracks::Track> for Track {
    fn from(track: &tracks::Track) -> Self {
        Self {
            kind: track.kind.into(),
            index: place(track),
            codec: track.codec.clone(),
            language: track.language.clone(),
        }
    }
}

impl From<&tracks::LeftAside> for LeftAside {
    fn from(left: &tracks::LeftAside) -> Self {
        let Track {
            kind,
            index,
            codec,
            language,
        } = (&left.track).into();
        Self {
            kind,
            index,
            codec,
            language,
            reason: left.reason.into(),
        }
    }
}

impl From<&notes::Warning> for Warning {
    fn from(warning: &notes::Warning) -> Self {
        Self {
            code: warning.code.into(),
            message: warning.message.clone(),
        }
    }
}

fn place(track: &tracks::Track) -> i32 {
    i32::try_from(track.index).unwrap_or(i32::MAX)
}
