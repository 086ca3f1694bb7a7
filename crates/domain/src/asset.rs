//! A video with its metadata, state and visibility.

use serde::{Deserialize, Serialize};

use crate::captions::CaptionTrack;
use crate::clock::Timestamp;
use crate::failure::Failure;
use crate::notes::Notes;

/// Number of an asset, as in `/api/videos/{id}/`. Never reused.
pub type AssetId = i64;

/// A video as users know it.
#[derive(Debug, Clone, PartialEq)]
pub struct Asset {
    /// Its number.
    pub id: AssetId,
    /// Who uploaded it.
    pub owner_id: i64,
    /// Title, 1 to 255 characters.
    pub title: String,
    /// Description, may be empty.
    pub description: String,
    /// What its owner puts it under; see [`crate::tags::tidy_tags`].
    pub tags: Vec<String>,
    /// Captions by language and kind.
    pub captions: Vec<CaptionTrack>,
    /// Who may see it.
    pub visibility: Visibility,
    /// How far it is.
    pub state: AssetState,
    /// True once it can be played, which may be before [`AssetState::Ready`].
    pub playable: bool,
    /// Why it failed, in [`AssetState::Failed`].
    pub failure: Option<Failure>,
    /// Store key of the original file.
    pub source_key: String,
    /// File name on the uploader's machine.
    pub source_name: String,
    /// Media type to serve the original with, e.g. `video/mp4`.
    pub source_type: String,
    /// Size of the original in bytes.
    pub source_bytes: i64,
    /// SHA-256 of the original in lower-case hexadecimal; computed after the upload.
    pub source_sha256: Option<String>,
    /// Length in seconds, known after the probe.
    pub duration_s: Option<f64>,
    /// Display width in pixels, after rotation; known after the probe.
    pub width: Option<i64>,
    /// Display height in pixels, after rotation; known after the probe.
    pub height: Option<i64>,
    /// Frame rate of the renditions in frames per second, known after planning.
    pub fps: Option<f64>,
    /// Notes of the current or last attempt about the source.
    pub notes: Notes,
    /// Plays counted.
    pub views: i64,
    /// The attempt whose output is published; its files are below
    /// [`crate::media_key::output_prefix`].
    pub output_attempt: Option<i64>,
    /// Unique identifier of that output, used in URLs of immutable files; see
    /// [`crate::media_key::revision`]. `None` for outputs of earlier versions, which are not served
    /// as immutable.
    pub output_revision: Option<String>,
    /// True if that output has a poster picture.
    pub has_thumbnail: bool,
    /// True if that output has a storyboard.
    pub has_storyboard: bool,
    /// Name of the poster image chosen by a user, which replaces that of the output; see
    /// [`crate::media_key::chosen_thumbnail`].
    pub chosen_thumbnail: Option<String>,
    /// Secret key in the video's URL while it is unlisted: 32 random hexadecimal digits, never
    /// reused. Replaced when the video becomes private.
    pub link_key: String,
    /// When the upload was finished.
    pub created_at: Timestamp,
    /// When any of the above last changed, except plays and the checksum.
    pub updated_at: Timestamp,
}

impl Asset {
    /// True if `key` grants access to it; no link opens a private video.
    pub fn opened_by(&self, key: &str) -> bool {
        self.visibility != Visibility::Private && is_link_key(key) && self.link_key == key
    }
}

/// True if the text has the form of an [`Asset::link_key`].
pub fn is_link_key(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// State of an asset. There is no asset before its upload is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssetState {
    /// Waiting for a worker.
    Queued,
    /// A worker is at it.
    Processing,
    /// Everything is there.
    Ready,
    /// It could not be processed.
    Failed,
    /// Somebody stopped it.
    Cancelled,
}

impl AssetState {
    /// All states, in their usual order.
    pub const ALL: [Self; 5] = [
        Self::Queued,
        Self::Processing,
        Self::Ready,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The name in the database, e.g. `"queued"`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Processing => "processing",
            Self::Ready => "ready",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state with that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == name)
    }

    /// The status of the REST API: `pending`, `processing`, `ready` or `failed`.
    pub fn rest_status(self) -> &'static str {
        match self {
            Self::Queued => "pending",
            Self::Processing => "processing",
            Self::Ready => "ready",
            Self::Failed | Self::Cancelled => "failed",
        }
    }

    /// True if a job can be started again by hand.
    pub fn can_retry(self) -> bool {
        matches!(self, Self::Failed | Self::Cancelled)
    }

    /// True if there is a job that can be stopped.
    pub fn can_cancel(self) -> bool {
        matches!(self, Self::Queued | Self::Processing)
    }
}

/// Who may see an asset and play it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Everyone, and it is listed.
    #[default]
    Public,
    /// Everyone who has its secret link; it is not listed.
    Unlisted,
    /// Its owner and admins.
    Private,
}

impl Visibility {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Public, Self::Unlisted, Self::Private];

    /// The name in the database and in APIs, e.g. `"unlisted"`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Unlisted => "unlisted",
            Self::Private => "private",
        }
    }

    /// The visibility with that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|v| v.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_values() {
        for state in AssetState::ALL {
            assert_eq!(AssetState::parse(state.as_str()), Some(state));
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
        for visibility in Visibility::ALL {
            assert_eq!(Visibility::parse(visibility.as_str()), Some(visibility));
            assert_eq!(
                serde_json::to_value(visibility).unwrap(),
                visibility.as_str()
            );
        }
        assert_eq!(AssetState::parse("READY"), None);
    }

    #[test]
    fn a_state_is_either_to_be_stopped_or_to_be_started_again() {
        for state in AssetState::ALL {
            assert!(!(state.can_retry() && state.can_cancel()), "{state:?}");
        }
    }
}
