//! Transfers that have not become assets yet.

use clipsy_domain::asset::Visibility;
use clipsy_domain::clock::Timestamp;
use clipsy_domain::upload::{Upload, UploadKind};

use crate::db::Db;
use crate::error::Result;

/// What to change about an upload; `None` leaves a thing as it is.
#[derive(Debug, Clone, Default)]
pub struct UploadChange {
    /// Announced length in bytes.
    pub length: Option<i64>,
    /// Title of the asset.
    pub title: Option<String>,
    /// Description of the asset.
    pub description: Option<String>,
    /// Visibility of the asset.
    pub visibility: Option<Visibility>,
    /// Name of the file.
    pub filename: Option<String>,
    /// Media type as the uploader's machine calls it.
    pub filetype: Option<String>,
    /// When it is given up.
    pub expires_at: Option<Timestamp>,
}

impl Db {
    /// Notes an upload that begins.
    pub async fn insert_upload(&self, upload: &Upload) -> Result<()> {
        let _ = upload;
        unimplemented!()
    }

    /// The upload with that number.
    pub async fn upload(&self, id: &str) -> Result<Option<Upload>> {
        let _ = id;
        unimplemented!()
    }

    /// Changes an upload that has not become an asset. `None` if there is none.
    pub async fn update_upload(&self, id: &str, change: UploadChange) -> Result<Option<Upload>> {
        let _ = (id, change);
        unimplemented!()
    }

    /// Forgets an upload; its bytes become garbage unless it has become an asset. False if there
    /// was none.
    pub async fn delete_upload(&self, id: &str) -> Result<bool> {
        let _ = id;
        unimplemented!()
    }

    /// Uploads whose time has run out, also those that became assets, the oldest first.
    pub async fn expired_uploads(&self) -> Result<Vec<Upload>> {
        unimplemented!()
    }

    /// Uploads of that kind that have not become assets, the oldest first.
    pub async fn uploads_of_kind(&self, kind: UploadKind) -> Result<Vec<Upload>> {
        let _ = kind;
        unimplemented!()
    }
}
