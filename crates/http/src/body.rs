//! Request bodies: their type, and reading them with limits on size, rate and time.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use tokio::time::{Instant, timeout, timeout_at};

use crate::header::{MediaType, content_length};
use crate::pace::Pace;

/// Why a body was not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// It has more bytes than allowed.
    #[error("the body has more than {limit} bytes")]
    TooLarge {
        /// Largest number of bytes.
        limit: u64,
    },
    /// No bytes came for too long.
    #[error("the body took too long to arrive")]
    TooSlow,
    /// It is malformed; one sentence for the client.
    #[error("{0}")]
    Malformed(String),
    /// Its type is not accepted: the text of `Content-Type`, truncated.
    #[error("media type {0:?} is not taken")]
    MediaType(String),
}

/// Shorthand.
pub type Result<T, E = BodyError> = std::result::Result<T, E>;

/// Limits of a body: size, rate and timeouts.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Most bytes.
    pub bytes: u64,
    /// Longest wait for the next bytes.
    pub timeout: Duration,
    /// Longest wait for all of it; [`Duration::MAX`] for any.
    pub deadline: Duration,
    /// Fewest bytes a second, on average over [`Limits::window`]; 0 for any.
    pub rate: u64,
    /// Over which the rate is averaged.
    pub window: Duration,
}

/// Media type of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// There is none.
    None,
    /// JSON.
    Json,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// `multipart/form-data` with its boundary, if it has one.
    Multipart(Option<String>),
}

/// Reads `Content-Type`. A body of another type is refused.
pub fn kind(headers: &HeaderMap) -> Result<Kind> {
    let Some(kind) = MediaType::of(headers) else {
        let length = headers.get(header::CONTENT_LENGTH);
        let empty = length.is_none_or(|length| length == "0")
            && !headers.contains_key(header::TRANSFER_ENCODING);
        return if empty {
            Ok(Kind::None)
        } else {
            Err(BodyError::MediaType(String::new()))
        };
    };
    match kind.essence().as_str() {
        "application/json" => Ok(Kind::Json),
        "application/x-www-form-urlencoded" => Ok(Kind::Form),
        "multipart/form-data" => Ok(Kind::Multipart(boundary(&kind))),
        _ => Err(BodyError::MediaType(
            kind.as_str().chars().take(200).collect(),
        )),
    }
}

/// The boundary parameter: 1 to 70 characters (RFC 2046 section 5.1.1).
fn boundary(kind: &MediaType<'_>) -> Option<String> {
    let value = kind.parameter("boundary")?;
    let good = (1..=70).contains(&value.len()) && value.bytes().all(|b| (0x20..0x7f).contains(&b));
    good.then(|| value.to_owned())
}

/// Reads a whole body, which is short.
pub async fn read_all(headers: &HeaderMap, body: Body, limits: &Limits) -> Result<Bytes> {
    let limit = limits.bytes;
    let mut stream = Timed::new(headers, body, limits);
    if content_length(headers).is_some_and(|bytes| bytes > limit) {
        stream.linger();
        return Err(BodyError::TooLarge { limit });
    }
    let mut all = BytesMut::new();
    loop {
        match stream.next().await {
            Ok(Some(chunk)) => all.extend_from_slice(&chunk),
            Ok(None) => return Ok(all.freeze()),
            Err(error) => {
                stream.linger();
                return Err(error);
            }
        }
    }
}

/// Fields of a form in their order, with their values.
pub fn form(bytes: &[u8]) -> Vec<(String, String)> {
    let decode = |text: &[u8]| {
        let spaced: Vec<u8> = text
            .iter()
            .map(|b| if *b == b'+' { b' ' } else { *b })
            .collect();
        percent_encoding::percent_decode(&spaced)
            .decode_utf8_lossy()
            .into_owned()
    };
    bytes
        .split(|b| *b == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let at = pair.iter().position(|b| *b == b'=').unwrap_or(pair.len());
            let value = pair.get(at + 1..).unwrap_or_default();
            (decode(&pair[..at]), decode(value))
        })
        .collect()
}

