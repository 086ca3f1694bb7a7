//! Accounts: sign-in, sessions and rights.

pub mod change_password;
pub mod create_user;
pub mod delete_user;
pub mod end_session;
pub mod find_user;
pub mod keys;
pub mod limit;
pub mod log_in;
pub mod log_out;
pub(crate) mod note_action;
pub mod password;
pub mod refresh_session;
mod require_admin;
pub mod right;
pub mod session;
pub mod sessions;
pub mod set_limits;
pub mod start_session;
pub mod token;
pub mod update_user;
mod weak;

use std::net::IpAddr;

use keys::Keys;
use limit::LoginLimit;
use password::Hasher;
use right::Rights;

use crate::error::Result;
use crate::settings::ServiceSettings;

pub use require_admin::require_admin;

/// What signing in needs, and what it opened.
#[derive(Debug)]
pub struct Accounts {
    /// What tokens are signed with.
    pub keys: Keys,
    /// The sessions behind open streams.
    pub rights: Rights,
    pub(crate) hasher: Hasher,
    pub(crate) logins: LoginLimit,
}

impl Accounts {
    pub(crate) fn new(keys: Keys, settings: &ServiceSettings) -> Result<Self> {
        Ok(Self {
            keys,
            rights: Rights::default(),
            hasher: Hasher::new()?,
            logins: LoginLimit::new(settings),
        })
    }
}

/// The origin of a password check.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The address, for the log.
    pub address: IpAddr,
    /// The subscriber of the address, the key of limits on sign-ins: of IPv6 addresses, their
    /// network.
    pub subscriber: IpAddr,
    /// The subscriber for fair sharing of password checks; `None` for addresses that represent many
    /// people.
    pub sharer: Option<IpAddr>,
    /// What the program calls itself, for the list of sessions.
    pub device: Option<String>,
}
