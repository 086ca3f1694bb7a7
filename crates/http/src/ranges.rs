//! Conditional and range requests (RFC 9110 sections 13 and 14).

use std::ops::Range;
use std::time::SystemTime;

use axum::http::header::{IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, RANGE};
use axum::http::{HeaderMap, Method};

use crate::header::text;

/// What to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// 304: the caller has it.
    NotModified,
    /// 200: all of it.
    Whole,
    /// 206: these bytes, at least one.
    Bytes(Range<u64>),
    /// 416: there are no such bytes.
    Beyond,
}

/// What a GET requests, judged by its headers alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// [`Part::Whole`].
    Whole,
    /// These bytes, or as many of them as there are; [`Part::Beyond`] if there is none.
    Bytes(Range<u64>),
    /// That depends on the file.
    Depends,
}

/// Reads the headers of a GET.
pub fn asked(headers: &HeaderMap) -> Asked {
    let conditional = [&IF_NONE_MATCH, &IF_MODIFIED_SINCE, &IF_RANGE];
    if conditional.iter().any(|name| headers.contains_key(*name)) {
        return Asked::Depends;
    }
    let Some(range) = text(headers, RANGE) else {
        return Asked::Whole;
    };
    // With the longest files there can be, only the request decides; where its part begins depends on
    // the file only if it is the last bytes that are asked for.
    match (one_range(range, u64::MAX), one_range(range, u64::MAX - 1)) {
        (Part::Bytes(range), Part::Bytes(other)) if range.start == other.start => {
            Asked::Bytes(range)
        }
        (Part::Whole, _) => Asked::Whole,
        _ => Asked::Depends,
    }
}

/// Decides by the request's headers. `etag` is strong and in quotes; `modified` has whole seconds.
pub fn part(
    method: &Method,
    headers: &HeaderMap,
    etag: &str,
    modified: SystemTime,
    length: u64,
) -> Part {
    if let Some(tags) = text(headers, IF_NONE_MATCH) {
        if matches_any(tags, etag) {
            return Part::NotModified;
        }
    // Only the exact date that was sent matches: a replacement file, after a restore or with a
    // wrong clock, may be older.
    } else if let Some(since) = text(headers, IF_MODIFIED_SINCE)
        && httpdate::parse_http_date(since).is_ok_and(|since| modified == since)
    {
        return Part::NotModified;
    }
    // Ranges are defined for GET only (section 14.2).
    let Some(range) = text(headers, RANGE).filter(|_| method == Method::GET) else {
        return Part::Whole;
    };
    if let Some(condition) = text(headers, IF_RANGE) {
        // A date must be the very one that was sent; a weak tag never matches (section 13.1.5).
        let same = condition == etag
            || httpdate::parse_http_date(condition).is_ok_and(|date| date == modified);
        if !same {
            return Part::Whole;
        }
    }
    one_range(range, length)
}

/// `bytes=FIRST-LAST`, `bytes=FIRST-` or `bytes=-LAST_N`. Several ranges and anything that is not
/// well formed are answered with the whole file, as is allowed (section 14.2).
fn one_range(range: &str, length: u64) -> Part {
    let Some((first, last)) = range
        .split_once('=')
        .filter(|(unit, _)| unit.trim().eq_ignore_ascii_case("bytes"))
        .and_then(|(_, set)| set.trim().split_once('-'))
    else {
        return Part::Whole;
    };
    match (digits(first), digits(last)) {
        (Digits::Some(first), last) => {
            let end = match last {
                Digits::None => length,
                Digits::Some(last) if last < first => return Part::Whole,
                Digits::Some(last) => length.min(last.saturating_add(1)),
                Digits::Other => return Part::Whole,
            };
            if first < length {
                Part::Bytes(first..end)
            } else {
                Part::Beyond
            }
        }
        (Digits::None, Digits::Some(count)) => {
            if count == 0 || length == 0 {
                Part::Beyond
            } else {
                Part::Bytes(length.saturating_sub(count)..length)
            }
        }
        _ => Part::Whole,
    }
}

enum Digits {
    None,
    Some(u64),
    Other,
}

/// A number that overflows is treated as the maximum.
fn digits(text: &str) -> Digits {
    let text = text.trim();
    if text.is_empty() {
        Digits::None
    } else if text.bytes().all(|b| b.is_ascii_digit()) {
        Digits::Some(text.parse().unwrap_or(u64::MAX))
    } else {
        Digits::Other
    }
}

