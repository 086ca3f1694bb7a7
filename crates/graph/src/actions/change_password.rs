//! Changing one's password.

use clipsy_http::Client;
use clipsy_http::caller::client::sharer;

use super::start_session::{Pair, start_session};
use crate::app::App;
use crate::auth::password;
use crate::auth::viewer::SignedIn;
use crate::error::{Error, Result};

/// Sets a new password, which ends all sessions of the account, and begins a new one.
pub(crate) async fn change_password(
    app: &App,
    client: Client,
    signed_in: &SignedIn,
    old: String,
    new: String,
) -> Result<Pair> {
    let user = &signed_in.user;
    let attempt = app.logins.begin(&user.username, client.address)?;
    let hash = app.db.user_by_name(&user.username).await?;
    let sharer = sharer(client.address, &app.settings.trusted_proxies);
    let right = app
        .hasher
        .verify(old, hash.map(|(_, hash)| hash), sharer)
        .await?;
    if !right {
        let message = "Your old password was entered incorrectly. Please enter it again.";
        return Err(Error::field("old_password", message));
    }
    attempt.succeeded();
    if let Some(objection) = password::objection(&new, &user.username, &user.email) {
        return Err(Error::field("new_password", objection));
    }
    let hash = app.hasher.hash(new).await?;
    if !app.db.set_password(user.id, &hash).await? {
        return Err(Error::NotFound);
    }
    app.rights.end_user(user.id);
    tracing::info!(user_id = user.id, "password changed");
    start_session(app, user.id).await
}
