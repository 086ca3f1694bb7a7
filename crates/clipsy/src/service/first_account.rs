//! The first account. It is made once: an admin who was deleted never comes back. The documented
//! password is given in demonstrations only, and an account that still has it is of no use elsewhere
//! (decision 0042).

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clipsy_domain::user::{Role, User};
use clipsy_service::accounts::password::{DEFAULT_PASSWORD, DEFAULT_USERNAME, hash, objection};
use clipsy_storage::{Db, NewUser};

use super::state;
use crate::commands::exit::Refusal;
use crate::config::environment;

/// Address for mail of the first account, as the original product has it.
const DEFAULT_EMAIL: &str = "admin@example.com";

/// How to sign in after a start.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum SignIn {
    /// With an account that was there before.
    AsBefore,
    /// With an account that was there before, but not with that one: it still has the documented
    /// password.
    Locked(String),
    /// As admin with the documented password.
    Demo,
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

/// Makes the first account if there never was one. In a demonstration (`demo`) it has the
/// documented password. `file` is the file that holds its password, if there is one; `keys` takes a
/// generated one.
pub(crate) async fn make(
    db: &Db,
    demo: bool,
    file: Option<&Path>,
    keys: &Path,
) -> anyhow::Result<SignIn> {
    if demo {
        tracing::warn!(
            "this is a demonstration: {DEFAULT_USERNAME:?} has, or may keep, the documented \
             password; start without --demo for anything else"
        );
    }
    let users = db.users().await?;
    if !users.is_empty() {
        return match users.into_iter().find(|user| user.default_password) {
            Some(known) => still_known(db, demo, known, given(file)?).await,
            None => Ok(SignIn::AsBefore),
        };
    }
    let (password, sign_in) = choose(demo, given(file)?, keys);
    if let SignIn::Generated { password, file } = &sign_in {
        // On disk before it is in use, or nobody would ever know it.
        state::write_secret(file, password).context("the admin password cannot be kept")?;
    }
    let account = NewUser {
        username: DEFAULT_USERNAME.into(),
        email: DEFAULT_EMAIL.into(),
        role: Role::Admin,
        password_hash: hash(&password)?,
        default_password: sign_in == SignIn::Demo,
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

/// Deals with an account that still has the documented password.
async fn still_known(
    db: &Db,
    demo: bool,
    user: User,
    given: Option<String>,
) -> anyhow::Result<SignIn> {
    if let Some(password) = given {
        db.set_password(user.id, &hash(&password)?).await?;
        tracing::info!(
            user_id = user.id,
            "the documented password was replaced by the one that the settings give"
        );
        return Ok(SignIn::Given);
    }
    if demo {
        return Ok(SignIn::Demo);
    }
    let name = user.username;
    tracing::warn!(
        "the account {name:?} still has the documented password and is refused: give it another \
         with `clipsy user passwd {name}`"
    );
    Ok(SignIn::Locked(name))
}

fn choose(demo: bool, given: Option<String>, keys: &Path) -> (String, SignIn) {
    if let Some(password) = given {
        return (password, SignIn::Given);
    }
    if demo {
        return (DEFAULT_PASSWORD.into(), SignIn::Demo);
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
    match objection(&password, DEFAULT_USERNAME, DEFAULT_EMAIL) {
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

    #[test]
    fn the_documented_password_is_for_demonstrations_only() {
        let keys = Path::new("/keys");
        let (password, sign_in) = choose(true, None, keys);
        assert_eq!((password.as_str(), sign_in), ("admin123", SignIn::Demo));
        let (password, sign_in) = choose(false, None, keys);
        assert!(password.len() >= 32 && password != choose(false, None, keys).0);
        assert!(matches!(sign_in, SignIn::Generated { .. }));
        for demo in [false, true] {
            let given = choose(demo, Some("correct horse".into()), keys);
            assert_eq!(given, ("correct horse".into(), SignIn::Given));
        }
    }
}
