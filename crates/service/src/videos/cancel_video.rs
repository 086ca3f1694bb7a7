//! Stopping the processing of a video.

use clipsy_dispatch::Message;
use clipsy_domain::asset::AssetId;
use clipsy_domain::user::Viewer;

use crate::tickets::take_back;

use crate::Service;
use crate::accounts::note_action::note_action;
use crate::error::{Error, Result};
use crate::videos::find_video::{Named, Video, find_managed, find_video};

/// Stops the video's job, whether it waits or runs.
pub async fn cancel_video(service: &Service, viewer: Viewer, id: AssetId) -> Result<Video> {
    let video = find_managed(service, viewer, id).await?;
    let job = service.db.cancel_job(id).await;
    service.videos.access.forget(id);
    let job = job?.ok_or(Error::Conflict {
        code: "not_cancellable",
        message: "This video is not waiting and not being processed.",
    })?;
    take_back(&service.dispatch, job.id).await;
    for message in [
        Message::CancelJob {
            job_id: job.id,
            // The row has moved on, so that whoever runs it no longer holds it.
            attempt: job.attempt - 1,
        },
        Message::JobChanged {
            asset_id: id,
            job_id: job.id,
        },
    ] {
        service.dispatch.events.publish(message).await;
    }
    note_action(service, viewer, "cancel_video", &video.title, "").await;
    find_video(service, viewer, &Named::Number(id)).await
}
