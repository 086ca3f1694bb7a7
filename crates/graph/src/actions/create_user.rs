//! Making an account.

use clipsy_domain::user::{Role, User, Viewer};
use clipsy_domain::username;
use clipsy_storage::NewUser;

use super::note_action::note_action;
use super::require_admin;
use crate::app::App;
use crate::auth::password;
use crate::error::{Error, FieldErrors, Result};

/// Most characters of an address for mail (RFC 5321 section 4.5.3.1).
const MAX_EMAIL: usize = 254;

/// An account to be made, as somebody has typed it.
#[derive(Debug, Clone)]
pub(crate) struct NewAccount {
    pub(crate) username: String,
    pub(crate) password: String,
    pub(crate) email: String,
    pub(crate) role: Role,
}

/// Makes an account; only for admins.
pub(crate) async fn create_user(app: &App, viewer: Viewer, new: NewAccount) -> Result<User> {
    require_admin(viewer)?;
    let username = username::normalise(&new.username);
    let email = new.email.trim();
    let mut errors = FieldErrors::new();
    let mut refuse = |name: &str, message: Option<&str>| {
        if let Some(message) = message {
            errors.push((name.to_owned(), vec![message.to_owned()]));
        }
    };
    let objection = password::objection(&new.password, &new.username, email);
    refuse("password", objection);
    refuse("email", email_objection(email));
    // Alone it is told by its own code.
    if let (Err(error), false) = (&username, errors.is_empty()) {
        errors.insert(0, ("username".to_owned(), vec![error.to_string()]));
    }
    if !errors.is_empty() {
        return Err(Error::Fields(errors));
    }
    let username = username?;
    let account = NewUser {
        username,
        email: email.to_owned(),
        role: new.role,
        password_hash: app.hasher.hash(new.password).await?,
        default_password: false,
    };
    match app.db.create_user(account).await {
        Ok(user) => {
            tracing::info!(user_id = user.id, by = viewer.user_id(), "account made");
            note_action(
                app,
                viewer,
                "create_user",
                &user.username,
                user.role.as_str(),
            )
            .await;
            Ok(user)
        }
        Err(clipsy_storage::Error::Taken { .. }) => {
            let message = "A user with that username already exists.";
            Err(Error::field("username", message))
        }
        Err(error) => Err(error.into()),
    }
}

/// What is wrong with an address for mail; an empty one is fine. Whether it exists, only a mail to
/// it could tell.
pub(crate) fn email_objection(email: &str) -> Option<&'static str> {
    let looks_right = || {
        email.rsplit_once('@').is_some_and(|(name, host)| {
            !name.is_empty()
                && !host.is_empty()
                && !email
                    .chars()
                    .any(|c| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ','))
        })
    };
    let bad = !email.is_empty() && (email.chars().count() > MAX_EMAIL || !looks_right());
    bad.then_some("Enter a valid email address.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_look_like_addresses() {
        for good in [
            "",
            "ann@example.org",
            "a.b+c@localhost",
            "\"a@b\"@example.org",
        ] {
            assert_eq!(email_objection(good), None, "{good}");
        }
        for bad in ["ann", "@example.org", "ann@", "a b@c", "a@b,c@d", "<a@b>"] {
            assert!(email_objection(bad).is_some(), "{bad}");
        }
        assert!(email_objection(&format!("{}@b", "a".repeat(300))).is_some());
    }
}
