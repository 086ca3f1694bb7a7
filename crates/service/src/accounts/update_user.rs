//! Changing an account that is not one's own, or is.

use clipsy_domain::user::{Role, User, UserId, Viewer};
use clipsy_storage::{UserChange, UserUpdate};

use crate::Service;
use crate::accounts::create_user::email_objection;
use crate::accounts::note_action::note_action;
use crate::accounts::password;
use crate::accounts::require_admin;
use crate::error::{Error, Result};

/// Changes; `None` leaves a field unchanged.
#[derive(Debug, Clone, Default)]
pub struct AccountChange {
    /// Another address.
    pub email: Option<String>,
    /// Another role, which ends its sessions.
    pub role: Option<Role>,
    /// Another password, which ends its sessions.
    pub password: Option<String>,
    /// Whether the account may sign in; deactivation ends its sessions.
    pub active: Option<bool>,
}

/// Changes an account; admins only. A new password or role, and deactivation, end its sessions. The
/// last active admin cannot be demoted.
pub async fn update_user(
    service: &Service,
    viewer: Viewer,
    id: UserId,
    change: AccountChange,
) -> Result<User> {
    require_admin(viewer)?;
    let email = change.email.map(|email| email.trim().to_owned());
    if let Some(objection) = email.as_deref().and_then(email_objection) {
        return Err(Error::field("email", objection));
    }
    let password_hash = match change.password {
        Some(password) => {
            let user = service.db.user(id).await?.ok_or(Error::NotFound)?;
            let email = email.as_deref().unwrap_or(&user.email);
            if let Some(objection) = password::objection(&password, &user.username, email) {
                return Err(Error::field("password", objection));
            }
            Some(service.accounts.hasher.hash(password).await?)
        }
        None => None,
    };
    let detail = [
        change.role.map(|role| format!("role {}", role.as_str())),
        change
            .active
            .map(|active| if active { "opened" } else { "closed" }.to_owned()),
        password_hash.as_ref().map(|_| "password".to_owned()),
        email.as_ref().map(|_| "email".to_owned()),
    ];
    let detail: Vec<String> = detail.into_iter().flatten().collect();
    let change = UserChange {
        email,
        role: change.role,
        password_hash,
        active: change.active,
    };
    match service.db.update_user(id, &change).await? {
        UserUpdate::Done { user, ended } => {
            if ended {
                service.accounts.rights.end_user(id);
            }
            tracing::info!(
                user_id = id,
                by = viewer.user_id(),
                ended,
                "account changed"
            );
            note_action(
                service,
                viewer,
                "update_user",
                &user.username,
                &detail.join(", "),
            )
            .await;
            Ok(user)
        }
        UserUpdate::Missing => Err(Error::NotFound),
        UserUpdate::LastAdmin => Err(Error::Conflict {
            code: "last_admin",
            message: "This is the last admin who can sign in. Make another one first.",
        }),
    }
}
