//! Files beside a video's output that are put up and taken away by themselves: its chosen picture and its captions.

use bytes::Bytes;
use clipsy_dispatch::Message;
use clipsy_domain::asset::{Asset, AssetId};

use crate::Service;
use crate::error::{Error, Result};
use crate::videos::find_video::{Video, with_details};
use crate::videos::sweep_garbage::sweep_garbage;

/// Stores a file under a key that no other ever had, durably but only for a while: until a change refers
/// to it.
pub(super) async fn keep(service: &Service, key: &str, file: Bytes) -> Result<()> {
    service.db.reserve_key(key).await?;
    service.media.put(key, file).await?;
    Ok(())
}

/// Nobody refers to a file that was kept. If this cannot be noted it goes a few minutes later.
pub(super) async fn unwanted(service: &Service, key: &str) {
    if let Err(error) = service.db.add_garbage(key).await {
        tracing::warn!(%error, key, "could not note a file that nobody wants");
    }
}

/// What follows a change: everybody hears of it, and the file of before goes. `None` is a video that is gone.
pub(super) async fn tell(service: &Service, id: AssetId, changed: Option<Asset>) -> Result<Video> {
    // Players hear of it before the answer is sent.
    service.videos.access.forget(id);
    let sweeping = service.clone();
    tokio::spawn(async move { sweep_garbage(&sweeping).await });
    let asset = changed.ok_or(Error::NotFound)?;
    let message = Message::AssetChanged { asset_id: id };
    service.dispatch.events.publish(message).await;
    let mut videos = with_details(service, vec![asset]).await?;
    videos.pop().ok_or(Error::NotFound)
}
