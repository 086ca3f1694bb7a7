//! Deleting a video.

use clipsy_dispatch::Message;
use clipsy_domain::asset::AssetId;
use clipsy_domain::job::JobState;
use clipsy_domain::user::Viewer;

use super::find_video::find_managed;
use super::note_action::note_action;
use super::sweep_garbage::sweep_garbage;
use crate::app::App;
use crate::error::{Error, Result};
use crate::tickets::take_back;

/// Deletes the video with everything of it. A job that runs is stopped.
pub(crate) async fn delete_video(app: &App, viewer: Viewer, id: AssetId) -> Result<()> {
    let video = find_managed(app, viewer, id).await?;
    let job = app.db.job_of_asset(id).await?;
    let deleted = app.db.delete_asset(id).await;
    app.access.forget(id);
    deleted?.ok_or(Error::NotFound)?;
    tracing::info!(asset_id = id, user_id = viewer.user_id(), "video deleted");
    note_action(app, viewer, "delete_video", &video.title, "").await;
    if let Some(job) = job {
        take_back(&app.dispatch, job.id).await;
        if job.state == JobState::Running {
            let message = Message::CancelJob {
                job_id: job.id,
                attempt: job.attempt,
            };
            app.dispatch.events.publish(message).await;
        }
    }
    let message = Message::AssetDeleted { asset_id: id };
    app.dispatch.events.publish(message).await;
    // Large files take a while to delete; what fails is tried again later.
    let app = app.clone();
    tokio::spawn(async move { sweep_garbage(&app).await });
    Ok(())
}
