//! Errors of requests, which REST and GraphQL translate.

use std::time::Duration;

use clipsy_captions::CaptionsError;
use clipsy_domain::photo::PhotoError;
use clipsy_domain::tags::TagError;
use clipsy_domain::username::UsernameError;

use crate::uploads::error::UploadError;

/// Shorthand.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a request failed. The message is for the caller; details for the operator are in
/// [`Error::Internal`] and go to the log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It does not exist, or is not visible to the caller.
    #[error("Not found.")]
    NotFound,
    /// A page beyond the last one.
    #[error("Invalid page.")]
    NoSuchPage,
    /// Only for people who are signed in.
    #[error("Authentication credentials were not provided.")]
    NotSignedIn,
    /// Wrong username or password, or the account is deactivated.
    #[error("No active account found with the given credentials")]
    WrongCredentials,
    /// The access token is malformed, forged, expired or revoked.
    #[error("Given token not valid for any token type")]
    AccessToken,
    /// The `Authorization` header is not two words.
    #[error("Authorization header must contain two space-delimited values")]
    AuthorizationHeader,
    /// The refresh token is malformed, forged or expired.
    #[error("Token is invalid or expired")]
    RefreshToken,
    /// The refresh token was used before or its session is over.
    #[error("Token is blacklisted")]
    RevokedToken,
    /// The account still has the default password, outside of demonstration mode.
    #[error(
        "This account has the default password, which is good for demonstrations only. Whoever runs the server gives it another with `clipsy user passwd`."
    )]
    DefaultPassword,
    /// Signed in, but not allowed to do this.
    #[error("You do not have permission to perform this action.")]
    Forbidden,
    /// Fields that are missing or unusable.
    #[error("Some fields are missing or invalid.")]
    Fields(FieldErrors),
    /// A name that no account may have.
    #[error("{0}")]
    Username(#[from] UsernameError),
    /// Tags that no video may have.
    #[error("{0}")]
    Tags(#[from] TagError),
    /// A picture that cannot stand for a video.
    #[error("{0}")]
    Photo(#[from] PhotoError),
    /// A file of captions that cannot be taken.
    #[error("{0}")]
    Captions(#[from] CaptionsError),
    /// The body cannot be read.
    #[error("{0}")]
    Parse(String),
    /// The route has no such method.
    #[error("Method \"{0}\" not allowed.")]
    Method(String),
    /// The route takes no body of that type.
    #[error("Unsupported media type \"{0}\" in request.")]
    MediaType(String),
    /// The video is in a state in which this cannot be done.
    #[error("{message}")]
    Conflict {
        /// Stable code.
        code: &'static str,
        /// One sentence.
        message: &'static str,
    },
    /// The body is larger than allowed.
    #[error("The request is too large: at most {limit} bytes are accepted.")]
    TooLarge {
        /// Largest number of bytes.
        limit: u64,
    },
    /// No bytes came for too long.
    #[error("The request took too long to arrive.")]
    TooSlow,
    /// The disk is full, or would be.
    #[error("There is not enough disk space left on the server.")]
    OutOfDisk,
    /// Too many tries.
    #[error("Request was throttled. Expected available in {} seconds.", seconds(*.0))]
    Throttled(Duration),
    /// Too much to do at the moment.
    #[error("The server is busy. Try again in a moment.")]
    Busy,
    /// The media store does not answer.
    #[error("The place where videos are stored does not answer. Try again in a moment.")]
    StoreAway,
    /// The database does not answer.
    #[error("The server cannot look anything up at the moment. Try again in a moment.")]
    DatabaseAway(#[source] clipsy_storage::Error),
    /// An error of a resumable upload.
    #[error(transparent)]
    Upload(#[from] UploadError),
    /// It is not the caller's fault.
    #[error("Internal server error.")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The kind of an error, by which interfaces translate it. Each has one HTTP status and one GraphQL
/// code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// There is nothing there.
    NotFound,
    /// There is nothing there any more.
    Gone,
    /// It is not known who asks.
    Unauthenticated,
    /// Who asks may not do this.
    Forbidden,
    /// The account has what it may have.
    Limit,
    /// What was sent cannot be read.
    Malformed,
    /// What was sent can be read and cannot be used.
    Invalid,
    /// The route has no such method.
    Method,
    /// The route takes no such media type.
    MediaType,
    /// The state of things does not allow it.
    Conflict,
    /// Another request is at work on the same thing.
    Locked,
    /// The bytes are not those that were meant.
    Checksum,
    /// The other side speaks another version of the protocol.
    Version,
    /// More than is accepted.
    TooLarge,
    /// It did not arrive in time.
    TooSlow,
    /// Too many tries.
    Throttled,
    /// It may work in a moment.
    Unavailable,
    /// The disk is full.
    OutOfDisk,
    /// A fault of ours.
    Internal,
}

/// Fields in the order in which they were checked, each with what is wrong with it.
pub type FieldErrors = Vec<(String, Vec<String>)>;

impl Error {
    /// Stable machine-readable name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::NoSuchPage => "no_such_page",
            Self::NotSignedIn => "not_authenticated",
            Self::WrongCredentials => "no_active_account",
            Self::AccessToken | Self::RefreshToken | Self::RevokedToken => "token_not_valid",
            Self::AuthorizationHeader => "bad_authorization_header",
            Self::DefaultPassword => "default_password",
            Self::Forbidden => "permission_denied",
            Self::Fields(_) => "invalid",
            Self::Username(error) => error.code(),
            Self::Tags(error) => error.code(),
            Self::Photo(error) => error.code(),
            Self::Captions(error) => error.code(),
            Self::Parse(_) => "parse_error",
            Self::Method(_) => "method_not_allowed",
            Self::MediaType(_) => "unsupported_media_type",
            Self::Conflict { code, .. } => code,
            Self::TooLarge { .. } => "too_large",
            Self::TooSlow => "too_slow",
            Self::OutOfDisk => "out_of_disk",
            Self::Throttled(_) => "throttled",
            Self::Busy => "busy",
            Self::StoreAway => "store_unavailable",
            Self::DatabaseAway(_) => "database_unavailable",
            Self::Upload(error) => error.code(),
            Self::Internal(_) => "internal",
        }
    }

    /// What kind of error it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::NotFound | Self::NoSuchPage => Kind::NotFound,
            Self::NotSignedIn
            | Self::WrongCredentials
            | Self::AccessToken
            | Self::AuthorizationHeader
            | Self::RefreshToken
            | Self::RevokedToken => Kind::Unauthenticated,
            Self::DefaultPassword | Self::Forbidden => Kind::Forbidden,
            Self::TooLarge { .. } | Self::Captions(CaptionsError::TooLarge) => Kind::TooLarge,
            Self::Fields(_)
            | Self::Username(_)
            | Self::Tags(_)
            | Self::Photo(_)
            | Self::Captions(_) => Kind::Invalid,
            Self::Parse(_) => Kind::Malformed,
            Self::Method(_) => Kind::Method,
            Self::MediaType(_) => Kind::MediaType,
            Self::Conflict { .. } => Kind::Conflict,
            Self::TooSlow => Kind::TooSlow,
            Self::OutOfDisk => Kind::OutOfDisk,
            Self::Throttled(_) => Kind::Throttled,
            Self::Busy | Self::StoreAway | Self::DatabaseAway(_) => Kind::Unavailable,
            Self::Upload(error) => error.kind(),
            Self::Internal(_) => Kind::Internal,
        }
    }

    /// One field that is unusable, and why.
    pub fn field(name: &str, message: impl Into<String>) -> Self {
        Self::Fields(vec![(name.to_owned(), vec![message.into()])])
    }

    /// The cause of a server error, for the operator only.
    pub fn cause(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Internal(source) => Some(source.as_ref()),
            Self::DatabaseAway(source) => Some(source),
            _ => None,
        }
    }

    /// Something that went wrong inside.
    pub fn internal(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(error.into())
    }
}

