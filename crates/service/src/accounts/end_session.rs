//! Ending a session by its refresh token.

use crate::Service;
use crate::accounts::token::{self, TokenType};
use crate::error::Result;

/// Ends the session of a refresh token. Invalid tokens are ignored: their session is over.
pub async fn end_session(service: &Service, refresh: &str) -> Result<()> {
    let issuer = &service.settings.issuer;
    let claims = token::read(
        &service.accounts.keys,
        issuer,
        TokenType::Refresh,
        refresh,
        service.now(),
    );
    if let Some(claims) = claims {
        service.db.revoke_session(&claims.sid).await?;
        service.accounts.rights.end_session(&claims.sid);
    }
    Ok(())
}
