//! What all requests share.

use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;

use clipsy_dispatch::Dispatch;
use clipsy_domain::shares::Shares;
use clipsy_http::server::Streams;
use clipsy_service::accounts::keys::Keys;
use clipsy_service::error::Result;
use clipsy_service::{Service, StillMaker};
use clipsy_storage::Db;
use clipsy_storage::media::MediaStore;

use crate::coalesce::Coalesce;
use crate::media::captions::Cuts;
use crate::media::objects::Objects;
use crate::pages::Policies;
use crate::rest::videos::list::List;
use crate::settings::ApiSettings;
use crate::tus::probe::Probes;

/// Everything that requests need: the service, which does what they ask for, and what translating for it
/// takes. Clones share it.
#[derive(Debug, Clone)]
pub struct App(Arc<Api>);

/// What an [`App`] holds.
#[derive(Debug)]
pub struct Api {
    /// How it is set up.
    pub settings: ApiSettings,
    service: Service,
    /// Requests that clients behind trusted proxies have at the moment.
    pub(crate) requests: Arc<Shares<IpAddr>>,
    /// What proxies make of requests is being found out.
    pub(crate) probes: Probes,
    /// Files that are asked for often.
    pub(crate) objects: Objects,
    /// Captions that segments are cut from.
    pub(crate) cuts: Cuts,
    /// Lists that people without an account ask for, as they are sent; `None` for one that failed.
    pub(crate) lists: Coalesce<String, Option<List>>,
    pub(crate) policies: Policies,
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
        settings: ApiSettings,
    ) -> Result<Self> {
        let service = settings.service.clone();
        Ok(Self(Arc::new(Api {
            service: Service::new(db, media, dispatch, keys, stills, service)?,
            requests: Shares::new(settings.connections_per_address()),
            probes: Probes::default(),
            objects: Objects::new(settings.cache_bytes),
            cuts: Cuts::default(),
            lists: Coalesce::default(),
            policies: Policies::new(settings.media_origin.as_deref())?,
            streams: Streams::default(),
            settings,
        })))
    }
}

impl Deref for App {
    type Target = Api;

    fn deref(&self) -> &Api {
        &self.0
    }
}

impl Deref for Api {
    type Target = Service;

    fn deref(&self) -> &Service {
        &self.service
    }
}
