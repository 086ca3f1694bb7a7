//! Settings of the service.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args};
use clipsy_domain::asset::Visibility;
use clipsy_domain::user::Allowance;
use clipsy_graph::{GraphqlSettings, Introspection};
use clipsy_http::Network;
use clipsy_storage::sqlite_url;

use super::media::MediaArgs;
use super::nats::NatsArgs;
use super::work::{WorkArgs, hours};
use super::{MetricsArgs, TracesArgs};
use crate::commands::exit::UsageError;

/// Where the service keeps what it knows.
#[derive(Debug, Args)]
pub(crate) struct StateArgs {
    /// Folder for database, media, uploads, scratch space and keys; it is made if it is not there
    #[arg(
        long,
        env = "CLIPSY_STATE_DIR",
        default_value = "./clipsy-data",
        value_name = "DIR"
    )]
    state_dir: PathBuf,
    #[arg(
        long,
        env = "CLIPSY_DATABASE_URL",
        hide_env_values = true,
        value_name = "URL",
        help = "Database: sqlite:///absolute/file.db or postgres://user@host/name [default: \
                clipsy.db in the state folder]"
    )]
    database_url: Option<String>,
}

impl StateArgs {
    /// The state folder as an absolute path.
    pub(crate) fn folder(&self) -> std::io::Result<PathBuf> {
        std::path::absolute(&self.state_dir)
    }

    /// The database's address.
    pub(crate) fn database_url(&self) -> std::io::Result<String> {
        match &self.database_url {
            Some(url) => Ok(url.clone()),
            None => Ok(sqlite_url(&self.folder()?.join("clipsy.db"))),
        }
    }
}

