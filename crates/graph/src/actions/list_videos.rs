//! Listing videos.

use clipsy_storage::AssetFilter;

use super::find_video::{Video, with_details};
use crate::app::App;
use crate::error::Result;

/// Videos of a list.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) videos: Vec<Video>,
    /// How many there are without regard to offset and limit; only counted if there is a limit.
    pub(crate) total: i64,
}

/// The videos that match.
pub(crate) async fn list_videos(app: &App, filter: &AssetFilter) -> Result<Listed> {
    let assets = app.db.assets(filter).await?;
    let total = match filter.limit {
        Some(_) => app.db.count_assets(filter).await?,
        None => i64::try_from(assets.len()).unwrap_or(i64::MAX),
    };
    let videos = with_details(app, assets).await?;
    Ok(Listed { videos, total })
}
