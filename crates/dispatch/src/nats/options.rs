//! How to reach the server, and how to use it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use async_nats::{ConnectOptions, ServerAddr};
use percent_encoding::percent_decode_str;

use crate::queue::Need;
use crate::{Error, Result};

/// Connection and options of NATS. `Default` is a local server without accounts.
#[derive(Debug, Clone)]
pub struct Options {
    /// Addresses of one server or of several of one cluster, as `nats://host:4222` or
    /// `tls://host:4222`, separated by commas. They may contain a name and a password, as in
    /// `nats://name:password@host`.
    pub servers: String,
    /// Who we are.
    pub sign_in: SignIn,
    /// Encryption.
    pub tls: Tls,
    /// The name of this connection on the server.
    pub name: String,
    /// First word of all subjects and of the stream: lower case letters, digits and `-`. Services
    /// that share a server, and are not to share their jobs, have different ones.
    pub prefix: String,
    /// Servers of a cluster that keep each ticket, 1 to 5.
    pub replicas: usize,
    /// How long a ticket stays with a worker without a report.
    pub ack_wait: Duration,
    /// Deliveries of a ticket before it becomes a dead letter. Deliveries during a retry delay
    /// count too, so this is far above the attempts of a job.
    pub max_deliver: i64,
    /// What this machine can run; nothing if empty.
    pub serves: Vec<Need>,
    /// What it wants to hear of others.
    pub hears: Hears,
}

/// Which messages of other processes a process receives. It always receives its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Hears {
    /// All messages, for those whom people watch.
    #[default]
    Everything,
    /// Messages that workers act on: a job was cancelled, an asset deleted, the queue paused or
    /// resumed.
    Orders,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            servers: "nats://127.0.0.1:4222".to_owned(),
            sign_in: SignIn::default(),
            tls: Tls::default(),
            name: "clipsy".to_owned(),
            prefix: "clipsy".to_owned(),
            replicas: 1,
            ack_wait: Duration::from_mins(1),
            max_deliver: 1000,
            serves: vec![Need::Cpu],
            hears: Hears::default(),
        }
    }
}

/// Credentials for the server. Its `Debug` form shows no secrets.
#[derive(Clone, Default)]
pub enum SignIn {
    /// What the address says, or nobody.
    #[default]
    FromAddress,
    /// A name and a password.
    Password(String, String),
    /// A secret that all clients share.
    Token(String),
    /// The seed of an Ed25519 key, `SU…`.
    Nkey(String),
    /// A `.creds` file with a signed identity and the seed of its key.
    CredentialsFile(PathBuf),
}

impl fmt::Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FromAddress => f.write_str("FromAddress"),
            Self::Password(name, _) => f.debug_tuple("Password").field(name).finish(),
            Self::Token(_) => f.write_str("Token"),
            Self::Nkey(_) => f.write_str("Nkey"),
            Self::CredentialsFile(path) => f.debug_tuple("CredentialsFile").field(path).finish(),
        }
    }
}

/// Encryption of the connection.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// Refuse unencrypted servers. A `tls://` URL implies it.
    pub required: bool,
    /// Start TLS before the server's first message, as some servers require.
    pub first: bool,
    /// PEM file with the authorities to trust instead of the system's.
    pub roots: Option<PathBuf>,
    /// PEM files with this client's certificate and its key.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// An address without secrets, and the sign-in that was in it.
type Address = (ServerAddr, SignIn);

impl Options {
    /// What the client library wants to know, and the addresses.
    pub(super) async fn connect_options(&self) -> Result<(ConnectOptions, Vec<ServerAddr>)> {
        self.check()?;
        let mut servers = Vec::new();
        let mut sign_in = self.sign_in.clone();
        for text in self.servers.split(',').map(str::trim) {
            let (server, found) = address(text)?;
            servers.push(server);
            if matches!(sign_in, SignIn::FromAddress) {
                sign_in = found;
            }
        }
        let options = ConnectOptions::new().name(&self.name);
        let mut options = match sign_in {
            SignIn::FromAddress => options,
            SignIn::Password(name, password) => options.user_and_password(name, password),
            SignIn::Token(token) => options.token(token),
            SignIn::Nkey(seed) => options.nkey(seed),
            SignIn::CredentialsFile(path) => {
                let shown = path.display().to_string();
                let read = options.credentials_file(path).await;
                read.map_err(|error| Error::Settings(format!("{shown}: {error}")))?
            }
        };
        options = options.require_tls(self.tls.required);
        if self.tls.first {
            options = options.tls_first();
        }
        if let Some(roots) = &self.tls.roots {
            options = options.add_root_certificates(readable(roots).await?);
        }
        if let Some((certificate, key)) = &self.tls.identity {
            options =
                options.add_client_certificate(readable(certificate).await?, readable(key).await?);
        }
        Ok((options, servers))
    }

