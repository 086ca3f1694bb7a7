//! Deleting a video.

use clipsy_dispatch::Message;
use clipsy_domain::asset::AssetId;
use clipsy_domain::job::JobState;
use clipsy_domain::user::Viewer;

use crate::tickets::take_back;

use crate::Service;
use crate::accounts::note_action::note_action;
use crate::error::{Error, Result};
use crate::videos::find_video::find_managed;
use crate::videos::sweep_garbage::sweep_garbage;

/// Deletes the video with everything of it. A job that runs is stopped.
pub async fn delete_video(service: &Service, viewer: Viewer, id: AssetId) -> Result<()> {
    let title = remove_video(service, viewer, id).await?;
    note_action(service, viewer, "delete_video", &title, "").await;
    // Large files take a while to delete; what fails is tried again later.
    let service = service.clone();
    tokio::spawn(async move { sweep_garbage(&service).await });
    Ok(())
}

/// The same as a part of something larger, that notes it and sweeps. Gives back the title.
pub(crate) async fn remove_video(service: &Service, viewer: Viewer, id: AssetId) -> Result<String> {
    let video = find_managed(service, viewer, id).await?;
    let job = service.db.job_of_asset(id).await?;
    let deleted = service.db.delete_asset(id).await;
    service.videos.access.forget(id);
    deleted?.ok_or(Error::NotFound)?;
    tracing::info!(asset_id = id, user_id = viewer.user_id(), "video deleted");
    if let Some(job) = job {
        take_back(&service.dispatch, job.id).await;
        if job.state == JobState::Running {
            let message = Message::CancelJob {
                job_id: job.id,
                attempt: job.attempt,
            };
            service.dispatch.events.publish(message).await;
        }
    }
    let message = Message::AssetDeleted { asset_id: id };
    service.dispatch.events.publish(message).await;
    Ok(video.title)
}
