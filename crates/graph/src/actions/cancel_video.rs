//! Stopping the processing of a video.

use clipsy_dispatch::Message;
use clipsy_domain::asset::AssetId;
use clipsy_domain::user::Viewer;

use super::find_video::{Named, Video, find_managed, find_video};
use super::note_action::note_action;
use crate::app::App;
use crate::error::{Error, Result};
use crate::tickets::take_back;

/// Stops the video's job, whether it waits or runs.
pub(crate) async fn cancel_video(app: &App, viewer: Viewer, id: AssetId) -> Result<Video> {
    let video = find_managed(app, viewer, id).await?;
    let job = app.db.cancel_job(id).await;
    app.access.forget(id);
    let job = job?.ok_or(Error::Conflict {
        code: "not_cancellable",
        message: "This video is not waiting and not being processed.",
    })?;
    take_back(&app.dispatch, job.id).await;
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
        app.dispatch.events.publish(message).await;
    }
    note_action(app, viewer, "cancel_video", &video.title, "").await;
    find_video(app, viewer, &Named::Number(id)).await
}
