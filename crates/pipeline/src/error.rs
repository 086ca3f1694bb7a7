//! What can go wrong in the pipeline crate.

use std::io;
use std::path::{Path, PathBuf};

use clipsy_domain::failure::{Failure, FailureCode, Stage};
use clipsy_domain::ladder::LadderError;

/// Any error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The job failed for a reason that clients are told.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// A `GStreamer` element is not installed.
    #[error("the GStreamer element {0:?} is not installed")]
    MissingElement(String),
    /// An encoder does not work or stopped working.
    #[error("{encoder}: {reason}")]
    Encoder {
        /// Identifier from the catalog.
        encoder: String,
        /// What it said.
        reason: String,
    },
    /// Pictures cannot be moved or scaled in the memory of a card.
    #[error("{0}")]
    Card(String),
    /// A decoder of a card gave out damaged pictures or too few.
    #[error("{0}")]
    CardDecoder(String),
    /// Nothing moved any more.
    #[error("{reason}")]
    Stalled {
        /// What was waited for.
        at: Stall,
        /// The same in words.
        reason: String,
    },
    /// The source cannot be opened.
    #[error("cannot open {path}: {source}")]
    Source {
        /// The source file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The output folder or a file in it cannot be written.
    #[error("cannot write {path}: {source}")]
    Output {
        /// What was being written.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The encoder catalog cannot be used.
    #[error("encoder catalog: {0}")]
    Catalog(String),
    /// The ladder cannot be used.
    #[error("ladder: {0}")]
    Ladder(#[from] LadderError),
    /// A picture could not be scaled on the CPU.
    #[error(transparent)]
    Picture(#[from] clipsy_picture::Error),
    /// A fault of this program or of `GStreamer`'s set-up.
    #[error("{0}")]
    Internal(String),
}

/// What a pipeline waits for in which nothing moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stall {
    /// Reading and decoding.
    Decoder,
    /// Scaling for a rendition.
    Scaler,
    /// Encoding a rendition.
    Encoder,
    /// Writing segments.
    Output,
}

impl Error {
    pub(crate) fn output(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Output {
            path: path.to_owned(),
            source,
        }
    }

    pub(crate) fn encoder(encoder: &str, reason: impl Into<String>) -> Self {
        Self::Encoder {
            encoder: encoder.to_owned(),
            reason: reason.into(),
        }
    }

    /// The failure that clients are told.
    pub fn to_failure(&self, stage: Stage) -> Failure {
        let code = match self {
            Self::Failure(failure) => return failure.clone(),
            Self::Encoder { .. } => FailureCode::EncoderFailed,
            Self::Output { source, .. } if is_disk_full(source) => FailureCode::OutOfDisk,
            Self::Stalled { .. } => FailureCode::Stalled,
            Self::MissingElement(_)
            | Self::Card(_)
            | Self::CardDecoder(_)
            | Self::Source { .. }
            | Self::Output { .. }
            | Self::Catalog(_)
            | Self::Ladder(_)
            | Self::Picture(_)
            | Self::Internal(_) => FailureCode::Internal,
        };
        Failure::new(code, stage, self.to_string())
    }
}

fn is_disk_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

impl From<gstreamer::glib::BoolError> for Error {
    fn from(error: gstreamer::glib::BoolError) -> Self {
        Self::Internal(error.message.to_string())
    }
}

impl From<gstreamer::PadLinkError> for Error {
    fn from(error: gstreamer::PadLinkError) -> Self {
        Self::Internal(format!("two pads do not link: {error}"))
    }
}

impl From<gstreamer::StateChangeError> for Error {
    fn from(error: gstreamer::StateChangeError) -> Self {
        Self::Internal(error.to_string())
    }
}
