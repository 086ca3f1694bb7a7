//! Signing out.

use crate::app::App;
use crate::auth::viewer::SignedIn;
use crate::error::Result;

/// Ends the session with all its tokens.
pub(crate) async fn log_out(app: &App, signed_in: &SignedIn) -> Result<()> {
    app.db.revoke_session(&signed_in.session_id).await?;
    app.rights.end_session(&signed_in.session_id);
    Ok(())
}
