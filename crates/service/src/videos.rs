//! Videos: finding, changing, processing again, playing.

pub mod access;
mod attached;
pub mod cancel_video;
mod choices;
pub mod choose_thumbnail;
pub mod delete_video;
pub mod edit_video;
pub mod find_video;
pub mod flush_plays;
pub mod free_room;
pub mod group;
pub mod hold_queue;
pub mod link_playback;
pub mod mime;
pub mod plays;
pub mod retry_video;
pub mod set_captions;
pub mod set_priority;
pub mod still;
pub mod sweep_garbage;

use std::sync::Arc;

use clipsy_domain::asset::AssetId;
use clipsy_domain::job::Rendition;
use clipsy_domain::user::UserId;
use quick_cache::sync::Cache;
use tokio::sync::Mutex;

use access::Access;
use choices::Choices;
use plays::Plays;
use still::StillMaker;

pub use flush_plays::flush_plays;
pub use sweep_garbage::sweep_garbage;

/// What is remembered of videos, and what makes pictures of them.
#[derive(Debug)]
pub struct Videos {
    /// The assets that players ask for.
    pub access: Access,
    /// Plays that are not written down yet.
    pub plays: Plays,
    /// Who takes pictures out of videos.
    pub(crate) stills: Arc<dyn StillMaker>,
    /// Thumbnails that accounts have under way.
    pub(crate) choices: Choices,
    /// Names by number. They never change, since nothing changes them.
    pub(crate) usernames: Cache<UserId, Arc<str>>,
    /// Renditions of assets that are ready.
    pub(crate) renditions: Cache<AssetId, Arc<[Rendition]>>,
    /// Held by who deletes garbage.
    pub(crate) sweeping: Mutex<()>,
}

impl Videos {
    pub(crate) fn new(stills: Arc<dyn StillMaker>) -> Self {
        Self {
            access: Access::new(),
            plays: Plays::default(),
            stills,
            choices: Choices::default(),
            usernames: Cache::new(10_000),
            renditions: Cache::new(10_000),
            sweeping: Mutex::new(()),
        }
    }
}
