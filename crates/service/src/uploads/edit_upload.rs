//! Changing what is said about an upload while it runs.

use clipsy_domain::asset::Visibility;
use clipsy_domain::tags::tidy_tags;
use clipsy_domain::upload::Upload;
use clipsy_domain::user::Viewer;
use clipsy_storage::{AssetChange, UploadChange};

use crate::Service;
use crate::error::{Error, Result};
use crate::uploads::find_upload::find_upload;
use crate::videos::edit_video::edit_video;

/// Changes; `None` leaves a field unchanged.
#[derive(Debug, Clone, Default)]
pub struct UploadEdit {
    /// Another title.
    pub title: Option<String>,
    /// Another description.
    pub description: Option<String>,
    /// All of its tags.
    pub tags: Option<Vec<String>>,
    /// Another visibility.
    pub visibility: Option<Visibility>,
}

/// Changes the upload, or the video that it has become, and gives it back as it is then. Whoever
/// sends its bytes is not disturbed.
pub async fn edit_upload(
    service: &Service,
    viewer: Viewer,
    id: &str,
    edit: UploadEdit,
) -> Result<Upload> {
    let tags = edit.tags.as_deref().map(tidy_tags).transpose()?;
    let mut upload = find_upload(service, viewer, id).await?;
    if upload.asset_id.is_none() {
        let change = UploadChange {
            title: edit.title.clone(),
            description: edit.description.clone(),
            tags: tags.clone(),
            visibility: edit.visibility,
            ..UploadChange::default()
        };
        if let Some(changed) = service.db.update_upload(id, change).await? {
            return Ok(changed);
        }
        // It has become a video just now, or is gone.
        upload = find_upload(service, viewer, id).await?;
    }
    let asset_id = upload.asset_id.ok_or(Error::NotFound)?;
    let change = AssetChange {
        title: edit.title,
        description: edit.description,
        visibility: edit.visibility,
        tags,
    };
    let video = edit_video(service, viewer, asset_id, change).await?.asset;
    Ok(Upload {
        title: video.title,
        description: video.description,
        tags: video.tags,
        visibility: video.visibility,
        ..upload
    })
}
