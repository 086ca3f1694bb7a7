//! Processing a video again.

use clipsy_dispatch::Message;
use clipsy_domain::asset::AssetId;
use clipsy_domain::user::Viewer;

use super::find_video::{Named, Video, find_managed, find_video};
use super::note_action::note_action;
use crate::app::App;
use crate::error::{Error, Result};
use crate::tickets::queue_job;

/// Queues a video that failed or was cancelled anew.
pub(crate) async fn retry_video(app: &App, viewer: Viewer, id: AssetId) -> Result<Video> {
    let video = find_managed(app, viewer, id).await?;
    let job = app.db.retry_job(id).await;
    app.access.forget(id);
    let job = job?.ok_or(Error::Conflict {
        code: "not_retryable",
        message: "Only videos that failed or were cancelled can be processed again.",
    })?;
    queue_job(&app.db, &app.dispatch, app.settings.wants, &job).await;
    let message = Message::JobChanged {
        asset_id: id,
        job_id: job.id,
    };
    app.dispatch.events.publish(message).await;
    note_action(app, viewer, "retry_video", &video.title, "").await;
    find_video(app, viewer, &Named::Number(id)).await
}
