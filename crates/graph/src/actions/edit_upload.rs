//! Changing what is said about an upload while it runs.

use clipsy_domain::asset::Visibility;
use clipsy_domain::upload::Upload;
use clipsy_domain::user::Viewer;
use clipsy_storage::{AssetChange, UploadChange};

use super::edit_video::edit_video;
use super::find_upload::find_upload;
use crate::app::App;
use crate::error::{Error, Result};

/// What to change; `None` leaves a thing as it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct UploadEdit {
    pub(crate) title: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) visibility: Option<Visibility>,
}

/// Changes the upload, or the video that it has become, and gives it back as it is then. Whoever
/// sends its bytes is not disturbed.
pub(crate) async fn edit_upload(
    app: &App,
    viewer: Viewer,
    id: &str,
    edit: UploadEdit,
) -> Result<Upload> {
    let mut upload = find_upload(app, viewer, id).await?;
    if upload.asset_id.is_none() {
        let change = UploadChange {
            title: edit.title.clone(),
            description: edit.description.clone(),
            visibility: edit.visibility,
            ..UploadChange::default()
        };
        if let Some(changed) = app.db.update_upload(id, change).await? {
            return Ok(changed);
        }
        // It has become a video just now, or is gone.
        upload = find_upload(app, viewer, id).await?;
    }
    let asset_id = upload.asset_id.ok_or(Error::NotFound)?;
    let change = AssetChange {
        title: edit.title,
        description: edit.description,
        visibility: edit.visibility,
    };
    let video = edit_video(app, viewer, asset_id, change).await?.asset;
    Ok(Upload {
        title: video.title,
        description: video.description,
        visibility: video.visibility,
        ..upload
    })
}
