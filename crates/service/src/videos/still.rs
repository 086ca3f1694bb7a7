//! Pictures out of videos, which somebody else has to decode: nothing here knows how.

use std::fmt::Debug;

use bytes::Bytes;

/// Takes single pictures out of segments. Whoever implements it bounds how many are taken at the
/// same time and how long it takes, and stops when the future is dropped.
#[async_trait::async_trait]
pub trait StillMaker: Send + Sync + Debug {
    /// The picture that the segment at the store key `segment` shows `offset_us` microseconds after
    /// its start, as JPEG in the size of a thumbnail.
    async fn still(&self, segment: &str, offset_us: u64) -> Result<Bytes, StillError>;
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
    /// It did not work, with the reason for the operator.
    #[error("no picture could be made: {0}")]
    Failed(String),
}
