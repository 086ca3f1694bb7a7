//! Videos.

pub(crate) mod cancel;
pub(crate) mod delete;
pub(crate) mod edit;
pub(crate) mod get;
pub(crate) mod json;
pub(crate) mod list;
pub(crate) mod playback;
pub(crate) mod retry;
pub(crate) mod stream;
pub(crate) mod upload;
mod whole;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use clipsy_domain::asset::AssetId;

use crate::app::App;
use crate::error::{Error, Result};

/// The number in the path. Anything else there is not found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct VideoId(pub(crate) AssetId);

impl FromRequestParts<App> for VideoId {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let Path(text) = Path::<String>::from_request_parts(parts, app)
            .await
            .map_err(|_| Error::NotFound)?;
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let id = digits.then(|| text.parse().ok()).flatten();
        id.map(Self).ok_or(Error::NotFound)
    }
}