/// Whole seconds, at least one, that a client should wait.
pub fn seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

impl From<clipsy_storage::Error> for Error {
    fn from(error: clipsy_storage::Error) -> Self {
        if error.is_out_of_disk() {
            Self::OutOfDisk
        } else if error.is_unavailable() {
            Self::DatabaseAway(error)
        } else {
            Self::internal(error)
        }
    }
}

impl From<clipsy_storage::media::Error> for Error {
    fn from(error: clipsy_storage::media::Error) -> Self {
        use clipsy_storage::media::Error as Media;
        match error {
            error if error.is_out_of_disk() => Self::OutOfDisk,
            // A server beside this one has it.
            Media::Overtaken { .. } => UploadError::Locked.into(),
            Media::Unavailable { .. } => {
                tracing::warn!(%error, "the media store does not answer");
                Self::StoreAway
            }
            error => Self::internal(error),
        }
    }
}

impl From<clipsy_dispatch::Error> for Error {
    fn from(error: clipsy_dispatch::Error) -> Self {
        Self::internal(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_told_in_whole_seconds() {
        for (wait, text) in [
            (Duration::ZERO, "1"),
            (Duration::from_secs(5), "5"),
            (Duration::from_millis(5001), "6"),
        ] {
            assert_eq!(
                Error::Throttled(wait).to_string(),
                format!("Request was throttled. Expected available in {text} seconds.")
            );
        }
    }
}
