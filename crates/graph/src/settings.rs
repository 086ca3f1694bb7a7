//! What can be set about this crate. The binary fills it in; nothing here reads the environment.

use std::num::NonZeroU32;
use std::time::Duration;

use clipsy_domain::asset::Visibility;
use clipsy_domain::user::Allowance;
use clipsy_http::{Network, body, server};
use clipsy_service::cage::Cage;
use clipsy_service::tickets::Wants;

use crate::graphql::settings::GraphqlSettings;

/// Settings of the HTTP face. [`Settings::default`] is what a server on one machine wants.
#[derive(Debug, Clone)]
pub struct Settings {
    /// True if accounts that still have the documented password may be used: a demonstration, which
    /// listens on this machine only. Elsewhere that password opens nothing.
    pub demo: bool,
    /// Name that tokens carry as their issuer; tokens of another issuer are refused.
    pub issuer: String,
    /// How long an access token is good for, in seconds.
    pub access_ttl_s: i64,
    /// How long a refresh token is good for, in seconds. Each refresh begins it anew.
    pub refresh_ttl_s: i64,
    /// How long a playback link is good for beyond the length of its video, in seconds.
    pub playback_ttl_s: i64,
    /// Proxies whose `X-Forwarded-…` or `Forwarded` headers are believed.
    pub trusted_proxies: Vec<Network>,
    /// Origins, e.g. `https://app.example`, whose pages may use the API besides those of the server
    /// itself, also over `WebSockets`.
    pub allowed_origins: Vec<String>,
    /// Sign-ins that one account may try from one address in a row; they come back over a minute.
    pub logins_per_account: NonZeroU32,
    /// Sign-ins that one address may try in a row for any account; they come back over a minute.
    pub logins_per_address: NonZeroU32,
    /// Largest video file that is accepted, in bytes.
    pub max_upload_bytes: u64,
    /// Disk space in bytes that uploads leave free.
    pub reserve_bytes: u64,
    /// Uploads that are received at the same time.
    pub max_uploads: usize,
    /// Those of one account; `None` for a quarter of them.
    pub max_uploads_per_account: Option<usize>,
    /// Those from one address; `None` for half of them.
    pub max_uploads_per_address: Option<usize>,
    /// Fewest bytes a second of an upload, on average over [`Settings::upload_window`]; 0 for any.
    pub upload_rate: u64,
    /// Over which the rate of an upload is averaged.
    pub upload_window: Duration,
    /// How long an upload that can be resumed is kept after the last time it went on, in seconds.
    pub upload_ttl_s: i64,
    /// What an account may take for which nothing else was set.
    pub allowance: Allowance,
    /// How many bytes of an upload may be on their way to the disk before they are synced.
    pub flush_bytes: u64,
    /// How long bytes of an upload may be on their way to the disk before they are synced.
    pub flush_interval: Duration,
    /// Visibility of a video whose uploader does not say.
    pub default_visibility: Visibility,
    /// Largest body of a request that is no upload, in bytes.
    pub max_body_bytes: usize,
    /// Longest wait for the next bytes of a body.
    pub body_timeout: Duration,
    /// Longest wait for the whole body of a request that is no upload.
    pub body_deadline: Duration,
    /// Fewest bytes a second of such a body, on average over [`Settings::body_window`]; 0 for any.
    pub body_rate: u64,
    /// Over which the rate of such a body is averaged.
    pub body_window: Duration,
    /// Longest wait for the headers of a request.
    pub header_timeout: Duration,
    /// Longest wait for the next request on a connection. It has to be longer than the one of a
    /// proxy in front: a request that is sent while the connection ends here is lost.
    pub keep_alive: Duration,
    /// Longest wait for a client to take more of an answer. Players that pause read on with a new
    /// request.
    pub write_timeout: Duration,
    /// Fewest bytes of an answer that a client takes a second, on average over
    /// [`Settings::write_timeout`]; 0 for any.
    pub answer_rate: u64,
    /// Connections that are open at the same time.
    pub max_connections: usize,
    /// Those of one address, and requests at a time of one client behind a trusted proxy; `None` for
    /// a quarter of them.
    pub max_connections_per_address: Option<usize>,
    /// Origin, e.g. `https://s3.example:9000`, that players are sent to for segments; `None` if the
    /// store has no address for clients.
    pub media_origin: Option<String>,
    /// Memory for playlists, segments and pictures that are asked for often, in bytes.
    pub cache_bytes: u64,
    /// How long a play of the same viewer does not count again, in seconds.
    pub view_window_s: i64,
    /// How often counted plays are written down.
    pub view_flush: Duration,
    /// The GraphQL API.
    pub graphql: GraphqlSettings,
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

impl Settings {
    /// Connections, or requests behind a trusted proxy, of one address. A network address stands for
    /// a school or a provider's customers at times, so it is much; a quarter leaves places to others
    /// even before anybody has to leave.
    pub(crate) fn connections_per_address(&self) -> usize {
        let share = self.max_connections_per_address;
        share.unwrap_or((self.max_connections / 4).max(1))
    }

