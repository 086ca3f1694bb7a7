//! Assets: making, finding, changing and deleting them.

use clipsy_domain::asset::{Asset, AssetId, AssetState, Visibility};
use clipsy_domain::job::Job;
use clipsy_domain::user::{UserId, Viewer};

use crate::db::Db;
use crate::error::Result;

/// An asset to be made.
#[derive(Debug, Clone)]
pub struct NewAsset {
    /// Who uploaded it.
    pub owner_id: UserId,
    /// Title.
    pub title: String,
    /// Description, may be empty.
    pub description: String,
    /// Who may see it.
    pub visibility: Visibility,
    /// Store key of the original.
    pub source_key: String,
    /// Name of the file as the uploader's machine calls it.
    pub source_name: String,
    /// Media type of the original.
    pub source_type: String,
    /// Size of the original in bytes.
    pub source_bytes: i64,
    /// SHA-256 of the original in lower-case hexadecimal, if it was computed.
    pub source_sha256: Option<String>,
}

/// What to change about an asset; `None` leaves a thing as it is.
#[derive(Debug, Clone, Default)]
pub struct AssetChange {
    /// Title.
    pub title: Option<String>,
    /// Description.
    pub description: Option<String>,
    /// Who may see it.
    pub visibility: Option<Visibility>,
}

/// Which assets to list, and how. Only what the viewer may find is listed: public assets and
/// their own; everything for admins.
#[derive(Debug, Clone)]
pub struct AssetFilter {
    /// Who asks.
    pub viewer: Viewer,
    /// Text that title or description must contain, without regard to case.
    pub search: Option<String>,
    /// States to list; all if empty.
    pub states: Vec<AssetState>,
    /// What to sort by.
    pub order: AssetOrder,
    /// Largest or latest first.
    pub descending: bool,
    /// How many to leave out at the start.
    pub offset: i64,
    /// How many to list at most.
    pub limit: Option<i64>,
}

impl AssetFilter {
    /// Everything that `viewer` may find, the latest first.
    pub fn new(viewer: Viewer) -> Self {
        Self {
            viewer,
            search: None,
            states: Vec::new(),
            order: AssetOrder::Created,
            descending: true,
            offset: 0,
            limit: None,
        }
    }
}

/// What to sort assets by. Ties are broken by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AssetOrder {
    /// When the upload was finished.
    Created,
    /// Title, without regard to case.
    Title,
    /// Plays.
    Views,
    /// Length; unknown ones last.
    Duration,
    /// When it was last changed.
    Updated,
}

impl Db {
    /// The asset with that number.
    pub async fn asset(&self, id: AssetId) -> Result<Option<Asset>> {
        let _ = id;
        unimplemented!()
    }

    /// The asset whose original has that store key.
    pub async fn asset_by_source_key(&self, key: &str) -> Result<Option<Asset>> {
        let _ = key;
        unimplemented!()
    }

    /// The assets that match `filter`, in its order.
    pub async fn assets(&self, filter: &AssetFilter) -> Result<Vec<Asset>> {
        let _ = filter;
        unimplemented!()
    }

    /// How many assets match `filter`, without regard to its `offset` and `limit`.
    pub async fn count_assets(&self, filter: &AssetFilter) -> Result<i64> {
        let _ = filter;
        unimplemented!()
    }

    /// Makes an asset and the job that processes it, and notes at the upload what it became. If
    /// that upload became an asset before, gives that one back.
    pub async fn create_asset(
        &self,
        new: NewAsset,
        upload_id: Option<&str>,
    ) -> Result<(Asset, Job)> {
        let _ = (new, upload_id);
        unimplemented!()
    }

    /// Changes what people say about an asset. `None` if there is none.
    pub async fn update_asset(&self, id: AssetId, change: AssetChange) -> Result<Option<Asset>> {
        let _ = (id, change);
        unimplemented!()
    }

    /// Deletes an asset with its jobs, renditions and upload, and notes its files as garbage.
    /// Gives back what it was.
    pub async fn delete_asset(&self, id: AssetId) -> Result<Option<Asset>> {
        let _ = id;
        unimplemented!()
    }

    /// Adds plays. Assets that are gone are passed over.
    pub async fn add_views(&self, views: &[(AssetId, i64)]) -> Result<()> {
        let _ = views;
        unimplemented!()
    }
}
