//! Making an account.

use clipsy_domain::user::{Role, User, Viewer};
use clipsy_domain::username;
use clipsy_storage::NewUser;

use crate::Service;
use crate::accounts::note_action::note_action;
use crate::accounts::password;
use crate::accounts::require_admin;
use crate::error::{Error, FieldErrors, Result};

/// Maximum characters of an email address (RFC 5321 section 4.5.3.1).
const MAX_EMAIL: usize = 254;

/// A new account, as entered.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// Name to sign in with.
    pub username: String,
    /// Password, as it was typed.
    pub password: String,
    /// Address; may be empty.
    pub email: String,
    /// What the account may do.
    pub role: Role,
}

/// Makes an account; only for admins.
pub async fn create_user(service: &Service, viewer: Viewer, new: NewAccount) -> Result<User> {
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
        password_hash: service.accounts.hasher.hash(new.password).await?,
        default_password: false,
    };
    match service.db.create_user(account).await {
        Ok(user) => {
            tracing::info!(user_id = user.id, by = viewer.user_id(), "account made");
            note_action(
                service,
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

/// Validates an email address; an empty one is valid. Existence is not checked.
pub fn email_objection(email: &str) -> Option<&'static str> {
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
