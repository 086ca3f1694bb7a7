//! What all requests share.

use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;

use clipsy_dispatch::Dispatch;
use clipsy_domain::asset::AssetId;
use clipsy_domain::clock::Timestamp;
use clipsy_domain::job::Rendition;
use clipsy_domain::shares::Shares;
use clipsy_domain::user::{User, UserId};
use clipsy_http::server::Streams;
use clipsy_service::StillMaker;
use clipsy_storage::Db;
use clipsy_storage::media::MediaStore;
use quick_cache::sync::Cache;
use tokio::sync::{Notify, Semaphore};

use crate::actions::choices::Choices;
use crate::auth::keys::Keys;
use crate::auth::limit::LoginLimit;
use crate::auth::password::Hasher;
use crate::coalesce::Coalesce;
use crate::error::Result;
use crate::graphql::right::Rights;
use crate::live::Live;
use crate::playback::access::Access;
use crate::playback::objects::Objects;
use crate::playback::plays::Plays;
use crate::rest::videos::list::List;
use crate::settings::Settings;
use crate::upload::lock::Locks;
use crate::upload::probe::Probes;
use crate::web::Policies;

/// Everything that requests need. Clones share it.
#[derive(Debug, Clone)]
pub struct App(Arc<Shared>);

/// What an [`App`] holds.
#[derive(Debug)]
pub struct Shared {
    /// Videos, jobs, accounts.
    pub db: Db,
    /// Originals, uploads and output.
    pub media: Arc<dyn MediaStore>,
    /// Queue and events.
    pub dispatch: Dispatch,
    /// Who takes pictures out of videos.
    pub stills: Arc<dyn StillMaker>,
    /// How it is set up.
    pub settings: Settings,
    pub(crate) keys: Keys,
    pub(crate) hasher: Hasher,
    pub(crate) logins: LoginLimit,
    pub(crate) uploads: Arc<Semaphore>,
    /// Uploads that each account, and each address, has among them.
    pub(crate) account_uploads: Arc<Shares<UserId>>,
    pub(crate) address_uploads: Arc<Shares<IpAddr>>,
    /// Requests that clients behind trusted proxies have at the moment.
    pub(crate) requests: Arc<Shares<IpAddr>>,
    /// Thumbnails that accounts have under way.
    pub(crate) choices: Choices,
    /// Who works on which upload.
    pub(crate) locks: Locks,
    pub(crate) probes: Probes,
    pub(crate) access: Access,
    pub(crate) objects: Objects,
    pub(crate) plays: Plays,
    /// Told when there is an original without a checksum.
    pub(crate) unhashed: Notify,
    /// Lists that people without an account ask for, as they are sent; `None` for one that failed.
    pub(crate) lists: Coalesce<String, Option<List>>,
    /// Names by number. They never change, since nothing changes them.
    pub(crate) usernames: Cache<UserId, Arc<str>>,
    /// Renditions of assets that are ready.
    pub(crate) renditions: Cache<AssetId, Arc<[Rendition]>>,
    pub(crate) policies: Policies,
    /// What people watch at the moment.
    pub(crate) watching: Live,
    /// The sessions behind open streams.
    pub(crate) rights: Rights,
    /// `WebSockets` that are open, which the HTTP connections they came from do not wait for.
    pub(crate) streams: Streams,
}

impl App {
    /// Puts the parts together. It starts nothing; see [`crate::background::run`].
    pub fn new(
        db: Db,
        media: Arc<dyn MediaStore>,
        dispatch: Dispatch,
        keys: Keys,
        stills: Arc<dyn StillMaker>,
        settings: Settings,
    ) -> Result<Self> {
        Ok(Self(Arc::new(Shared {
            db,
            media,
            dispatch,
            keys,
            stills,
            hasher: Hasher::new()?,
            logins: LoginLimit::new(&settings),
            uploads: Arc::new(Semaphore::new(settings.max_uploads)),
            account_uploads: Shares::new(settings.uploads_per_account()),
            address_uploads: Shares::new(settings.uploads_per_address()),
            requests: Shares::new(settings.connections_per_address()),
            choices: Choices::default(),
            locks: Locks::default(),
            probes: Probes::default(),
            access: Access::new(),
            objects: Objects::new(settings.cache_bytes),
            plays: Plays::default(),
            unhashed: Notify::new(),
            lists: Coalesce::default(),
            usernames: Cache::new(10_000),
            renditions: Cache::new(10_000),
            policies: Policies::new(settings.media_origin.as_deref())?,
            watching: Live::new(),
            rights: Rights::default(),
            streams: Streams::default(),
            settings,
        })))
    }

    /// True if the account may be used: it is open, and has no password that everybody knows, unless
    /// this is a demonstration.
    pub(crate) fn admits(&self, user: &User) -> bool {
        user.active && (self.settings.demo || !user.default_password)
    }

    /// The time, by the database's clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.db.clock().now()
    }
}

impl Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}
