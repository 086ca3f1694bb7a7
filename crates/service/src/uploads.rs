//! Uploads: bytes on their way in, until they are a video.

pub mod append_upload;
pub mod checksum;
pub mod concat_uploads;
pub mod create_upload;
pub mod delete_upload;
pub mod edit_upload;
pub mod error;
pub mod find_upload;
pub mod finish_upload;
pub mod hash_originals;
pub mod heal_uploads;
mod lock;
pub mod places;
pub mod receive_upload;
pub mod reserve_bytes;
pub mod take_bytes;
mod write_upload;

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use clipsy_domain::shares::Shares;
use clipsy_domain::user::UserId;
use lock::Locks;
use tokio::sync::{Notify, Semaphore};

use crate::error::Result;
use crate::settings::ServiceSettings;

pub use heal_uploads::heal_uploads;

/// What is being received, and by whom.
#[derive(Debug)]
pub struct Uploads {
    /// Places for uploads that are received at the same time.
    pub(crate) receiving: Arc<Semaphore>,
    most: usize,
    /// Those that each account, and each address, has among them.
    pub(crate) of_accounts: Arc<Shares<UserId>>,
    pub(crate) of_addresses: Arc<Shares<IpAddr>>,
    /// Who works on which upload.
    pub(crate) locks: Locks,
    /// Told when there is an original without a checksum.
    pub(crate) unhashed: Notify,
}

impl Uploads {
    pub(crate) fn new(settings: &ServiceSettings) -> Self {
        Self {
            receiving: Arc::new(Semaphore::new(settings.max_uploads)),
            most: settings.max_uploads,
            of_accounts: Shares::new(settings.uploads_per_account()),
            of_addresses: Shares::new(settings.uploads_per_address()),
            locks: Locks::default(),
            unhashed: Notify::new(),
        }
    }

    /// Uploads that are received at the moment.
    pub fn in_progress(&self) -> usize {
        self.most.saturating_sub(self.receiving.available_permits())
    }
}

/// Where the bytes of an upload come from.
pub trait Source: Send {
    /// The next bytes, within the limit; `None` at the end. [`crate::Error::Parse`] if the sender broke
    /// off, and [`crate::Error::TooSlow`] if it fell silent.
    fn next(&mut self) -> impl Future<Output = Result<Option<Bytes>>> + Send;

    /// Accepts `left` more bytes from now on. `limit` is what the sender is told if there are more.
    fn set_limit(&mut self, left: u64, limit: u64);

    /// Reads on for a while and throws away what comes, so that the sender gets to see the answer.
    fn linger(&mut self);
}
