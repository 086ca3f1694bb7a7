//! What kind of answer a client wants, by its `Accept` header.

use axum::http::{HeaderMap, HeaderValue, header};
use clipsy_http::header::{MediaType, items};

/// `application/graphql-response+json`: the status indicates whether the document was executed.
pub(crate) const RESPONSE_JSON: HeaderValue =
    HeaderValue::from_static("application/graphql-response+json; charset=utf-8");
/// `application/json`: the status is 200 even if the document is at fault.
pub(crate) const PLAIN_JSON: HeaderValue =
    HeaderValue::from_static("application/json; charset=utf-8");

/// The kinds of answer that a client takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Accept {
    /// One answer, in the kind of JSON that it prefers.
    pub(crate) json: Option<Json>,
    /// A stream of answers as `text/event-stream`.
    pub(crate) events: bool,
    /// A page for people, rather than all of these.
    pub(crate) page: bool,
}

/// A kind of JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Json {
    /// `application/graphql-response+json`.
    Response,
    /// `application/json`.
    Plain,
}

impl Json {
    pub(crate) fn content_type(self) -> HeaderValue {
        match self {
            Self::Response => RESPONSE_JSON,
            Self::Plain => PLAIN_JSON,
        }
    }
}

/// Reads `Accept` (RFC 9110 section 12.5.1). Without it, or with a wildcard, a client gets
/// `application/json`, as those that do not know the newer type expect.
pub(crate) fn read(headers: &HeaderMap) -> Accept {
    if !headers.contains_key(header::ACCEPT) {
        return Accept {
            json: Some(Json::Plain),
            events: false,
            page: false,
        };
    }
    let (mut response, mut plain, mut wild, mut events, mut page) = (0, 0, 0, 0, 0);
    for item in items(headers, header::ACCEPT) {
        let range = MediaType::parse(item);
        let quality = quality(&range);
        match range.essence().as_str() {
            "application/graphql-response+json" => response = quality,
            "application/json" => plain = quality,
            "*/*" | "application/*" => wild = wild.max(quality),
            "text/event-stream" => events = quality,
            "text/html" => page = quality,
            _ => {}
        }
    }
    // A named type counts before a wildcard.
    let plain = if plain > 0 { plain } else { wild };
    let json = if response > 0 && response >= plain {
        Some(Json::Response)
    } else if plain > 0 {
        Some(Json::Plain)
    } else {
        None
    };
    Accept {
        json,
        events: events > 0,
        page: page > response.max(plain).max(events),
    }
}

/// The weight of a range in thousandths; one that is unreadable counts as none given.
fn quality(range: &MediaType<'_>) -> u16 {
    let value = range.parameter("q").and_then(|value| value.parse().ok());
    value
        .filter(|value: &f32| (0.0..=1.0).contains(value))
        .map_or(1000, |value| (value * 1000.0) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accept(value: &str) -> Accept {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, value.parse().unwrap());
        read(&headers)
    }

    #[test]
    fn the_kind_of_json_is_negotiated() {
        use Json::{Plain, Response};
        assert_eq!(read(&HeaderMap::new()).json, Some(Plain));
        for (value, json) in [
            ("*/*", Some(Plain)),
            ("application/*;q=0.5", Some(Plain)),
            ("application/json", Some(Plain)),
            ("application/graphql-response+json", Some(Response)),
            (
                "Application/GraphQL-Response+JSON; charset=utf-8",
                Some(Response),
            ),
            (
                "application/graphql-response+json, application/json;q=0.9",
                Some(Response),
            ),
            (
                "application/graphql-response+json;q=0.5, application/json",
                Some(Plain),
            ),
            ("application/graphql-response+json;q=0, */*", Some(Plain)),
            (
                "application/graphql-response+json, */*;q=0.1",
                Some(Response),
            ),
            ("application/json; q=0", None),
            ("text/html", None),
            ("text/event-stream", None),
        ] {
            assert_eq!(accept(value).json, json, "{value}");
        }
    }

    #[test]
    fn streams_and_pages_have_to_be_named() {
        assert!(accept("text/event-stream").events);
        assert!(accept("application/json, text/event-stream").events);
        assert!(!accept("*/*").events);
        assert!(!accept("text/event-stream;q=0").events);
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        assert!(accept(browser).page);
        assert!(!accept("*/*").page);
        assert!(!accept("application/json, text/html;q=0.9").page);
    }
}
