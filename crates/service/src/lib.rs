//! Actions on videos, accounts and uploads, and their state.
//!
//! Each subject has a folder with one verb per file and their shared state: [`accounts`], [`uploads`],
//! [`videos`], and [`watch`] for live updates. Rights are checked here, not by the callers.
//!
//! This crate is independent of HTTP, GraphQL and `GStreamer`: the API translates, and workers share its
//! code with the API.

pub mod accounts;
pub mod background;
pub mod backup;
pub mod cage;
pub mod error;
pub mod health;
mod settings;
pub mod tickets;
pub mod trace;
pub mod uploads;
pub mod videos;
pub mod watch;

use std::ops::Deref;
use std::sync::Arc;

use clipsy_dispatch::Dispatch;
use clipsy_domain::clock::Timestamp;
use clipsy_domain::user::User;
use clipsy_storage::Db;
use clipsy_storage::media::MediaStore;

use accounts::Accounts;
use accounts::keys::Keys;
use uploads::Uploads;
use videos::Videos;
use watch::Live;

pub use error::{Error, FieldErrors, Result};
pub use settings::ServiceSettings;
pub use uploads::error::UploadError;
pub use videos::still::{StillError, StillMaker};

/// What all verbs work with. Clones share it.
#[derive(Debug, Clone)]
pub struct Service(Arc<State>);

/// What a [`Service`] holds.
#[derive(Debug)]
pub struct State {
    /// Videos, jobs, accounts.
    pub db: Db,
    /// Originals, uploads and output.
    pub media: Arc<dyn MediaStore>,
    /// Queue and events.
    pub dispatch: Dispatch,
    /// How it is set up.
    pub settings: ServiceSettings,
    /// Who signs in, and with what.
    pub accounts: Accounts,
    /// What is being received.
    pub uploads: Uploads,
    /// What is remembered of videos.
    pub videos: Videos,
    /// What people watch at the moment.
    pub watch: Live,
}

impl Service {
    /// Assembles the service without starting anything; see [`background::run`].
    pub fn new(
        db: Db,
        media: Arc<dyn MediaStore>,
        dispatch: Dispatch,
        keys: Keys,
        stills: Arc<dyn StillMaker>,
        settings: ServiceSettings,
    ) -> Result<Self> {
        Ok(Self(Arc::new(State {
            db,
            media,
            dispatch,
            accounts: Accounts::new(keys, &settings)?,
            uploads: Uploads::new(&settings),
            videos: Videos::new(stills),
            watch: Live::new(),
            settings,
        })))
    }

    /// True if the account may be used: it is active, and does not have the default password, except
    /// in demonstration mode.
    pub fn admits(&self, user: &User) -> bool {
        user.active && (self.settings.demo || !user.default_password)
    }

    /// The time, by the database's clock.
    pub fn now(&self) -> Timestamp {
        self.db.clock().now()
    }
}

impl Deref for Service {
    type Target = State;

    fn deref(&self) -> &State {
        &self.0
    }
}
