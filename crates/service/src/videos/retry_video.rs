//! Processing a video again.

use clipsy_dispatch::Message;
use clipsy_domain::asset::AssetId;
use clipsy_domain::user::Viewer;

use crate::tickets::queue_job;

use crate::Service;
use crate::accounts::note_action::note_action;
use crate::error::{Error, Result};
use crate::videos::find_video::{Named, Video, find_managed, find_video};

/// Queues a video that failed or was cancelled again.
pub async fn retry_video(service: &Service, viewer: Viewer, id: AssetId) -> Result<Video> {
    let video = find_managed(service, viewer, id).await?;
    let job = service.db.retry_job(id).await;
    service.videos.access.forget(id);
    let job = job?.ok_or(Error::Conflict {
        code: "not_retryable",
        message: "Only videos that failed or were cancelled can be processed again.",
    })?;
    queue_job(&service.db, &service.dispatch, service.settings.wants, &job).await;
    let message = Message::JobChanged {
        asset_id: id,
        job_id: job.id,
    };
    service.dispatch.events.publish(message).await;
    note_action(service, viewer, "retry_video", &video.title, "").await;
    find_video(service, viewer, &Named::Number(id)).await
}
