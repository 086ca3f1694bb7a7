//! Signing out.

use crate::Service;
use crate::accounts::session::SignedIn;
use crate::error::Result;

/// Ends the session with all its tokens.
pub async fn log_out(service: &Service, signed_in: &SignedIn) -> Result<()> {
    service.db.revoke_session(&signed_in.session_id).await?;
    service.accounts.rights.end_session(&signed_in.session_id);
    Ok(())
}
