//! An upload that has not become an asset yet.

use crate::asset::{AssetId, Visibility};
use crate::clock::Timestamp;
use crate::trace::TraceParent;
use crate::user::UserId;

/// An upload, resumable or not. Its bytes are in the media store at [`crate::media_key::upload`];
/// their number is measured there, never stored here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// 32 lower-case hexadecimal digits, random.
    pub id: String,
    /// Who sends it.
    pub owner_id: UserId,
    /// How it is sent.
    pub kind: UploadKind,
    /// Announced length in bytes; `None` while unknown.
    pub length: Option<i64>,
    /// What the asset will be called.
    pub title: String,
    /// The asset's description.
    pub description: String,
    /// The asset's tags, tidy ([`crate::tags::tidy_tags`]).
    pub tags: Vec<String>,
    /// The asset's visibility.
    pub visibility: Visibility,
    /// File name on the uploader's machine.
    pub filename: String,
    /// Media type as given by the client; may be empty.
    pub filetype: String,
    /// The raw `Upload-Metadata` header of a tus upload, to be echoed.
    pub metadata: Option<String>,
    /// Whether it is one by itself.
    pub role: UploadRole,
    /// The asset that it became.
    pub asset_id: Option<AssetId>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it is given up.
    pub expires_at: Timestamp,
    /// The trace of its creation, which its requests and jobs continue.
    pub trace: Option<TraceParent>,
}

/// What an upload is to others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum UploadRole {
    /// It stands by itself.
    #[default]
    Whole,
    /// A part of one that is put together later.
    Part,
    /// It is put together of parts.
    Joined {
        /// Numbers of the parts, in their order; at least one.
        parts: Vec<String>,
        /// How its sender named them, to be echoed.
        told: String,
    },
}

impl UploadRole {
    /// Parses the form used by clients and in the database: `partial`, or `final;` with the URLs or
    /// paths of the parts, which end in their ids. `None` if it is neither.
    pub fn parse(told: &str) -> Option<Self> {
        if told == "partial" {
            return Some(Self::Part);
        }
        let addresses = told.strip_prefix("final;")?.split_ascii_whitespace();
        let parts: Vec<String> = addresses
            .filter_map(|address| {
                let path = address.split(['?', '#']).next()?.trim_end_matches('/');
                path.rsplit('/').next().map(str::to_owned)
            })
            .collect();
        (!parts.is_empty()).then(|| Self::Joined {
            parts,
            told: told.to_owned(),
        })
    }

    /// The text that [`UploadRole::parse`] reads; `None` for an ordinary upload.
    pub fn told(&self) -> Option<&str> {
        match self {
            Self::Whole => None,
            Self::Part => Some("partial"),
            Self::Joined { told, .. } => Some(told),
        }
    }

    /// Ids of the parts; empty unless it is a concatenation.
    pub fn parts(&self) -> &[String] {
        match self {
            Self::Joined { parts, .. } => parts,
            Self::Whole | Self::Part => &[],
        }
    }
}

/// How an upload is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UploadKind {
    /// A single request; nothing is kept if it is interrupted.
    Multipart,
    /// tus; it can be resumed.
    Tus,
}

impl UploadKind {
    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Multipart => "multipart",
            Self::Tus => "tus",
        }
    }

    /// The kind with that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Multipart, Self::Tus]
            .into_iter()
            .find(|k| k.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_named_by_whole_addresses_or_paths() {
        let told = "final;https://h/x/api/uploads/a/ /api/uploads/b";
        let role = UploadRole::parse(told).unwrap();
        assert_eq!(role.parts(), ["a", "b"]);
        assert_eq!(role.told(), Some(told));
        for text in ["final;", "final; ", "partial;/a", "final", ""] {
            assert_eq!(UploadRole::parse(text), None, "{text:?}");
        }
        assert_eq!(UploadRole::parse("partial"), Some(UploadRole::Part));
        assert_eq!(UploadRole::Part.told(), Some("partial"));
        assert_eq!(UploadRole::Whole.told(), None);
    }
}
