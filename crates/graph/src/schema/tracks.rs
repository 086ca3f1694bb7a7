//! What became of the streams of a source.

use async_graphql::SimpleObject;
use clipsy_domain::{notes, tracks};

use super::names::{LeftReason, TrackKind, WarningCode};

/// Which streams of the file are used, and which are not.
#[derive(Debug, SimpleObject)]
#[graphql(serial)]
pub(crate) struct Tracks {
    /// The picture.
    video: Option<Track>,
    /// The sound; null if there is none, or none that can be used.
    audio: Option<Track>,
    /// What is not used, in the order of the file, pictures first.
    left_aside: Vec<LeftAside>,
}

/// One stream of a file.
#[derive(Debug, SimpleObject)]
#[graphql(serial)]
pub(crate) struct Track {
    /// What it holds.
    kind: TrackKind,
    /// Its place among the streams of its kind, from 0.
    index: i32,
    /// Its codec in words, e.g. `H.264 (High Profile)`.
    codec: String,
    /// Its language as the file tags it, usually by ISO 639, e.g. `en` or `deu`; null if it does
    /// not.
    language: Option<String>,
}

/// One stream of a file that is not used.
#[derive(Debug, SimpleObject)]
#[graphql(serial)]
pub(crate) struct LeftAside {
    /// What it holds.
    kind: TrackKind,
    /// Its place among the streams of its kind, from 0.
    index: i32,
    /// Its codec in words.
    codec: String,
    /// Its language as the file tags it; null if it does not.
    language: Option<String>,
    /// Why it is not used.
    reason: LeftReason,
}

/// Something about a file that is worth knowing but did not stop its processing.
#[derive(Debug, SimpleObject)]
#[graphql(serial)]
pub(crate) struct Warning {
    /// What it is about.
    code: WarningCode,
    /// What happened with this very file, in a line.
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
