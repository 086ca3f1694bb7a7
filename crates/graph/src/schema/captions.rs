//! Captions of videos.

use async_graphql::SimpleObject;
use clipsy_domain::captions::CaptionTrack;

use super::names::CaptionKind;
use super::scalars::{BigInt, DateTime, int};

/// Captions of a video, one for each language and kind.
#[derive(Debug, SimpleObject)]
#[graphql(serial)]
pub(crate) struct Captions {
    /// Language tag (BCP 47), e.g. `de` or `zh-Hant`.
    language: String,
    /// For whom they are.
    kind: CaptionKind,
    /// What people call them, may be empty.
    label: String,
    /// True if they are shown to those who have chosen nothing.
    default: bool,
    /// True if they are only what everybody has to read, such as signs.
    forced: bool,
    /// Path of the `WebVTT` file. Other captions have another path.
    url: String,
    /// Number of cues.
    cues: i32,
    /// Size of the `WebVTT` file in bytes.
    bytes: BigInt,
    /// When they came.
    updated_at: DateTime,
}

impl Captions {
    /// `url`: the path for one viewer.
    pub(super) fn of(track: &CaptionTrack, url: String) -> Self {
        Self {
            language: track.language.clone(),
            kind: track.kind.into(),
            label: track.label.clone(),
            default: track.default,
            forced: track.forced,
            url,
            cues: int(track.cues),
            bytes: track.bytes.into(),
            updated_at: track.updated_at.into(),
        }
    }
}
