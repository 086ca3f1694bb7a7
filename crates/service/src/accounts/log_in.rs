//! Signing in with name and password.

use clipsy_domain::user::User;

use crate::Service;
use crate::accounts::Origin;
use crate::accounts::start_session::{Pair, start_session};
use crate::error::{Error, Result};

/// Signs in. Wrong usernames and wrong passwords take equally long and cannot be told apart.
pub async fn log_in(
    service: &Service,
    from: Origin,
    username: &str,
    password: String,
) -> Result<(User, Pair)> {
    let attempt = service.accounts.logins.begin(username, from.subscriber)?;
    let found = service.db.user_by_name(username).await?;
    let (user, hash) = found.unzip();
    let right = service
        .accounts
        .hasher
        .verify(password, hash, from.sharer)
        .await?;
    let user = user.filter(|user| right && user.active);
    let user = user.ok_or(Error::WrongCredentials)?;
    attempt.succeeded();
    // The default password is public, so it works in demonstration mode only.
    if !service.admits(&user) {
        return Err(Error::DefaultPassword);
    }
    let pair = start_session(service, user.id, from.device.as_deref()).await?;
    tracing::info!(user_id = user.id, address = %from.address, "signed in");
    Ok((user, pair))
}
