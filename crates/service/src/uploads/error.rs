//! What can go wrong with an upload that can be resumed.

use crate::error::Kind;

/// Why a request for an upload was not fulfilled. The text of each is for the person who asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UploadError {
    /// The sender does not go on where the upload ends.
    #[error("The upload has {offset} bytes: go on from there.")]
    Offset {
        /// Bytes that are kept.
        offset: u64,
    },
    /// A newer request for the same upload came while this one was running.
    #[error("Another request for this upload took over. {offset} bytes are kept.")]
    TakenOver {
        /// Bytes that are kept.
        offset: u64,
    },
    /// The request ended, or fell silent, before all of its bytes were there. Senders see this when
    /// something between them and the server lost the rest. It is no plain 400 or 408 since clients,
    /// `tus-js-client` among them, give up at those, but ask for the offset and go on after this one.
    #[error("The request broke off. {offset} bytes are kept: go on from there.")]
    BrokenOff {
        /// Bytes that are kept.
        offset: u64,
    },
    /// An older request for the same upload does something that cannot be interrupted.
    #[error("Another request is still using this upload. Try again in a moment.")]
    Locked,
    /// The bytes are not those that the sender hashed.
    #[error("The checksum does not match. The bytes were discarded.")]
    Checksum,
    /// Its time has run out.
    #[error("The upload has expired.")]
    Expired,
    /// The account has no room left.
    #[error("This exceeds the storage limit of your account: {limit} bytes in total.")]
    Quota {
        /// Bytes that the account may have.
        limit: u64,
    },
    /// The account has too many uploads that it does not finish.
    #[error("You have {limit} unfinished uploads. Finish or delete one first.")]
    TooMany {
        /// Uploads that an account may have begun and not finished.
        limit: u64,
    },
    /// The account has too many videos that wait.
    #[error("You may have {limit} videos in the queue. Try again when some have been processed.")]
    TooManyWaiting {
        /// Videos of an account that may wait.
        limit: u64,
    },
    /// The account has uploaded too much within a day.
    #[error("You may upload {limit} minutes of video per 24 hours. Try again later.")]
    Minutes {
        /// Minutes of video that an account may upload within 24 hours.
        limit: u64,
    },
    /// The account, or its address, sends as many at once as it may. It is no 429, since clients,
    /// `tus-js-client` among them, give up at that, but come back after this.
    #[error("You are sending {limit} files at once. Go on when one of them is through.")]
    Crowded {
        /// Uploads that may be received from there at the same time.
        limit: usize,
    },
    /// Bytes for an upload that was put together of others.
    #[error("A concatenated upload accepts no bytes.")]
    Final,
    /// An upload without bytes.
    #[error("The file is empty.")]
    Empty,
    /// A part of an upload that is to be put together is not complete.
    #[error("The part {id} is not complete.")]
    Unfinished {
        /// Number of the part.
        id: String,
    },
    /// The sender speaks another version of tus.
    #[error("This server requires the header Tus-Resumable: 1.0.0.")]
    Version,
}

impl UploadError {
    /// Stable machine-readable name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Offset { .. } => "offset_mismatch",
            Self::TakenOver { .. } => "upload_taken_over",
            Self::BrokenOff { .. } => "upload_broken_off",
            Self::Locked => "upload_locked",
            Self::Checksum => "checksum_mismatch",
            Self::Expired => "upload_expired",
            Self::Quota { .. } => "quota_exceeded",
            Self::TooMany { .. } => "too_many_uploads",
            Self::TooManyWaiting { .. } => "too_many_waiting",
            Self::Minutes { .. } => "minutes_exceeded",
            Self::Crowded { .. } => "too_many_at_once",
            Self::Final => "upload_final",
            Self::Empty => "upload_empty",
            Self::Unfinished { .. } => "upload_unfinished",
            Self::Version => "tus_version",
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Offset { .. } | Self::BrokenOff { .. } => Kind::Conflict,
            Self::TakenOver { .. } | Self::Locked => Kind::Locked,
            Self::Checksum => Kind::Checksum,
            Self::Expired => Kind::Gone,
            Self::Quota { .. }
            | Self::TooMany { .. }
            | Self::TooManyWaiting { .. }
            | Self::Minutes { .. }
            | Self::Final => Kind::Limit,
            Self::Crowded { .. } => Kind::Unavailable,
            Self::Empty | Self::Unfinished { .. } => Kind::Invalid,
            Self::Version => Kind::Version,
        }
    }
}
