//! The first account. It is made once: an admin who was deleted never comes back.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clipsy_domain::user::Role;
use clipsy_graph::auth::password::{DEFAULT_PASSWORD, DEFAULT_USERNAME, hash, objection};
use clipsy_storage::{Db, NewUser};

use super::state;
use crate::commands::exit::Refusal;
use crate::config::environment;

/// How to sign in after a start.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum SignIn {
    /// With an account that was there before.
    AsBefore,
    /// As admin with the documented password.
    Default,
    /// As admin with the password that the settings gave.
    Given,
    /// As admin with a random password.
    Generated {
        /// The password.
        password: String,
        /// The file that holds it, too.
        file: PathBuf,
    },
}

/// Makes the first account if there never was one. `file` is the file that holds its password,
/// if there is one; `keys` takes a generated one.
pub(crate) async fn make(
    db: &Db,
    address: SocketAddr,
    file: Option<&Path>,
    keys: &Path,
) -> anyhow::Result<SignIn> {
    let users = db.users().await?;
    if !users.is_empty() {
        if users.iter().any(|user| user.default_password) {
            tracing::warn!(
                "the account {DEFAULT_USERNAME:?} still has the documented password; it is refused \
                 from other machines: change it"
            );
        }
        return Ok(SignIn::AsBefore);
    }
    let (password, sign_in) = choose(address, given(file)?, keys);
    if let SignIn::Generated { password, file } = &sign_in {
        // On disk before it is in use, or nobody would ever know it.
        state::write_secret(file, password).context("the admin password cannot be kept")?;
    }
    let account = NewUser {
        username: DEFAULT_USERNAME.into(),
        email: format!("{DEFAULT_USERNAME}@example.com"),
        role: Role::Admin,
        password_hash: hash(&password)?,
        default_password: sign_in == SignIn::Default,
    };
    if db.create_first_user(account).await?.is_some() {
        return Ok(sign_in);
    }
    // Another server on the same database was faster, or the account was deleted on purpose.
    if let SignIn::Generated { file, .. } = &sign_in {
        std::fs::remove_file(file).context("the admin password that is not used")?;
    }
    Ok(SignIn::AsBefore)
}

fn choose(address: SocketAddr, given: Option<String>, keys: &Path) -> (String, SignIn) {
    if let Some(password) = given {
        return (password, SignIn::Given);
    }
    if address.ip().is_loopback() {
        return (DEFAULT_PASSWORD.into(), SignIn::Default);
    }
    let password = generate();
    let sign_in = SignIn::Generated {
        password: password.clone(),
        file: keys.join("admin-password"),
    };
    (password, sign_in)
}

/// The password that the operator has set.
fn given(file: Option<&Path>) -> anyhow::Result<Option<String>> {
    let (name, password) = match (environment::admin_password(), file) {
        (Some(password), _) => ("CLIPSY_ADMIN_PASSWORD", password),
        (None, Some(file)) => {
            let text = std::fs::read_to_string(file).map_err(|error| {
                let path = file.display();
                Refusal::new("usage", format!("--admin-password-file: {path}: {error}"))
            })?;
            (
                "--admin-password-file",
                text.trim_end_matches(['\r', '\n']).to_owned(),
            )
        }
        (None, None) => return Ok(None),
    };
    match objection(&password) {
        Some(objection) => Err(Refusal::new("usage", format!("{name}: {objection}")).into()),
        None => Ok(Some(password)),
    }
}

/// A random password of 122 bits.
pub(crate) fn generate() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    #[test]
    fn the_documented_password_is_for_this_machine_only() {
        let keys = Path::new("/keys");
        let port = 8000;
        for local in [
            SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            SocketAddr::from((Ipv6Addr::LOCALHOST, port)),
        ] {
            let (password, sign_in) = choose(local, None, keys);
            assert_eq!((password.as_str(), sign_in), ("admin123", SignIn::Default));
        }
        let everywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
        let (password, sign_in) = choose(everywhere, None, keys);
        assert!(password.len() >= 32 && password != choose(everywhere, None, keys).0);
        assert!(matches!(sign_in, SignIn::Generated { .. }));
        let given = choose(everywhere, Some("correct horse".into()), keys);
        assert_eq!(given, ("correct horse".into(), SignIn::Given));
    }
}
