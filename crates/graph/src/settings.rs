//! What can be set about the API. The binary fills it in; nothing here reads the environment.

use std::time::Duration;

use clipsy_http::{Network, body, server};

use crate::shown::SettingShown;
use crate::transport::settings::GraphqlSettings;

/// Settings of the API. [`ApiSettings::default`] is what a server on one machine wants.
#[derive(Debug, Clone)]
pub struct ApiSettings {
    /// Those of what the API translates for.
    pub service: clipsy_service::ServiceSettings,
    /// Proxies whose `X-Forwarded-…` or `Forwarded` headers are believed.
    pub trusted_proxies: Vec<Network>,
    /// Origins, e.g. `https://app.example`, whose pages may use the API besides those of the server
    /// itself, also over `WebSockets`.
    pub allowed_origins: Vec<String>,
    /// Fewest bytes a second of an upload, on average over [`ApiSettings::upload_window`]; 0 for any.
    pub upload_rate: u64,
    /// Over which the rate of an upload is averaged.
    pub upload_window: Duration,
    /// Maximum body in bytes, except for uploads.
    pub max_body_bytes: usize,
    /// Longest wait for the next bytes of a body.
    pub body_timeout: Duration,
    /// Maximum time for a whole body, except for uploads.
    pub body_deadline: Duration,
    /// Fewest bytes a second of such a body, on average over [`ApiSettings::body_window`]; 0 for any.
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
    /// [`ApiSettings::write_timeout`]; 0 for any.
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
    /// The GraphQL API.
    pub graphql: GraphqlSettings,
    /// All settings of the process, as admins are shown them.
    pub shown: Vec<SettingShown>,
}

impl ApiSettings {
    /// Connections, or requests behind a trusted proxy, of one address. An address may be shared by
    /// a school or a provider's customers, so the limit is high; a quarter leaves places to others
    /// even before connections are closed.
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
}

impl Default for ApiSettings {
    fn default() -> Self {
        Self {
            service: clipsy_service::ServiceSettings::default(),
            trusted_proxies: Vec::new(),
            allowed_origins: Vec::new(),
            // The slowest mobile links, EDGE and throttled ones, are ten times as fast.
            upload_rate: 1 << 10,
            upload_window: Duration::from_mins(1),
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
            graphql: GraphqlSettings::default(),
            shown: Vec::new(),
        }
    }
}
