//! Notes who did what, for admins to look at.

use clipsy_domain::user::Viewer;

use crate::Service;

/// Adds an entry to the audit log. The action has already been done, so a failure is only logged.
pub(crate) async fn note_action(
    service: &Service,
    viewer: Viewer,
    action: &str,
    target: &str,
    detail: &str,
) {
    if let Err(error) = service.db.note_action(viewer, action, target, detail).await {
        tracing::warn!(%error, action, target, "an action could not be noted");
    }
}
