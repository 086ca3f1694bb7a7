//! Videos.

pub(crate) mod cancel;
pub(crate) mod captions;
pub(crate) mod delete;
pub(crate) mod edit;
pub(crate) mod get;
pub(crate) mod json;
pub(crate) mod list;
pub(crate) mod playback;
pub(crate) mod retry;
pub(crate) mod stream;
pub(crate) mod thumbnail;
pub(crate) mod upload;
mod whole;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use clipsy_domain::asset::AssetId;
use clipsy_service::error::{Error, Result};
use clipsy_service::videos::find_video::Named;

use crate::app::App;
use crate::rest::answer::Refused;

/// What names the video in the path: its number, or the key of an unlisted one's link.
#[derive(Debug, Clone)]
pub(crate) struct VideoName(pub(crate) Named);

impl FromRequestParts<App> for VideoName {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refused> {
        let Path(text) = Path::<String>::from_request_parts(parts, app)
            .await
            .map_err(|_| Error::NotFound)?;
        Ok(Named::parse(&text).map(Self).ok_or(Error::NotFound)?)
    }
}

/// The number in the path. Anything else there is not found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct VideoId(pub(crate) AssetId);

impl FromRequestParts<App> for VideoId {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refused> {
        match VideoName::from_request_parts(parts, app).await?.0 {
            Named::Number(id) => Ok(Self(id)),
            Named::Key(_) => Err(Error::NotFound.into()),
        }
    }
}