/// How the service runs.
#[derive(Debug, Args)]
pub(crate) struct ServiceArgs {
    /// Address to listen on
    #[arg(
        long,
        env = "CLIPSY_LISTEN",
        default_value = "127.0.0.1:8000",
        value_name = "ADDRESS:PORT"
    )]
    listen: String,
    #[command(flatten)]
    pub(crate) state: StateArgs,
    #[command(flatten)]
    pub(crate) media: MediaArgs,
    #[command(flatten)]
    pub(crate) nats: NatsArgs,
    /// File with the keys that tokens are signed with, the same for all processes that serve;
    /// it is made if it is not there [default: in the state folder]
    #[arg(long, env = "CLIPSY_KEY_FILE", value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    #[arg(
        long,
        env = "CLIPSY_ADMIN_PASSWORD_FILE",
        value_name = "FILE",
        help = "File with the password of the first account; CLIPSY_ADMIN_PASSWORD may hold the \
                password itself, which also replaces the one of an account that still has \
                admin123 [default: a random one]"
    )]
    pub(crate) admin_password_file: Option<PathBuf>,
    #[arg(
        long,
        env = "CLIPSY_DEMO",
        default_value_t = false,
        action = ArgAction::Set,
        num_args = 0..=1,
        default_missing_value = "true",
        value_name = "true|false",
        help = "A demonstration: the first account is admin with the password admin123, the server \
                listens on this machine only, and says everywhere what it is"
    )]
    pub(crate) demo: bool,
    #[command(flatten)]
    pub(crate) work: WorkArgs,
    /// Largest video file that is accepted
    #[arg(long, env = "CLIPSY_MAX_UPLOAD_BYTES", default_value_t = 50 << 30, value_name = "BYTES")]
    max_upload_bytes: u64,
    /// Give up an upload that has not gone on for so long
    #[arg(
        long,
        env = "CLIPSY_UPLOAD_EXPIRY_HOURS",
        default_value = "168",
        value_name = "HOURS",
        value_parser = hours
    )]
    upload_expiry_hours: Duration,
    /// Uploads that one account may have begun and not finished
    #[arg(
        long,
        env = "CLIPSY_MAX_UNFINISHED_UPLOADS",
        default_value_t = 100,
        value_name = "N"
    )]
    max_unfinished_uploads: u32,
    /// Uploads that are received at the same time; each takes up to 4 MB of memory
    #[arg(
        long,
        env = "CLIPSY_MAX_UPLOADS",
        default_value_t = 64,
        value_name = "N"
    )]
    max_uploads: usize,
    /// Those of one account [default: a quarter]
    #[arg(long, env = "CLIPSY_MAX_UPLOADS_PER_ACCOUNT", value_name = "N")]
    max_uploads_per_account: Option<usize>,
    /// Those from one address [default: half]
    #[arg(long, env = "CLIPSY_MAX_UPLOADS_PER_ADDRESS", value_name = "N")]
    max_uploads_per_address: Option<usize>,
    /// End an upload that brings fewer bytes a second, on average over a minute; its sender may go
    /// on. 0 for no limit
    #[arg(
        long,
        env = "CLIPSY_MIN_UPLOAD_RATE",
        default_value_t = 1024,
        value_name = "BYTES"
    )]
    min_upload_rate: u64,
    /// What one account may store in originals and unfinished uploads [default: no limit]
    #[arg(long, env = "CLIPSY_QUOTA_BYTES", value_name = "BYTES")]
    quota_bytes: Option<u64>,
    /// Minutes of video that one account may upload within 24 hours [default: no limit]
    #[arg(long, env = "CLIPSY_MINUTES_A_DAY", value_name = "MINUTES")]
    minutes_a_day: Option<u32>,
    /// Videos of one account that may wait to be processed [default: no limit]
    #[arg(long, env = "CLIPSY_MAX_WAITING", value_name = "N")]
    max_waiting: Option<u32>,
    /// Make bytes of an upload durable at the latest when so many have arrived
    #[arg(long, env = "CLIPSY_UPLOAD_FLUSH_BYTES", default_value_t = 8 << 20, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1..))]
    upload_flush_bytes: u64,
    /// Make bytes of an upload durable at the latest after so long
    #[arg(long, env = "CLIPSY_UPLOAD_FLUSH_MS", default_value_t = 1000, value_name = "MS", value_parser = clap::value_parser!(u64).range(1..=60_000))]
    upload_flush_ms: u64,
    /// Visibility of a video whose uploader does not say
    #[arg(long, env = "CLIPSY_DEFAULT_VISIBILITY", default_value = "public", value_parser = visibility, value_name = "public|unlisted|private")]
    default_visibility: Visibility,
    /// Proxies whose word about clients, and about the address of this server, is believed, e.g.
    /// 10.0.0.0/8,192.0.2.1
    #[arg(
        long,
        env = "CLIPSY_TRUSTED_PROXIES",
        value_delimiter = ',',
        value_name = "NETWORKS"
    )]
    trusted_proxies: Vec<Network>,
    /// Who may ask what the GraphQL schema looks like; development means admins, and everybody in a
    /// demonstration
    #[arg(long, env = "CLIPSY_INTROSPECTION", default_value = "development", value_parser = introspection, value_name = "development|everybody|admins|nobody")]
    introspection: Introspection,
    #[arg(
        long,
        help = "Origins, e.g. https://app.example, whose pages may use the API: REST, GraphQL, \
                event streams and web sockets",
        env = "CLIPSY_ALLOWED_ORIGINS",
        value_delimiter = ',',
        value_name = "ORIGINS"
    )]
    allowed_origins: Vec<String>,
    /// Live connections, by web socket or event stream, that may be open at the same time
    #[arg(
        long,
        env = "CLIPSY_MAX_STREAMS",
        default_value_t = 10_000,
        value_name = "N"
    )]
    max_streams: usize,
    /// Those of one address
    #[arg(
        long,
        env = "CLIPSY_MAX_STREAMS_PER_ADDRESS",
        default_value_t = 500,
        value_name = "N"
    )]
    max_streams_per_address: usize,
    /// Those of one account, from whichever addresses
    #[arg(
        long,
        env = "CLIPSY_MAX_STREAMS_PER_ACCOUNT",
        default_value_t = 1000,
        value_name = "N"
    )]
    max_streams_per_account: usize,
    /// Connections that may be open at the same time; for one beyond that the least used one ends
    #[arg(long, env = "CLIPSY_MAX_CONNECTIONS", default_value_t = 4096, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_connections: u32,
    /// Those of one address, and requests at the same time of one client behind a trusted proxy
    /// [default: a quarter]
    #[arg(long, env = "CLIPSY_MAX_CONNECTIONS_PER_ADDRESS", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_connections_per_address: Option<u32>,
    /// Close a connection on which no request has come for so long; longer than the proxy in front
    /// keeps it
    #[arg(long, env = "CLIPSY_KEEP_ALIVE_SECONDS", default_value_t = 150, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    keep_alive_seconds: u64,
    #[command(flatten)]
    pub(crate) metrics: MetricsArgs,
    #[command(flatten)]
    pub(crate) traces: TracesArgs,
}

