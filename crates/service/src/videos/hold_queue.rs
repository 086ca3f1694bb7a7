//! Pausing and resuming the queue.

use clipsy_dispatch::Message;
use clipsy_domain::user::Viewer;

use crate::Service;
use crate::accounts::note_action::note_action;
use crate::accounts::require_admin;
use crate::error::Result;

/// Keeps jobs from being started, or no longer does. What runs goes on. It holds over restarts and
/// for all processes, until it is told otherwise.
pub async fn hold_queue(service: &Service, viewer: Viewer, paused: bool) -> Result<()> {
    require_admin(viewer)?;
    if service.db.set_queue_paused(paused).await? {
        let user_id = viewer.user_id();
        tracing::info!(paused, user_id, "queue paused or resumed");
        let action = if paused {
            "pause_queue"
        } else {
            "resume_queue"
        };
        note_action(service, viewer, action, "", "").await;
    }
    // Also if it was so before: the queue of this process may not have heard of it.
    if let Err(error) = service.dispatch.queue.set_paused(paused).await {
        // Workers look at the row from time to time, and do the same once the queue is back.
        tracing::warn!(%error, paused, "the queue could not be told to pause or go on");
    }
    service.dispatch.events.publish(Message::QueueChanged).await;
    Ok(())
}
