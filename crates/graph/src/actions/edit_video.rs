//! Changing what is said about a video, and who may see it.

use clipsy_dispatch::Message;
use clipsy_domain::asset::AssetId;
use clipsy_domain::user::Viewer;
use clipsy_storage::AssetChange;

use super::find_video::{Video, find_managed, with_details};
use crate::app::App;
use crate::error::{Error, Result};

/// Changes the video and gives it back as it is then.
pub(crate) async fn edit_video(
    app: &App,
    viewer: Viewer,
    id: AssetId,
    change: AssetChange,
) -> Result<Video> {
    find_managed(app, viewer, id).await?;
    let changed = app.db.update_asset(id, change).await;
    // Players hear of it before the answer is sent.
    app.access.forget(id);
    let asset = changed?.ok_or(Error::NotFound)?;
    let message = Message::AssetChanged { asset_id: id };
    app.dispatch.events.publish(message).await;
    let mut videos = with_details(app, vec![asset]).await?;
    videos.pop().ok_or(Error::NotFound)
}
