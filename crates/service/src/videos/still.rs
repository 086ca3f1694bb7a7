//! Pictures out of videos, which somebody else has to decode: nothing here knows how.

use std::fmt::Debug;

use bytes::Bytes;
use clipsy_domain::photo::PhotoError;

/// Takes single pictures out of segments. Whoever implements it bounds how many are taken at the
/// same time and how long it takes, and stops when the future is dropped.
#[async_trait::async_trait]
pub trait StillMaker: Send + Sync + Debug {
    /// The picture that the segment at the store key `segment` shows `offset_us` microseconds after
    /// its start, as JPEG in the size of a thumbnail.
    async fn still(&self, segment: &str, offset_us: u64) -> Result<Bytes, StillError>;

    /// A picture that somebody brought along, as a poster: JPEG in the size of a thumbnail, upright.
    async fn photo(&self, picture: Bytes) -> Result<Bytes, StillError>;
}

/// Why there is no picture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StillError {
    /// Too many are asked for at the moment.
    #[error("too many pictures are being made")]
    Busy,
    /// The segment is gone.
    #[error("the segment is not there")]
    Missing,
    /// There is no room for the temporary files.
    #[error("the disk is full")]
    OutOfDisk,
    /// What somebody brought along is not taken.
    #[error(transparent)]
    Refused(#[from] PhotoError),
    /// It did not work, with the reason for the operator.
    #[error("no picture could be made: {0}")]
    Failed(String),
}
