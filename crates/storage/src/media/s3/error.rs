//! What the client of S3 says, in the words of the media store.

use std::error::Error as StdError;
use std::io;

use object_store::client::HttpError;

use crate::media::Error;

/// Answers that may be different in a moment: too many requests, and the server's own trouble.
const PASSING: [&str; 5] = ["429", "500", "502", "503", "504"];

/// Why something at `key` failed.
pub(super) fn failed(key: &str, error: object_store::Error) -> Error {
    if is_passing(&error) {
        return Error::Unavailable {
            key: key.to_owned(),
            source: Box::new(error),
        };
    }
    let kind = match error {
        object_store::Error::NotFound { .. } => io::ErrorKind::NotFound,
        object_store::Error::PermissionDenied { .. }
        | object_store::Error::Unauthenticated { .. } => io::ErrorKind::PermissionDenied,
        _ => io::ErrorKind::Other,
    };
    io_failed(key, io::Error::new(kind, error))
}

/// Why something on this machine failed.
pub(super) fn io_failed(key: &str, source: io::Error) -> Error {
    Error::Io {
        key: key.to_owned(),
        source,
    }
}

/// True if it makes sense to try again: nothing was reached, or the other side was in trouble.
fn is_passing(error: &object_store::Error) -> bool {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<HttpError>() {
            return true;
        }
        cause = error.source();
    }
    // The client keeps the type with the status to itself.
    let text = error.to_string();
    let status = text.split_once("status code: ").map(|(_, rest)| rest);
    status.is_some_and(|rest| PASSING.iter().any(|code| rest.starts_with(code)))
        || text.contains("Server returned error response: ")
}

#[cfg(test)]
mod tests {
    use object_store::client::HttpErrorKind;

    use super::*;

    #[test]
    fn what_passes_is_told_from_what_stays() {
        let generic = |source: Box<dyn StdError + Send + Sync>| object_store::Error::Generic {
            store: "S3",
            source,
        };
        let broken = HttpError::new(HttpErrorKind::Connect, io::Error::other("refused"));
        let full = "Server returned non-2xx status code: 503 Service Unavailable: SlowDown";
        for error in [generic(Box::new(broken)), generic(full.into())] {
            assert!(failed("a", error).is_retryable());
        }
        let wrong = "Server returned non-2xx status code: 400 Bad Request: MalformedXML";
        assert!(!failed("a", generic(wrong.into())).is_retryable());
        let refused = object_store::Error::PermissionDenied {
            path: "a".into(),
            source: "no".into(),
        };
        let refused = failed("a", refused);
        assert!(matches!(refused, Error::Io { source, .. }
            if source.kind() == io::ErrorKind::PermissionDenied));
    }
}