/// A body with limits on its size, on the wait for each chunk and for all of it, and on its rate.
#[derive(Debug)]
pub struct Timed {
    stream: Option<BodyDataStream>,
    left: u64,
    limit: u64,
    patience: Duration,
    pace: Pace,
    /// How long may still be waited in all.
    rest: Duration,
    /// The client waits for `100 Continue` (RFC 9110 section 10.1.1), which reading sends.
    held_back: bool,
}

/// How much of a refused body is still read, so that the client gets the response instead of a
/// connection reset.
const LINGER_BYTES: usize = 256 << 20;
/// How long it is read for.
const LINGER: Duration = Duration::from_secs(30);
/// Longest wait for the next piece of it.
const LINGER_PATIENCE: Duration = Duration::from_secs(5);

impl Timed {
    /// A body of which nothing was read yet.
    pub fn new(headers: &HeaderMap, body: Body, limits: &Limits) -> Self {
        Self {
            stream: Some(body.into_data_stream()),
            left: limits.bytes,
            limit: limits.bytes,
            patience: limits.timeout,
            pace: Pace::new(limits.rate, limits.window),
            rest: limits.deadline,
            held_back: headers.contains_key(header::EXPECT),
        }
    }

    /// Accepts `left` more bytes from now on. `limit` is reported to the client if there are more.
    pub fn set_limit(&mut self, left: u64, limit: u64) {
        self.left = left;
        self.limit = limit;
    }

    /// The next piece; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        let Some(stream) = &mut self.stream else {
            return Ok(None);
        };
        self.held_back = false;
        let wait = self.patience.min(self.pace.left()).min(self.rest);
        let began = Instant::now();
        let Ok(next) = timeout(wait, stream.next()).await else {
            self.stream = None;
            return Err(BodyError::TooSlow);
        };
        let waited = began.elapsed();
        self.pace.waited(waited);
        self.rest = self.rest.saturating_sub(waited);
        match next {
            None => Ok(None),
            Some(Err(_)) => Err(BodyError::Malformed("The request body broke off.".into())),
            Some(Ok(chunk)) => {
                let length = chunk.len() as u64;
                if length > self.left {
                    return Err(BodyError::TooLarge { limit: self.limit });
                }
                self.left -= length;
                self.pace.moved(length);
                Ok(Some(chunk))
            }
        }
    }

    /// The body, if nothing has been read of it.
    pub fn into_body(mut self) -> Body {
        self.stream
            .take()
            .map_or_else(Body::empty, Body::from_stream)
    }

    /// Reads on and throws away, for a while, beside the answer.
    pub fn linger(&mut self) {
        let Some(mut stream) = self.stream.take().filter(|_| !self.held_back) else {
            return;
        };
        tokio::spawn(async move {
            let end = Instant::now() + LINGER;
            let mut bytes = 0;
            while bytes < LINGER_BYTES {
                let until = end.min(Instant::now() + LINGER_PATIENCE);
                match timeout_at(until, stream.next()).await {
                    Ok(Some(Ok(chunk))) => bytes += chunk.len(),
                    _ => break,
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_decoded() {
        let fields = form(b"username=a%20b+c&password=%D0%BF&x&username=last");
        let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (&n[..], &v[..])).collect();
        assert_eq!(
            fields,
            [
                ("username", "a b c"),
                ("password", "\u{43f}"),
                ("x", ""),
                ("username", "last")
            ]
        );
        assert!(form(b"").is_empty());
    }

    #[test]
    fn boundaries_are_read_with_and_without_quotes() {
        let kind = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, text.parse().unwrap());
            kind(&headers)
        };
        let multipart = |boundary: Option<&str>| Kind::Multipart(boundary.map(str::to_owned));
        for (text, boundary) in [
            ("multipart/form-data; boundary=abc", Some("abc")),
            (
                "Multipart/Form-Data; charset=x; Boundary=\"a b\"",
                Some("a b"),
            ),
            ("multipart/form-data", None),
            ("multipart/form-data; boundary=", None),
        ] {
            assert_eq!(kind(text).unwrap(), multipart(boundary), "{text}");
        }
        assert_eq!(kind("application/json; charset=utf-8").unwrap(), Kind::Json);
        assert!(matches!(kind("text/plain"), Err(BodyError::MediaType(t)) if t == "text/plain"));
    }
}
