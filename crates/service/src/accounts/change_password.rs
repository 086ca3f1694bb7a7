//! Changing one's password.

use crate::Service;
use crate::accounts::Origin;
use crate::accounts::password;
use crate::accounts::session::SignedIn;
use crate::accounts::start_session::{Pair, start_session};
use crate::error::{Error, Result};

/// Sets a new password, which ends all sessions of the account, and begins a new one.
pub async fn change_password(
    service: &Service,
    from: Origin,
    signed_in: &SignedIn,
    old: String,
    new: String,
) -> Result<Pair> {
    let user = &signed_in.user;
    let attempt = service
        .accounts
        .logins
        .begin(&user.username, from.address)?;
    let hash = service.db.user_by_name(&user.username).await?;
    let right = service
        .accounts
        .hasher
        .verify(old, hash.map(|(_, hash)| hash), from.sharer)
        .await?;
    if !right {
        let message = "Your old password was entered incorrectly. Please enter it again.";
        return Err(Error::field("old_password", message));
    }
    attempt.succeeded();
    if let Some(objection) = password::objection(&new, &user.username, &user.email) {
        return Err(Error::field("new_password", objection));
    }
    let hash = service.accounts.hasher.hash(new).await?;
    if !service.db.set_password(user.id, &hash).await? {
        return Err(Error::NotFound);
    }
    service.accounts.rights.end_user(user.id);
    tracing::info!(user_id = user.id, "password changed");
    start_session(service, user.id, from.device.as_deref()).await
}