    fn check(&self) -> Result<()> {
        let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let problem = if self.prefix.is_empty() || !self.prefix.chars().all(is_word) {
            "the prefix has to consist of lower case letters, digits and '-'"
        } else if !(1..=5).contains(&self.replicas) {
            "replicas have to be 1 to 5"
        } else if self.ack_wait < Duration::from_secs(1) {
            "workers have to be given a second to report"
        } else if self.max_deliver < 1 {
            "a ticket has to be handed out at least once"
        } else {
            return Ok(());
        };
        Err(Error::Settings(problem.to_owned()))
    }
}

/// Parses one URL. The client library would log the password.
fn address(text: &str) -> Result<Address> {
    let bad = |why: &str| Error::Settings(format!("an address of NATS is not valid: {why}"));
    let (scheme, rest) = text.split_once("://").unwrap_or(("nats", text));
    if !["nats", "tls"].contains(&scheme) {
        return Err(bad("it has to begin with nats:// or tls://"));
    }
    let (user, host) = match rest.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, rest),
    };
    let server: ServerAddr = format!("{scheme}://{host}")
        .parse()
        .map_err(|_| bad("host and port cannot be read"))?;
    if server.host().is_empty() {
        return Err(bad("it names no host"));
    }
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let sign_in = match user.map(|user| user.split_once(':')) {
        None => SignIn::FromAddress,
        Some(Some((name, password))) => SignIn::Password(decode(name), decode(password)),
        Some(None) => SignIn::Token(decode(user.unwrap_or_default())),
    };
    Ok((server, sign_in))
}

/// `path`, if it can be read: later it would fail again and again in the background.
async fn readable(path: &PathBuf) -> Result<PathBuf> {
    match tokio::fs::File::open(path).await {
        Ok(_) => Ok(path.clone()),
        Err(error) => Err(Error::Settings(format!("{}: {error}", path.display()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        let (server, sign_in) = address("tls://ann:p%40ss@nats.example:5222").unwrap();
        assert!(server.tls_required());
        assert_eq!((server.host(), server.port()), ("nats.example", 5222));
        assert!(server.username().is_none() && server.password().is_none());
        assert!(matches!(sign_in, SignIn::Password(name, word) if name == "ann" && word == "p@ss"));
        let (server, sign_in) = address("s3cret@localhost").unwrap();
        assert_eq!((server.host(), server.port()), ("localhost", 4222));
        assert!(matches!(sign_in, SignIn::Token(token) if token == "s3cret"));
        let (_, sign_in) = address("nats://127.0.0.1:4222").unwrap();
        assert!(matches!(sign_in, SignIn::FromAddress));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "http://host",
            "wss://host",
            "nats://",
            "nats://host:port",
        ] {
            assert!(address(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        for sign_in in [
            SignIn::Password("ann".to_owned(), "s3cret".to_owned()),
            SignIn::Token("s3cret".to_owned()),
            SignIn::Nkey("s3cret".to_owned()),
        ] {
            assert!(!format!("{sign_in:?}").contains("s3cret"));
        }
    }

    #[tokio::test]
    async fn unusable_settings_are_named() {
        let good = Options::default();
        assert!(good.connect_options().await.is_ok());
        for bad in [
            Options {
                prefix: "a.b".to_owned(),
                ..good.clone()
            },
            Options {
                replicas: 6,
                ..good.clone()
            },
            Options {
                ack_wait: Duration::ZERO,
                ..good.clone()
            },
            Options {
                max_deliver: 0,
                ..good.clone()
            },
            Options {
                servers: "ftp://host".to_owned(),
                ..good.clone()
            },
            Options {
                sign_in: SignIn::CredentialsFile("/does/not/exist.creds".into()),
                ..good.clone()
            },
            Options {
                tls: Tls {
                    roots: Some("/does/not/exist.pem".into()),
                    ..Tls::default()
                },
                ..good.clone()
            },
        ] {
            let error = bad.connect_options().await.err();
            assert!(
                matches!(error, Some(Error::Settings(_))),
                "{bad:?}: {error:?}"
            );
        }
    }
}
