//! Settings of accounts, uploads and videos, provided by the binary; nothing here reads the
//! environment.

use std::num::NonZeroU32;
use std::time::Duration;

use clipsy_domain::asset::Visibility;
use clipsy_domain::user::Allowance;

use crate::cage::Cage;
use crate::tickets::Wants;

/// Settings of the service. [`ServiceSettings::default`] suits a server on one machine.
#[derive(Debug, Clone)]
pub struct ServiceSettings {
    /// True in demonstration mode, where accounts may have the default password and the server
    /// listens on the local machine only.
    pub demo: bool,
    /// Name that tokens carry as their issuer; tokens of another issuer are refused.
    pub issuer: String,
    /// Lifetime of an access token in seconds.
    pub access_ttl_s: i64,
    /// Lifetime of a refresh token in seconds, renewed by each refresh.
    pub refresh_ttl_s: i64,
    /// Lifetime of a playback link in seconds, in addition to the duration of its video.
    pub playback_ttl_s: i64,
    /// Consecutive failed sign-ins of one account from one address; replenished over a minute.
    pub logins_per_account: NonZeroU32,
    /// Consecutive failed sign-ins of one address; replenished over a minute.
    pub logins_per_address: NonZeroU32,
    /// Maximum size of an upload in bytes.
    pub max_upload_bytes: u64,
    /// Disk space in bytes that uploads leave free.
    pub reserve_bytes: u64,
    /// Uploads that are received at the same time.
    pub max_uploads: usize,
    /// Those of one account; `None` for a quarter of them.
    pub max_uploads_per_account: Option<usize>,
    /// Those from one address; `None` for half of them.
    pub max_uploads_per_address: Option<usize>,
    /// How long a resumable upload is kept after its last activity, in seconds.
    pub upload_ttl_s: i64,
    /// What an account may take for which nothing else was set.
    pub allowance: Allowance,
    /// How many bytes of an upload may be on their way to the disk before they are synced.
    pub flush_bytes: u64,
    /// How long bytes of an upload may be on their way to the disk before they are synced.
    pub flush_interval: Duration,
    /// Visibility of a video whose uploader does not say.
    pub default_visibility: Visibility,
    /// How long a play of the same viewer does not count again, in seconds.
    pub view_window_s: i64,
    /// How often counted plays are written down.
    pub view_flush: Duration,
    /// Name of this process; the same when it is started again.
    pub node: String,
    /// True if other processes share database and media store: what this one does not know of at
    /// its start may be theirs.
    pub peers: bool,
    /// Which machines are to run jobs.
    pub wants: Wants,
    /// How well the processes are locked in that parse media.
    pub cage: Cage,
}

impl ServiceSettings {
    /// Uploads of one account at a time.
    pub(crate) fn uploads_per_account(&self) -> usize {
        let share = self.max_uploads_per_account;
        share.unwrap_or((self.max_uploads / 4).max(1))
    }

    /// Uploads from one address at a time.
    pub(crate) fn uploads_per_address(&self) -> usize {
        let share = self.max_uploads_per_address;
        share.unwrap_or((self.max_uploads / 2).max(1))
    }
}

impl Default for ServiceSettings {
    fn default() -> Self {
        Self {
            demo: false,
            issuer: "clipsy".into(),
            access_ttl_s: 60 * 60,
            refresh_ttl_s: 7 * 24 * 60 * 60,
            playback_ttl_s: 60 * 60,
            logins_per_account: const { NonZeroU32::new(10).unwrap() },
            logins_per_address: const { NonZeroU32::new(60).unwrap() },
            max_upload_bytes: 50 << 30,
            reserve_bytes: 256 << 20,
            max_uploads: 64,
            max_uploads_per_account: None,
            max_uploads_per_address: None,
            upload_ttl_s: 7 * 24 * 60 * 60,
            allowance: Allowance {
                uploads: Some(100),
                ..Allowance::default()
            },
            flush_bytes: 8 << 20,
            flush_interval: Duration::from_secs(1),
            default_visibility: Visibility::Public,
            view_window_s: 30 * 60,
            view_flush: Duration::from_secs(5),
            node: "clipsy".into(),
            peers: false,
            wants: Wants::default(),
            cage: Cage::default(),
        }
    }
}
