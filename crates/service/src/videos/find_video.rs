//! Finding one video.

use std::collections::HashMap;
use std::sync::Arc;

use clipsy_domain::asset::{Asset, AssetId, AssetState, is_link_key};
use clipsy_domain::job::Rendition;
use clipsy_domain::user::{UserId, Viewer};

use crate::Service;
use crate::error::{Error, Result};

/// A video with what is shown beside it.
#[derive(Debug, Clone)]
pub struct Video {
    /// The row.
    pub asset: Asset,
    /// From the highest to the lowest.
    pub renditions: Arc<[Rendition]>,
    /// The owner's name.
    pub owner: Arc<str>,
}

/// How a video is named by who asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// By its number, which may be guessed.
    Number(AssetId),
    /// By the key of its link, which may not.
    Key(String),
}

impl Named {
    /// Reads a number or a key as addresses have them.
    pub fn parse(text: &str) -> Option<Self> {
        if is_link_key(text) {
            return Some(Self::Key(text.to_owned()));
        }
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let number = digits.then(|| text.parse().ok()).flatten();
        number.map(Self::Number)
    }

    /// True if `viewer` may see the asset that was found by this name.
    pub fn opens(&self, viewer: Viewer, asset: &Asset) -> bool {
        match self {
            Self::Number(_) => viewer.may_see(asset),
            Self::Key(key) => asset.opened_by(key) || viewer.may_manage(asset),
        }
    }
}

/// The video by one of its names, if the viewer may see it.
pub async fn find_named(service: &Service, viewer: Viewer, named: &Named) -> Result<Asset> {
    let asset = match named {
        Named::Number(id) => service.db.asset(*id).await?,
        Named::Key(key) => service.db.asset_by_link_key(key).await?,
    };
    asset
        .filter(|asset| named.opens(viewer, asset))
        .ok_or(Error::NotFound)
}

/// The video, if the viewer may see it.
pub async fn find_video(service: &Service, viewer: Viewer, named: &Named) -> Result<Video> {
    let asset = find_named(service, viewer, named).await?;
    let mut videos = with_details(service, vec![asset]).await?;
    videos.pop().ok_or(Error::NotFound)
}

/// The asset alone. One that the viewer may not see looks like one that is not there.
pub async fn find_asset(service: &Service, viewer: Viewer, id: AssetId) -> Result<Asset> {
    find_named(service, viewer, &Named::Number(id)).await
}

/// The asset, if the viewer may change it.
pub async fn find_managed(service: &Service, viewer: Viewer, id: AssetId) -> Result<Asset> {
    if viewer == Viewer::Anonymous {
        return Err(Error::NotSignedIn);
    }
    let asset = find_asset(service, viewer, id).await?;
    if viewer.may_manage(&asset) {
        Ok(asset)
    } else {
        Err(Error::Forbidden)
    }
}

/// Adds renditions and owners, with at most one statement each for all assets.
pub async fn with_details(service: &Service, assets: Vec<Asset>) -> Result<Vec<Video>> {
    let mut renditions = renditions(service, assets.iter()).await?;
    let mut owners = usernames(service, &assets).await?;
    let mut owner = |id| {
        let nobody = || Arc::from("");
        owners.entry(id).or_insert_with(nobody).clone()
    };
    Ok(assets
        .into_iter()
        .map(|asset| Video {
            renditions: renditions.remove(&asset.id).unwrap_or_default(),
            owner: owner(asset.owner_id),
            asset,
        })
        .collect())
}

/// The renditions of each asset. Those of ready assets never change again, so they are remembered.
pub async fn renditions<'a>(
    service: &Service,
    assets: impl Iterator<Item = &'a Asset> + Clone,
) -> Result<HashMap<AssetId, Arc<[Rendition]>>> {
    let mut known = HashMap::new();
    let mut unknown = Vec::new();
    for asset in assets.clone() {
        let ready = asset.state == AssetState::Ready;
        match service.videos.renditions.get(&asset.id).filter(|_| ready) {
            Some(renditions) => {
                known.insert(asset.id, renditions);
            }
            None => unknown.push(asset.id),
        }
    }
    if unknown.is_empty() {
        return Ok(known);
    }
    let mut read: HashMap<AssetId, Vec<Rendition>> = HashMap::with_capacity(unknown.len());
    for rendition in service.db.renditions(&unknown).await? {
        read.entry(rendition.asset_id).or_default().push(rendition);
    }
    for asset in assets {
        if let Some(renditions) = read.remove(&asset.id) {
            let renditions: Arc<[Rendition]> = renditions.into();
            if asset.state == AssetState::Ready {
                service
                    .videos
                    .renditions
                    .insert(asset.id, Arc::clone(&renditions));
            }
            known.insert(asset.id, renditions);
        }
    }
    Ok(known)
}

async fn usernames(service: &Service, assets: &[Asset]) -> Result<HashMap<UserId, Arc<str>>> {
    let mut names = HashMap::new();
    let mut unknown = Vec::new();
    for asset in assets {
        let id = asset.owner_id;
        if names.contains_key(&id) || unknown.contains(&id) {
            continue;
        }
        match service.videos.usernames.get(&id) {
            Some(name) => {
                names.insert(id, name);
            }
            None => unknown.push(id),
        }
    }
    if !unknown.is_empty() {
        for user in service.db.users_by_id(&unknown).await? {
            let name: Arc<str> = user.username.into();
            service.videos.usernames.insert(user.id, Arc::clone(&name));
            names.insert(user.id, name);
        }
    }
    Ok(names)
}
