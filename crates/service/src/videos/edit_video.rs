//! Changing what is said about a video, and who may see it.

use clipsy_dispatch::Message;
use clipsy_domain::asset::AssetId;
use clipsy_domain::tags::tidy_tags;
use clipsy_domain::user::Viewer;
use clipsy_storage::AssetChange;

use crate::Service;
use crate::error::{Error, Result};
use crate::videos::find_video::{Video, find_managed, with_details};

/// Changes the video and gives it back as it is then.
pub async fn edit_video(
    service: &Service,
    viewer: Viewer,
    id: AssetId,
    mut change: AssetChange,
) -> Result<Video> {
    find_managed(service, viewer, id).await?;
    if let Some(tags) = &mut change.tags {
        *tags = tidy_tags(tags)?;
    }
    let changed = service.db.update_asset(id, change).await;
    // Players hear of it before the answer is sent.
    service.videos.access.forget(id);
    let asset = changed?.ok_or(Error::NotFound)?;
    let message = Message::AssetChanged { asset_id: id };
    service.dispatch.events.publish(message).await;
    let mut videos = with_details(service, vec![asset]).await?;
    videos.pop().ok_or(Error::NotFound)
}
