//! Notes who did what, for admins to look at.

use clipsy_domain::user::Viewer;

use crate::Service;

/// Notes what was done. It is done by then: that it cannot be noted is told in the server's log.
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
