//! Parsing request headers: lists, quoted strings, media types and credentials are parsed here
//! only, so that all routes accept the same syntax.

use std::borrow::Cow;

use axum::http::header::{
    AUTHORIZATION, AsHeaderName, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, TRANSFER_ENCODING,
};
use axum::http::{HeaderMap, HeaderName};

/// Why a header that must be unique is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// It is repeated; a proxy may have read another one than we would.
    #[error("{0} came more than once.")]
    Repeated(HeaderName),
    /// It has characters outside visible ASCII.
    #[error("{0} is not plain text.")]
    NotText(HeaderName),
}

/// The first line of a header, if it is plain text.
pub fn text(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// A header that must be unique, trimmed.
pub fn once<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, HeaderError> {
    let mut lines = headers.get_all(name).iter();
    let Some(line) = lines.next() else {
        return Ok(None);
    };
    if lines.next().is_some() {
        return Err(HeaderError::Repeated(name.clone()));
    }
    let text = line.to_str();
    let text = text.map_err(|_| HeaderError::NotText(name.clone()))?;
    Ok(Some(text.trim()))
}

/// The items of a list in their order, over all lines of the header. A line that is not plain text
/// becomes one invalid item, since omitting it would shift the others.
pub fn items(headers: &HeaderMap, name: impl AsHeaderName) -> Vec<&str> {
    let lines = headers.get_all(name).iter();
    lines
        .flat_map(|line| outside_quotes(line.to_str().unwrap_or("?"), ','))
        .map(str::trim)
        .collect()
}

/// The pieces of a text between separators that are not in quotes (RFC 9110 section 5.6.4).
pub fn outside_quotes(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |c| {
        let within = quoted;
        match c {
            '"' if !escaped => quoted = !quoted,
            _ => {}
        }
        escaped = within && c == '\\' && !escaped;
        !within && c == separator
    })
}

/// A media type, or a range of them, with its parameters (RFC 9110 section 8.3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaType<'a>(Cow<'a, str>);

impl<'a> MediaType<'a> {
    /// The type in `Content-Type`; `None` without that header.
    pub fn of(headers: &'a HeaderMap) -> Option<Self> {
        let value = headers.get(CONTENT_TYPE)?;
        Some(Self(String::from_utf8_lossy(value.as_bytes())))
    }

    /// An item of `Accept`.
    pub fn parse(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }

    /// The type in lower case, without parameters, e.g. `text/html`.
    pub fn essence(&self) -> String {
        self.split().0.to_ascii_lowercase()
    }

    /// True if it is this type (in lower case), ignoring parameters.
    pub fn is(&self, essence: &str) -> bool {
        self.split().0.eq_ignore_ascii_case(essence)
    }

    /// The value of a parameter without quotes around it.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let mut pairs = self.split().1.split(';').filter_map(|p| p.split_once('='));
        let (_, value) = pairs.find(|(other, _)| other.trim().eq_ignore_ascii_case(name))?;
        Some(value.trim().trim_matches('"'))
    }

    /// All of it, as it was sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn split(&self) -> (&str, &str) {
        let (essence, parameters) = self.0.split_once(';').unwrap_or((&self.0, ""));
        (essence.trim(), parameters)
    }
}

/// How many bytes `Content-Length` announces.
pub fn content_length(headers: &HeaderMap) -> Option<u64> {
    text(headers, CONTENT_LENGTH)?.parse().ok()
}

/// True if the request announces a body that may not be empty.
pub fn announces_bytes(headers: &HeaderMap) -> bool {
    headers.contains_key(TRANSFER_ENCODING)
        || content_length(headers).is_some_and(|bytes| bytes > 0)
}

/// What follows `Bearer` in an `Authorization` header, which may be empty; `None` for other schemes.
pub fn bearer(value: &str) -> Option<&str> {
    let value = value.trim();
    let (scheme, rest) = value
        .split_once(|c: char| c.is_ascii_whitespace())
        .unwrap_or((value, ""));
    scheme.eq_ignore_ascii_case("bearer").then(|| rest.trim())
}

/// [`bearer`] of a request.
pub fn bearer_of(headers: &HeaderMap) -> Option<&str> {
    bearer(text(headers, AUTHORIZATION)?)
}

/// The value of a cookie, unless it is empty.
pub fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(other, value)| *other == name && !value.is_empty())
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &[u8])]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, axum::http::HeaderValue::from_bytes(value).unwrap());
        }
        headers
    }

    #[test]
    fn what_may_come_once_is_refused_twice() {
        let name = HeaderName::from_static("upload-offset");
        let once = |lines: &[(&'static str, &[u8])]| {
            let headers = headers(lines);
            once(&headers, &name).map(|text| text.map(str::to_owned))
        };
        assert_eq!(once(&[]), Ok(None));
        assert_eq!(once(&[("upload-offset", b" 1 ")]), Ok(Some("1".into())));
        let twice = once(&[("upload-offset", b"1"), ("upload-offset", b"1")]);
        assert_eq!(twice, Err(HeaderError::Repeated(name.clone())));
        let odd = once(&[("upload-offset", b"\xff")]);
        assert_eq!(odd, Err(HeaderError::NotText(name.clone())));
    }

    #[test]
    fn lists_go_over_lines_and_not_into_quotes() {
        let headers = headers(&[
            ("forwarded", b"for=\"a,b\", for=c"),
            ("forwarded", b"\xff, x"),
            ("forwarded", br#"for="\",", y"#),
        ]);
        let items = items(&headers, "forwarded");
        assert_eq!(items, ["for=\"a,b\"", "for=c", "?", r#"for="\",""#, "y"]);
    }

    #[test]
    fn media_types_are_told_apart_without_regard_to_case() {
        let headers = headers(&[("content-type", b" Application/JSON ; Charset=\"UTF-8\"")]);
        let kind = MediaType::of(&headers).unwrap();
        assert!(kind.is("application/json"));
        assert!(!kind.is("application/jso"));
        assert_eq!(kind.essence(), "application/json");
        assert_eq!(kind.parameter("charset"), Some("UTF-8"));
        assert_eq!(kind.parameter("boundary"), None);
        assert_eq!(MediaType::of(&HeaderMap::new()), None);
        let range = MediaType::parse("*/*;q=0.5");
        assert_eq!((range.is("*/*"), range.parameter("q")), (true, Some("0.5")));
    }

    #[test]
    fn bytes_are_announced_by_their_number_or_as_chunks() {
        let announces = |name, value| announces_bytes(&headers(&[(name, value)]));
        assert!(announces("content-length", b"1"));
        assert!(!announces("content-length", b"0"));
        assert!(announces("transfer-encoding", b"chunked"));
        assert!(!announces_bytes(&HeaderMap::new()));
        assert_eq!(content_length(&headers(&[("content-length", b"x")])), None);
    }

    #[test]
    fn a_token_follows_bearer() {
        assert_eq!(bearer("bEARER x"), Some("x"));
        assert_eq!(bearer(" Bearer\t x "), Some("x"));
        assert_eq!(bearer("Bearer"), Some(""));
        assert_eq!(bearer("Bearer a b"), Some("a b"));
        assert_eq!(bearer("Basic x"), None);
        assert_eq!(bearer("x"), None);
        assert_eq!(bearer(""), None);
    }
}
