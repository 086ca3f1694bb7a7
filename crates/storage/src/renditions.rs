//! Renditions of assets.

use clipsy_domain::asset::AssetId;
use clipsy_domain::job::{Attempt, JobId, Rendition};

use crate::db::Db;
use crate::error::Result;

/// A rendition that is planned or was made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRendition {
    /// Rung name, e.g. `"720p"`.
    pub rung: String,
    /// Width in pixels.
    pub width: i64,
    /// Height in pixels.
    pub height: i64,
    /// Average of video, audio and container in kbit/s; the rung's cap until it is measured.
    pub bitrate: i64,
    /// Segments in bytes; 0 when it is only planned.
    pub file_size: i64,
    /// RFC 6381 names, once known.
    pub codecs: Option<String>,
    /// Identifier of the encoder, once known.
    pub encoder: Option<String>,
}

/// How far a rendition is. `None` leaves a thing as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct RenditionUpdate {
    /// Rung name.
    pub rung: String,
    /// 0 to 100; `None` if the length of the source is not known.
    pub percent: Option<f64>,
    /// Segments so far in bytes.
    pub file_size: Option<i64>,
    /// Identifier of the encoder in use.
    pub encoder: Option<String>,
}

impl Db {
    /// The renditions of all those assets, by asset and then from the highest to the lowest.
    pub async fn renditions(&self, assets: &[AssetId]) -> Result<Vec<Rendition>> {
        let _ = assets;
        unimplemented!()
    }

    /// Replaces the renditions of the job's asset by planned ones. False if `attempt` no longer
    /// holds the job.
    pub async fn record_renditions(
        &self,
        id: JobId,
        attempt: Attempt,
        renditions: &[NewRendition],
    ) -> Result<bool> {
        let _ = (id, attempt, renditions);
        unimplemented!()
    }

    /// Notes how far renditions are. False if `attempt` no longer holds the job.
    pub async fn record_progress(
        &self,
        id: JobId,
        attempt: Attempt,
        renditions: &[RenditionUpdate],
    ) -> Result<bool> {
        let _ = (id, attempt, renditions);
        unimplemented!()
    }
}
