//! Ending a session by its refresh token.

use crate::app::App;
use crate::auth::token::{self, TokenType};
use crate::error::Result;

/// Ends the session that a refresh token belongs to. One that is no good is passed over: what it
/// belonged to is over.
pub(crate) async fn end_session(app: &App, refresh: &str) -> Result<()> {
    let issuer = &app.settings.issuer;
    let claims = token::read(&app.keys, issuer, TokenType::Refresh, refresh, app.now());
    if let Some(claims) = claims {
        app.db.revoke_session(&claims.sid).await?;
        app.rights.end_session(&claims.sid);
    }
    Ok(())
}
