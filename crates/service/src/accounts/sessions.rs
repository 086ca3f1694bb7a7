//! Looking at the sessions of an account, and ending them.

use clipsy_domain::user::{UserId, Viewer};
use clipsy_storage::SessionInfo;

use crate::Service;
use crate::accounts::note_action::note_action;
use crate::accounts::session::SignedIn;
use crate::error::{Error, Result};

/// The sessions of an account that live, the last used one first; for the person and for admins.
pub async fn list_sessions(
    service: &Service,
    viewer: Viewer,
    user: UserId,
) -> Result<Vec<SessionInfo>> {
    check(viewer, user)?;
    Ok(service.db.sessions_of(user).await?)
}

/// Ends a session with its tokens and streams; for the person and for admins. Gives back what it was.
pub async fn end_session_of(service: &Service, viewer: Viewer, id: &str) -> Result<SessionInfo> {
    if viewer == Viewer::Anonymous {
        return Err(Error::NotSignedIn);
    }
    let session = service.db.session(id).await?.ok_or(Error::NotFound)?;
    // Somebody else's looks like one that is not there.
    check(viewer, session.user_id).map_err(|_| Error::NotFound)?;
    if !service.db.revoke_session(id).await? {
        return Err(Error::NotFound);
    }
    ended(service, viewer, std::slice::from_ref(&session)).await?;
    Ok(session)
}

/// Ends all sessions of an account but the one that asks; for the person and for admins. Says how many.
pub async fn end_sessions(service: &Service, by: &SignedIn, user: UserId) -> Result<usize> {
    let viewer = by.viewer();
    let mut sessions = list_sessions(service, viewer, user).await?;
    sessions.retain(|session| session.id != by.session_id);
    for session in &sessions {
        service.db.revoke_session(&session.id).await?;
    }
    ended(service, viewer, &sessions).await?;
    Ok(sessions.len())
}

fn check(viewer: Viewer, user: UserId) -> Result<()> {
    match viewer.user_id() {
        None => Err(Error::NotSignedIn),
        Some(id) if id == user || viewer.is_admin() => Ok(()),
        Some(_) => Err(Error::Forbidden),
    }
}

/// What follows: their streams end, and it is noted.
async fn ended(service: &Service, viewer: Viewer, sessions: &[SessionInfo]) -> Result<()> {
    let Some(first) = sessions.first() else {
        return Ok(());
    };
    for session in sessions {
        service.accounts.rights.end_session(&session.id);
    }
    let user = service.db.user(first.user_id).await?;
    let name = user.map(|user| user.username).unwrap_or_default();
    let detail = match sessions.len() {
        1 => String::new(),
        count => count.to_string(),
    };
    tracing::info!(
        user_id = first.user_id,
        by = viewer.user_id(),
        count = sessions.len(),
        "sessions ended"
    );
    note_action(service, viewer, "end_session", &name, &detail).await;
    Ok(())
}
