//! Signing in with name and password.

use clipsy_domain::user::User;
use clipsy_http::Client;
use clipsy_http::caller::client::sharer;

use super::start_session::{Pair, start_session};
use crate::app::App;
use crate::error::{Error, Result};

/// Begins a session. Wrong names and wrong passwords take equally long and look the same.
pub(crate) async fn log_in(
    app: &App,
    client: Client,
    username: &str,
    password: String,
) -> Result<(User, Pair)> {
    let attempt = app.logins.begin(username, client.address)?;
    let found = app.db.user_by_name(username).await?;
    let (user, hash) = found.unzip();
    let sharer = sharer(client.address, &app.settings.trusted_proxies);
    let right = app.hasher.verify(password, hash, sharer).await?;
    let user = user.filter(|user| right && user.active);
    let user = user.ok_or(Error::WrongCredentials)?;
    attempt.succeeded();
    // Everybody knows that password, so it opens nothing but a demonstration.
    if !app.admits(&user) {
        return Err(Error::DefaultPassword);
    }
    let pair = start_session(app, user.id).await?;
    tracing::info!(user_id = user.id, address = %client.address, "signed in");
    Ok((user, pair))
}
