//! How the processes of one service find each other.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{ArgAction, Args};
use clipsy_dispatch::Need;
use clipsy_dispatch::nats::{Hears, Options, SignIn, Tls};

use crate::commands::exit::UsageError;

/// The NATS server between several processes. Secrets come from files, since everybody on a machine
/// can read arguments.
#[derive(Debug, Args)]
#[expect(clippy::struct_field_names, reason = "the names are the flags")]
pub(crate) struct NatsArgs {
    #[arg(
        long,
        env = "CLIPSY_NATS_URL",
        hide_env_values = true,
        value_name = "URLS",
        help = "NATS servers of a service of several processes, e.g. nats://10.0.0.5:4222, or \
                tls://… to insist on encryption; several of one cluster are separated by commas \
                [default: everything in one process]"
    )]
    nats_url: Option<String>,
    /// First word of all names on the NATS server; services that share one need different ones
    #[arg(
        long,
        env = "CLIPSY_NATS_PREFIX",
        default_value = "clipsy",
        value_name = "WORD"
    )]
    nats_prefix: String,
    /// Servers of the NATS cluster that keep each ticket, 1 to 5
    #[arg(
        long,
        env = "CLIPSY_NATS_REPLICAS",
        default_value_t = 1,
        value_name = "N"
    )]
    nats_replicas: usize,
    /// Credentials of an account (.creds)
    #[arg(long, env = "CLIPSY_NATS_CREDENTIALS_FILE", value_name = "FILE")]
    nats_credentials_file: Option<PathBuf>,
    /// File with the seed of an Ed25519 key (SU…)
    #[arg(long, env = "CLIPSY_NATS_NKEY_FILE", value_name = "FILE")]
    nats_nkey_file: Option<PathBuf>,
    /// File with a token
    #[arg(long, env = "CLIPSY_NATS_TOKEN_FILE", value_name = "FILE")]
    nats_token_file: Option<PathBuf>,
    /// Name to sign in with, together with --nats-password-file
    #[arg(long, env = "CLIPSY_NATS_USER", value_name = "NAME")]
    nats_user: Option<String>,
    /// File with its password
    #[arg(long, env = "CLIPSY_NATS_PASSWORD_FILE", value_name = "FILE")]
    nats_password_file: Option<PathBuf>,
    /// Certificates (PEM) of the authorities to trust instead of the system's
    #[arg(long, env = "CLIPSY_NATS_CA_FILE", value_name = "FILE")]
    nats_ca_file: Option<PathBuf>,
    /// Certificate (PEM) to show to the server, together with --nats-key-file
    #[arg(long, env = "CLIPSY_NATS_CERT_FILE", value_name = "FILE")]
    nats_cert_file: Option<PathBuf>,
    /// Its key (PEM)
    #[arg(long, env = "CLIPSY_NATS_KEY_FILE", value_name = "FILE")]
    nats_key_file: Option<PathBuf>,
    /// Encrypt before the server has said anything, as some are set up
    #[arg(long, env = "CLIPSY_NATS_TLS_FIRST", default_value_t = false, action = ArgAction::Set, value_name = "true|false")]
    nats_tls_first: bool,
}

impl NatsArgs {
    /// True if there is a NATS server to use.
    pub(crate) fn is_set(&self) -> bool {
        self.nats_url.is_some()
    }

    /// How to use it; `None` if everything is in one process. `name` is this process's on the
    /// server's lists, `lease` how long a ticket stays with a silent worker, `serves` what can be
    /// run here, `hears` what it wants to hear.
    pub(crate) fn options(
        &self,
        name: String,
        lease: Duration,
        serves: Vec<Need>,
        hears: Hears,
    ) -> Result<Option<Options>, UsageError> {
        let Some(servers) = &self.nats_url else {
            return Ok(None);
        };
        Ok(Some(Options {
            servers: servers.clone(),
            sign_in: self.sign_in()?,
            tls: self.tls()?,
            name,
            prefix: self.nats_prefix.clone(),
            replicas: self.nats_replicas,
            ack_wait: lease,
            serves,
            hears,
            ..Options::default()
        }))
    }

