//! A transfer of an original that has not become an asset yet.

use crate::asset::{AssetId, Visibility};
use crate::clock::Timestamp;
use crate::trace::TraceParent;
use crate::user::UserId;

/// A transfer, resumable or not. The bytes lie in the media store below
/// [`crate::media_key::upload`]; how many there are is measured there, never remembered here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// 32 lower-case hexadecimal digits, random.
    pub id: String,
    /// Who sends it.
    pub owner_id: UserId,
    /// How it is sent.
    pub kind: UploadKind,
    /// Announced length in bytes; `None` while it is not known.
    pub length: Option<i64>,
    /// What the asset will be called.
    pub title: String,
    /// The asset's description.
    pub description: String,
    /// The asset's visibility.
    pub visibility: Visibility,
    /// Name of the file as the uploader's machine calls it.
    pub filename: String,
    /// Media type as the uploader's machine calls it; may be empty.
    pub filetype: String,
    /// The raw `Upload-Metadata` header of a tus upload, to be echoed.
    pub metadata: Option<String>,
    /// The raw `Upload-Concat` header of a tus upload, to be echoed.
    pub concat: Option<String>,
    /// The asset that it became.
    pub asset_id: Option<AssetId>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it is given up.
    pub expires_at: Timestamp,
    /// The trace in which it was begun, which its requests and jobs continue.
    pub trace: Option<TraceParent>,
}

/// How an upload is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UploadKind {
    /// One request; when it breaks off nothing remains.
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