impl ServiceArgs {
    /// Addresses to listen on; the first that works is taken.
    pub(crate) fn addresses(&self) -> Result<Vec<SocketAddr>, UsageError> {
        let found = self.listen.to_socket_addrs();
        let found: Vec<SocketAddr> = found
            .map_err(|e| UsageError(format!("--listen: {:?}: {e}", self.listen)))?
            .collect();
        // Everybody knows the password of a demonstration.
        let here = |address: &SocketAddr| address.ip().to_canonical().is_loopback();
        if self.demo && !found.iter().all(here) {
            return Err(UsageError(format!(
                "--demo listens on this machine only, and {} can be reached from elsewhere: leave \
                 --demo away, or use --listen 127.0.0.1:8000",
                self.listen
            )));
        }
        Ok(found)
    }

    /// Largest upload in bytes.
    pub(crate) fn max_upload_bytes(&self) -> u64 {
        self.max_upload_bytes
    }

    /// Settings of the HTTP side.
    pub(crate) fn graph(&self) -> clipsy_graph::ApiSettings {
        let introspection = match self.introspection {
            Introspection::Development if self.demo => Introspection::Everybody,
            other => other,
        };
        let service = clipsy_service::ServiceSettings {
            demo: self.demo,
            max_upload_bytes: self.max_upload_bytes,
            upload_ttl_s: i64::try_from(self.upload_expiry_hours.as_secs()).unwrap_or(i64::MAX),
            max_uploads: self.max_uploads,
            allowance: Allowance {
                bytes: self
                    .quota_bytes
                    .map(|n| i64::try_from(n).unwrap_or(i64::MAX)),
                minutes_a_day: self.minutes_a_day.map(i64::from),
                uploads: Some(self.max_unfinished_uploads.into()),
                waiting: self.max_waiting.map(i64::from),
            },
            max_uploads_per_account: self.max_uploads_per_account,
            max_uploads_per_address: self.max_uploads_per_address,
            flush_bytes: self.upload_flush_bytes,
            flush_interval: Duration::from_millis(self.upload_flush_ms),
            default_visibility: self.default_visibility,
            ..clipsy_service::ServiceSettings::default()
        };
        clipsy_graph::ApiSettings {
            service,
            trusted_proxies: self.trusted_proxies.clone(),
            allowed_origins: self.allowed_origins.clone(),
            max_connections: self.max_connections as usize,
            max_connections_per_address: self.max_connections_per_address.map(|n| n as usize),
            keep_alive: Duration::from_secs(self.keep_alive_seconds),
            upload_rate: self.min_upload_rate,
            graphql: GraphqlSettings {
                introspection,
                max_sockets: self.max_streams,
                max_sockets_per_address: self.max_streams_per_address,
                max_sockets_per_account: self.max_streams_per_account,
                ..GraphqlSettings::default()
            },
            ..clipsy_graph::ApiSettings::default()
        }
    }
}

fn introspection(name: &str) -> Result<Introspection, String> {
    Introspection::parse(name)
        .ok_or_else(|| "it is development, everybody, admins or nobody".to_owned())
}

fn visibility(name: &str) -> Result<Visibility, String> {
    Visibility::parse(name).ok_or_else(|| "it is public, unlisted or private".to_owned())
}