    fn sign_in(&self) -> Result<SignIn, UsageError> {
        let mut ways = Vec::new();
        if let Some(file) = &self.nats_credentials_file {
            ways.push(SignIn::CredentialsFile(file.clone()));
        }
        if let Some(file) = &self.nats_nkey_file {
            ways.push(SignIn::Nkey(secret("--nats-nkey-file", file)?));
        }
        if let Some(file) = &self.nats_token_file {
            ways.push(SignIn::Token(secret("--nats-token-file", file)?));
        }
        match (&self.nats_user, &self.nats_password_file) {
            (Some(user), Some(file)) => {
                let password = secret("--nats-password-file", file)?;
                ways.push(SignIn::Password(user.clone(), password));
            }
            (None, None) => {}
            _ => {
                return Err(UsageError(
                    "--nats-user and --nats-password-file go together".into(),
                ));
            }
        }
        if ways.len() > 1 {
            return Err(UsageError(
                "there are several ways to sign in to NATS: set one of them".into(),
            ));
        }
        Ok(ways.pop().unwrap_or_default())
    }

    fn tls(&self) -> Result<Tls, UsageError> {
        let identity = match (&self.nats_cert_file, &self.nats_key_file) {
            (Some(certificate), Some(key)) => Some((certificate.clone(), key.clone())),
            (None, None) => None,
            _ => {
                return Err(UsageError(
                    "--nats-cert-file and --nats-key-file go together".into(),
                ));
            }
        };
        Ok(Tls {
            // Whoever names authorities or has a certificate means to encrypt.
            required: self.nats_ca_file.is_some() || identity.is_some(),
            first: self.nats_tls_first,
            roots: self.nats_ca_file.clone(),
            identity,
        })
    }
}

fn secret(flag: &str, file: &Path) -> Result<String, UsageError> {
    let text = super::read(flag, file)?.trim().to_owned();
    if text.is_empty() {
        return Err(UsageError(format!("{flag}: {} is empty", file.display())));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        nats: NatsArgs,
    }

    fn options(args: &[&str]) -> Result<Option<Options>, UsageError> {
        let url = ["clipsy", "--nats-url", "nats://host"];
        let cli = Cli::try_parse_from(url.iter().chain(args)).unwrap();
        let lease = Duration::from_mins(1);
        let serves = vec![Need::Cpu];
        cli.nats
            .options("test".into(), lease, serves, Hears::Orders)
    }

    #[test]
    fn secrets_come_from_files() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        std::fs::write(&file, "s3cret\n").unwrap();
        let path = file.to_str().unwrap();
        let found = options(&["--nats-token-file", path]).unwrap().unwrap();
        assert!(matches!(found.sign_in, SignIn::Token(token) if token == "s3cret"));
        let found = options(&["--nats-user", "ann", "--nats-password-file", path]);
        let found = found.unwrap().unwrap();
        assert!(
            matches!(found.sign_in, SignIn::Password(name, word) if name == "ann" && word == "s3cret")
        );
        for (args, problem) in [
            (&["--nats-user", "ann"][..], "go together"),
            (&["--nats-cert-file", path], "go together"),
            (&["--nats-token-file", "/nowhere"], "--nats-token-file"),
            (
                &["--nats-token-file", path, "--nats-nkey-file", path],
                "several ways",
            ),
        ] {
            let error = options(args).unwrap_err().to_string();
            assert!(error.contains(problem), "{args:?}: {error}");
        }
    }

    #[test]
    fn naming_an_authority_means_to_encrypt() {
        assert!(!options(&[]).unwrap().unwrap().tls.required);
        let found = options(&["--nats-ca-file", "/ca.pem"]).unwrap().unwrap();
        assert!(found.tls.required);
    }
}
