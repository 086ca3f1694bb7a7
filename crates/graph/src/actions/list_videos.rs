//! Listing videos.

use clipsy_domain::asset::{Asset, Visibility};
use clipsy_domain::user::UserId;
use clipsy_storage::AssetFilter;

use super::find_video::{Video, with_details};
use crate::app::App;
use crate::error::Result;

/// Which videos to list.
#[derive(Debug, Clone)]
pub(crate) struct VideoFilter {
    /// Who asks, what they look for, in which order, and which part of it.
    pub(crate) assets: AssetFilter,
    /// Only those of that account.
    pub(crate) owner: Option<UserId>,
    /// Only those of that visibility.
    pub(crate) visibility: Option<Visibility>,
}

/// Videos of a list.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) videos: Vec<Video>,
    /// How many there are without regard to offset and limit; only counted if there is a limit.
    pub(crate) total: i64,
}

/// The videos that match.
pub(crate) async fn list_videos(app: &App, filter: VideoFilter) -> Result<Listed> {
    let (assets, total) = if filter.owner.is_some() || filter.visibility.is_some() {
        narrowed(app, filter).await?
    } else {
        let assets = app.db.assets(&filter.assets).await?;
        let total = match filter.assets.limit {
            Some(_) => app.db.count_assets(&filter.assets).await?,
            None => i64::try_from(assets.len()).unwrap_or(i64::MAX),
        };
        (assets, total)
    };
    let videos = with_details(app, assets).await?;
    Ok(Listed { videos, total })
}

/// Narrows the list further than the database does. One person's videos, or a few unlisted ones,
/// are few.
async fn narrowed(app: &App, mut filter: VideoFilter) -> Result<(Vec<Asset>, i64)> {
    let offset = std::mem::take(&mut filter.assets.offset);
    let limit = filter.assets.limit.take();
    let mut assets = app.db.assets(&filter.assets).await?;
    assets.retain(|asset| {
        filter.owner.is_none_or(|owner| asset.owner_id == owner)
            && filter.visibility.is_none_or(|v| asset.visibility == v)
    });
    let total = i64::try_from(assets.len()).unwrap_or(i64::MAX);
    let skip = usize::try_from(offset).unwrap_or(0);
    let take = limit.and_then(|limit| usize::try_from(limit).ok());
    let assets = assets
        .into_iter()
        .skip(skip)
        .take(take.unwrap_or(usize::MAX))
        .collect();
    Ok((assets, total))
}
