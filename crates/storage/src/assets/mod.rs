//! Assets: making, finding, changing and deleting them.

mod captions;
mod change;
mod checksum;
mod create;
mod delete;
mod list;
mod search;
mod tags;
mod thumbnail;
mod window;

use std::sync::Arc;

use clipsy_domain::asset::{Asset, AssetId, AssetState, Visibility};
use clipsy_domain::clock::Timestamp;
use clipsy_domain::media_key;
use clipsy_domain::user::{UserId, Viewer};
use sqlx::any::AnyRow;
use uuid::Uuid;

use crate::cells::{Cells, folded, storable};
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

/// Changes to an asset; `None` leaves a field unchanged.
#[derive(Debug, Clone, Default)]
pub struct AssetChange {
    /// Title.
    pub title: Option<String>,
    /// Description.
    pub description: Option<String>,
    /// Who may see it.
    pub visibility: Option<Visibility>,
    /// Tags, tidy ([`clipsy_domain::tags::tidy_tags`]).
    pub tags: Option<Vec<String>>,
}

/// Which assets to list, and in which order. Only those that the viewer may list: public assets and
/// their own; for admins, all.
#[derive(Debug, Clone)]
pub struct AssetFilter {
    /// Who asks.
    pub viewer: Viewer,
    /// Words of which title, description and tags must contain all, or parts of words; see
    /// [`clipsy_domain::text::fold`] for what makes no difference. At most [`MOST_FOUND`] are found
    /// by their titles and as many by all of their text.
    pub search: Option<String>,
    /// What the search finds with the other conditions, if it was looked up; see [`Db::look_up`].
    pub found: Option<Arc<[AssetId]>>,
    /// States to list; all if empty.
    pub states: Vec<AssetState>,
    /// Only those of that account.
    pub owner: Option<UserId>,
    /// Only those of these visibilities; all if empty.
    pub visibility: Vec<Visibility>,
    /// Only those that have the tag with this [`clipsy_domain::tags::tag_key`].
    pub tag: Option<String>,
    /// Only what a library shows: what can be played and is public or the viewer's own, for admins, too.
    pub watchable: bool,
    /// Minimum duration in seconds; assets of unknown duration are omitted.
    pub min_duration_s: Option<f64>,
    /// Duration limit (exclusive) in seconds; assets of unknown duration are omitted.
    pub max_duration_s: Option<f64>,
    /// Only what was uploaded then or later.
    pub created_after: Option<Timestamp>,
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
    /// Everything that `viewer` may list, the newest first.
    pub fn new(viewer: Viewer) -> Self {
        Self {
            viewer,
            search: None,
            found: None,
            states: Vec::new(),
            owner: None,
            visibility: Vec::new(),
            tag: None,
            watchable: false,
            min_duration_s: None,
            max_duration_s: None,
            created_after: None,
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
    /// In a search, those whose title has the words, and then when the upload was finished; without
    /// one, as [`AssetOrder::Created`].
    Relevance,
    /// Title, without regard to case.
    Title,
    /// Plays.
    Views,
    /// Length; unknown ones last.
    Duration,
    /// When it was last changed.
    Updated,
}

/// The columns of an [`Asset`], in the order in which [`asset_from`] reads them.
macro_rules! asset_columns {
    () => {
        "id, owner_id, title, description, tags, captions, visibility, state, playable, failure, source_key, \
         source_name, source_type, source_bytes, source_sha256, duration_s, width, height, fps, \
         notes, views, output_attempt, output_revision, has_thumbnail, has_storyboard, \
         chosen_thumbnail, link_key, created_at, updated_at"
    };
}
pub(crate) use asset_columns;
pub use captions::CaptionsRefused;
pub(crate) use captions::captions_from;
pub use search::MOST_FOUND;
pub(crate) use search::pattern;
pub(crate) use tags::{said, set_tags, tags_from, tags_text};

impl Db {
    /// The asset with that number.
    pub async fn asset(&self, id: AssetId) -> Result<Option<Asset>> {
        let sql = concat!("SELECT ", asset_columns!(), " FROM assets WHERE id = $1");
        let row = sqlx::query(sql)
            .bind(id)
            .fetch_optional(self.read())
            .await?;
        row.as_ref().map(asset_from).transpose()
    }

    /// Those assets, by number; unknown numbers are skipped.
    pub async fn assets_by_id(&self, ids: &[AssetId]) -> Result<Vec<Asset>> {
        let sql = |places: &str| {
            format!(
                "SELECT {} FROM assets WHERE id IN ({places}) ORDER BY id",
                asset_columns!()
            )
        };
        self.rows_of(ids, sql, asset_from).await
    }

    /// Numbers of everything that an account has uploaded.
    pub async fn asset_ids_of(&self, owner: UserId) -> Result<Vec<AssetId>> {
        let rows = sqlx::query("SELECT id FROM assets WHERE owner_id = $1 ORDER BY id")
            .bind(owner)
            .fetch_all(self.read())
            .await?;
        rows.iter().map(|row| Cells::new(row).int()).collect()
    }

    /// The asset with that key in its URL; see [`Asset::link_key`].
    pub async fn asset_by_link_key(&self, key: &str) -> Result<Option<Asset>> {
        let sql = concat!(
            "SELECT ",
            asset_columns!(),
            " FROM assets WHERE link_key = $1"
        );
        self.asset_of_key(sql, key).await
    }

    /// The asset whose original has that store key.
    pub async fn asset_by_source_key(&self, key: &str) -> Result<Option<Asset>> {
        let sql = concat!(
            "SELECT ",
            asset_columns!(),
            " FROM assets WHERE source_key = $1"
        );
        self.asset_of_key(sql, key).await
    }

    async fn asset_of_key(&self, sql: &'static str, key: &str) -> Result<Option<Asset>> {
        let row = sqlx::query(sql)
            .bind(storable(key).as_ref())
            .fetch_optional(self.read())
            .await?;
        row.as_ref().map(asset_from).transpose()
    }
}

/// Reads [`asset_columns`].
pub(crate) fn asset_from(row: &AnyRow) -> Result<Asset> {
    let mut cells = Cells::new(row);
    let asset = Asset {
        id: cells.int()?,
        owner_id: cells.int()?,
        title: cells.text()?,
        description: cells.text()?,
        tags: tags_from(&cells.text()?),
        captions: captions_from(&cells.text()?),
        visibility: cells.name("visibility", Visibility::parse)?,
        state: cells.name("asset state", AssetState::parse)?,
        playable: cells.flag()?,
        failure: cells.maybe_failure()?,
        source_key: cells.text()?,
        source_name: cells.text()?,
        source_type: cells.text()?,
        source_bytes: cells.int()?,
        source_sha256: cells.maybe_text()?,
        duration_s: cells.maybe_float()?,
        width: cells.maybe_int()?,
        height: cells.maybe_int()?,
        fps: cells.maybe_float()?,
        notes: cells.notes()?,
        views: cells.int()?,
        output_attempt: cells.maybe_int()?,
        output_revision: cells.maybe_text()?,
        has_thumbnail: cells.flag()?,
        has_storyboard: cells.flag()?,
        chosen_thumbnail: cells.maybe_text()?,
        // One of before, which is still running, makes assets without.
        link_key: cells.maybe_text()?.unwrap_or_default(),
        created_at: cells.time()?,
        updated_at: cells.time()?,
    };
    // A worker of an earlier version may have put its attempt on show beside the revision of another.
    let fits = |revision: &String| media_key::attempt_of(revision) == asset.output_attempt;
    Ok(Asset {
        output_revision: asset.output_revision.clone().filter(fits),
        ..asset
    })
}

/// A new [`Asset::link_key`]: 128 random bits. Six bits of a UUID are fixed, so two are combined.
pub(crate) fn new_link_key() -> String {
    let random = || Uuid::new_v4().as_u128();
    format!("{:032x}", random() ^ random().rotate_left(32))
}

/// What a search looks through; what is `said` of it: see [`said`].
pub(crate) fn search_text(title: &str, said: &str) -> String {
    folded(&format!("{title}\n{said}"))
}