    /// How the server treats connections.
    pub(crate) fn connections(&self) -> server::Limits {
        server::Limits {
            max_connections: self.max_connections,
            max_connections_per_address: self.connections_per_address(),
            trusted_proxies: self.trusted_proxies.as_slice().into(),
            header_timeout: self.header_timeout,
            keep_alive: self.keep_alive,
            write_timeout: self.write_timeout,
            answer_rate: self.answer_rate,
        }
    }

    /// Limits on bodies of requests that are no uploads.
    pub(crate) fn small_bodies(&self) -> body::Limits {
        body::Limits {
            bytes: self.max_body_bytes as u64,
            timeout: self.body_timeout,
            deadline: self.body_deadline,
            rate: self.body_rate,
            window: self.body_window,
        }
    }

    /// Limits on uploads of at most `bytes`. They may take as long as they like if they do not fall
    /// behind.
    pub(crate) fn upload_bodies(&self, bytes: u64) -> body::Limits {
        body::Limits {
            bytes,
            timeout: self.body_timeout,
            deadline: Duration::MAX,
            rate: self.upload_rate,
            window: self.upload_window,
        }
    }

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

impl Default for Settings {
    fn default() -> Self {
        Self {
            demo: false,
            issuer: "clipsy".into(),
            access_ttl_s: 60 * 60,
            refresh_ttl_s: 7 * 24 * 60 * 60,
            playback_ttl_s: 60 * 60,
            trusted_proxies: Vec::new(),
            allowed_origins: Vec::new(),
            logins_per_account: const { NonZeroU32::new(10).unwrap() },
            logins_per_address: const { NonZeroU32::new(60).unwrap() },
            max_upload_bytes: 50 << 30,
            reserve_bytes: 256 << 20,
            max_uploads: 64,
            max_uploads_per_account: None,
            max_uploads_per_address: None,
            // The slowest mobile links, EDGE and throttled ones, are ten times as fast.
            upload_rate: 1 << 10,
            upload_window: Duration::from_mins(1),
            upload_ttl_s: 7 * 24 * 60 * 60,
            allowance: Allowance {
                uploads: Some(100),
                ..Allowance::default()
            },
            flush_bytes: 8 << 20,
            flush_interval: Duration::from_secs(1),
            default_visibility: Visibility::Public,
            max_body_bytes: 1 << 20,
            body_timeout: Duration::from_mins(1),
            body_deadline: Duration::from_mins(1),
            body_rate: 256,
            body_window: Duration::from_secs(20),
            header_timeout: Duration::from_secs(20),
            // Two minutes are the most that a usual proxy waits (Caddy; Traefik 90 s, nginx 60 s).
            keep_alive: Duration::from_secs(150),
            write_timeout: Duration::from_mins(2),
            answer_rate: 512,
            max_connections: 4096,
            max_connections_per_address: None,
            media_origin: None,
            cache_bytes: 256 << 20,
            view_window_s: 30 * 60,
            view_flush: Duration::from_secs(5),
            graphql: GraphqlSettings::default(),
            node: "clipsy".into(),
            peers: false,
            wants: Wants::default(),
            cage: Cage::default(),
        }
    }
}
