//! Setting how urgent the processing of a video is.

use clipsy_dispatch::Message;
use clipsy_domain::asset::AssetId;
use clipsy_domain::job::PRIORITIES;
use clipsy_domain::user::Viewer;

use crate::Service;
use crate::accounts::note_action::note_action;
use crate::accounts::require_admin;
use crate::error::{Error, Result};
use crate::videos::find_video::{Named, Video, find_asset, find_video};

/// Sets the priority of a video's job, which waits or runs, among the jobs of its owner, and among those
/// of accounts that had as much; accounts keep their fair shares.
pub async fn set_priority(
    service: &Service,
    viewer: Viewer,
    id: AssetId,
    priority: i64,
) -> Result<Video> {
    require_admin(viewer)?;
    if !PRIORITIES.contains(&priority) {
        let (least, most) = (PRIORITIES.start(), PRIORITIES.end());
        let problem = format!("Ensure this value is between {least} and {most}.");
        return Err(Error::Fields(vec![("priority".into(), vec![problem])]));
    }
    let before = find_asset(service, viewer, id).await?;
    let job = service.db.set_priority(id, priority).await?;
    let job = job.ok_or(Error::Conflict {
        code: "not_waiting",
        message: "This video is not waiting and not being processed.",
    })?;
    tracing::info!(
        job_id = job.id,
        user_id = viewer.user_id(),
        priority,
        title = before.title,
        "priority set"
    );
    let detail = priority.to_string();
    note_action(service, viewer, "set_priority", &before.title, &detail).await;
    let message = Message::JobChanged {
        asset_id: id,
        job_id: job.id,
    };
    service.dispatch.events.publish(message).await;
    service.dispatch.events.publish(Message::QueueChanged).await;
    find_video(service, viewer, &Named::Number(id)).await
}
