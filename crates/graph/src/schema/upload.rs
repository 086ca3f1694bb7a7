//! Uploads that can be resumed.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use clipsy_domain::upload;
use clipsy_service::error::Error;
use clipsy_service::uploads::find_upload::upload_offset;
use clipsy_service::videos::find_video::find_asset;

use super::asked::{app, headers, viewer};
use super::errors::Result;
use super::ids::Global;
use super::names::Visibility;
use super::scalars::{BigInt, DateTime};
use super::video::Video;

/// An upload, see its [`Object`]. It is only shown to whoever sends it, and to admins.
#[derive(Debug, Clone)]
pub(crate) struct Upload(Arc<upload::Upload>);

impl From<upload::Upload> for Upload {
    fn from(upload: upload::Upload) -> Self {
        Self(Arc::new(upload))
    }
}

/// A resumable upload (tus).
#[Object(serial)]
impl Upload {
    /// Global id.
    pub(crate) async fn id(&self) -> ID {
        Global::Upload(self.0.id.clone()).into()
    }

    /// URL for tus clients to continue at; a path if the server's host name is unknown.
    async fn url(&self, ctx: &Context<'_>) -> String {
        let path = format!("{}{}", super::query::TUS_PATH, self.0.id);
        headers(ctx).address.url(&path)
    }

    /// Name of the file on the client.
    async fn filename(&self) -> &str {
        &self.0.filename
    }

    /// Media type as given by the client; may be empty.
    async fn content_type(&self) -> &str {
        &self.0.filetype
    }

    /// Title of the video.
    async fn title(&self) -> &str {
        &self.0.title
    }

    /// The video's description.
    async fn description(&self) -> &str {
        &self.0.description
    }

    /// The video's tags.
    async fn tags(&self) -> &[String] {
        &self.0.tags
    }

    /// Who may see the video.
    async fn visibility(&self) -> Visibility {
        self.0.visibility.into()
    }

    /// Bytes received and durably stored.
    async fn offset(&self, ctx: &Context<'_>) -> Result<BigInt> {
        let offset = upload_offset(app(ctx)?, &self.0).await?;
        Ok(i64::try_from(offset).unwrap_or(i64::MAX).into())
    }

    /// Total size in bytes; null until declared.
    async fn length(&self) -> Option<BigInt> {
        self.0.length.map(Into::into)
    }

    /// When it was created.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it expires unless it is continued.
    async fn expires_at(&self) -> DateTime {
        self.0.expires_at.into()
    }

    /// The resulting video; null until all bytes have arrived.
    async fn video(&self, ctx: &Context<'_>) -> Result<Option<Video>> {
        let Some(asset) = self.0.asset_id else {
            return Ok(None);
        };
        match find_asset(app(ctx)?, viewer(ctx), asset).await {
            Ok(asset) => Ok(Some(Video::alone(asset))),
            Err(Error::NotFound) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
