//! Finding an account.

use clipsy_domain::user::{User, UserId, Viewer};
use clipsy_storage::AssetFilter;

use crate::Service;
use crate::error::{Error, Result};

/// The account, if it is the viewer's own, the viewer is an admin, or it has a video visible to the
/// viewer. Others are reported as missing, so that account names cannot be probed.
pub async fn find_user(service: &Service, viewer: Viewer, id: UserId) -> Result<User> {
    let user = service.db.user(id).await?.ok_or(Error::NotFound)?;
    if viewer.is_admin() || viewer.user_id() == Some(id) {
        return Ok(user);
    }
    let mut videos = AssetFilter::new(viewer);
    videos.owner = Some(id);
    if service.db.count_assets(&videos).await? > 0 {
        Ok(user)
    } else {
        Err(Error::NotFound)
    }
}