/// True if a list of tags has this one, weak or not, or is `*`.
fn matches_any(tags: &str, etag: &str) -> bool {
    tags.split(',')
        .map(str::trim)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderName;
    use std::time::{Duration, UNIX_EPOCH};

    const ETAG: &str = "\"e\"";

    fn ask(method: &Method, headers: &[(HeaderName, &str)], length: u64) -> Part {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.clone(), value.parse().unwrap()))
            .collect();
        let modified = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        part(method, &headers, ETAG, modified, length)
    }

    #[test]
    fn ranges_are_cut_to_what_there_is() {
        for (range, part) in [
            ("bytes=0-0", Part::Bytes(0..1)),
            ("bytes=0-99", Part::Bytes(0..10)),
            ("bytes=9-", Part::Bytes(9..10)),
            ("bytes=10-", Part::Beyond),
            ("bytes=-3", Part::Bytes(7..10)),
            ("bytes=-99", Part::Bytes(0..10)),
            ("bytes=-0", Part::Beyond),
            ("Bytes= 2-3 ", Part::Bytes(2..4)),
            ("bytes=5-4", Part::Whole),
            ("bytes=0-1,3-4", Part::Whole),
            ("bytes=a-b", Part::Whole),
            ("bytes=-", Part::Whole),
            ("bytes", Part::Whole),
            ("items=0-1", Part::Whole),
            ("bytes=+1-2", Part::Whole),
            ("bytes=0-99999999999999999999", Part::Bytes(0..10)),
            ("bytes=99999999999999999999-", Part::Beyond),
        ] {
            assert_eq!(ask(&Method::GET, &[(RANGE, range)], 10), part, "{range}");
        }
        assert_eq!(ask(&Method::GET, &[(RANGE, "bytes=0-")], 0), Part::Beyond);
        assert_eq!(ask(&Method::HEAD, &[(RANGE, "bytes=0-1")], 10), Part::Whole);
    }

    #[test]
    fn conditions_come_before_ranges() {
        let range = (RANGE, "bytes=0-0");
        for (name, value, part) in [
            (IF_NONE_MATCH, ETAG, Part::NotModified),
            (IF_NONE_MATCH, "\"x\", W/\"e\"", Part::NotModified),
            (IF_NONE_MATCH, "*", Part::NotModified),
            (IF_NONE_MATCH, "\"x\"", Part::Bytes(0..1)),
            (
                IF_MODIFIED_SINCE,
                "Sun, 09 Sep 2001 01:46:40 GMT",
                Part::NotModified,
            ),
            (
                IF_MODIFIED_SINCE,
                "Sun, 09 Sep 2001 01:46:39 GMT",
                Part::Bytes(0..1),
            ),
            (IF_MODIFIED_SINCE, "yesterday", Part::Bytes(0..1)),
            (IF_RANGE, ETAG, Part::Bytes(0..1)),
            (IF_RANGE, "W/\"e\"", Part::Whole),
            (IF_RANGE, "\"x\"", Part::Whole),
            (IF_RANGE, "Sun, 09 Sep 2001 01:46:40 GMT", Part::Bytes(0..1)),
            (IF_RANGE, "Sun, 09 Sep 2001 01:46:41 GMT", Part::Whole),
        ] {
            let headers = [range.clone(), (name.clone(), value)];
            assert_eq!(ask(&Method::GET, &headers, 10), part, "{name}: {value}");
        }
    }

    #[test]
    fn what_the_headers_alone_tell_fits_what_is_decided_with_the_file() {
        for range in [
            "bytes=0-0",
            "bytes=2-3",
            "bytes=2-",
            "bytes=0-99",
            "bytes=9-",
            "bytes=10-",
            "bytes=5-4",
            "bytes=0-1,3-4",
            "bytes=-3",
            "bytes= -3",
            "bytes= 2-3",
            "bytes=-0",
            "bytes=a-b",
            "bytes=-",
            "items=0-1",
            "bytes=99999999999999999999-",
        ] {
            let headers: HeaderMap = [(RANGE, range.parse().unwrap())].into_iter().collect();
            let decided = ask(&Method::GET, &[(RANGE, range)], 10);
            match asked(&headers) {
                Asked::Whole => assert_eq!(decided, Part::Whole, "{range}"),
                Asked::Bytes(asked) => match decided {
                    Part::Bytes(part) => {
                        assert_eq!(part, asked.start..asked.end.min(10), "{range}");
                    }
                    decided => assert_eq!((decided, asked.start >= 10), (Part::Beyond, true)),
                },
                Asked::Depends => {}
            }
        }
        let asked = |headers: &[(HeaderName, &str)]| {
            let headers = headers
                .iter()
                .map(|(name, value)| (name.clone(), value.parse().unwrap()));
            asked(&headers.collect())
        };
        assert_eq!(asked(&[]), Asked::Whole);
        assert_eq!(asked(&[(RANGE, "bytes=2-3")]), Asked::Bytes(2..4));
        assert_eq!(asked(&[(RANGE, "bytes=-3")]), Asked::Depends);
        for name in [IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_RANGE] {
            let headers = [(RANGE, "bytes=2-3"), (name, ETAG)];
            assert_eq!(asked(&headers), Asked::Depends);
        }
    }

    #[test]
    fn a_tag_outranks_a_date() {
        let headers = [
            (IF_NONE_MATCH, "\"x\""),
            (IF_MODIFIED_SINCE, "Sun, 09 Sep 2001 01:46:40 GMT"),
        ];
        assert_eq!(ask(&Method::GET, &headers, 10), Part::Whole);
    }
}
