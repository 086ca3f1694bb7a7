//! What can go wrong with the media store.

use std::io;

/// Shorthand.
pub type Result<T> = std::result::Result<T, Error>;

/// Why the store did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The key has a form that is refused.
    #[error("not a key: {key:?}")]
    Key {
        /// The key.
        key: String,
    },
    /// What was to be moved is not there.
    #[error("{key}: there is no such object")]
    Missing {
        /// The key.
        key: String,
    },
    /// Somebody else appends to the upload, and has gone further.
    #[error("{key}: another request has taken over the upload")]
    Overtaken {
        /// The upload.
        key: String,
    },
    /// The store cannot be reached or has too much to do at the moment. What was acknowledged is
    /// there, and it is worth trying again.
    #[error("{key}: the media store is unavailable: {source}")]
    Unavailable {
        /// The key at which it was noticed.
        key: String,
        /// What the client of the store said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Reading or writing failed.
    #[error("{key}: {source}")]
    Io {
        /// The key or path at which it failed.
        key: String,
        /// What the system said.
        source: io::Error,
    },
}

impl Error {
    /// True if the disk, or the share of it that may be used, is full.
    pub fn is_out_of_disk(&self) -> bool {
        matches!(self, Self::Io { source, .. }
            if matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
    }

    /// True if the same may work in a moment.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}
