//! Files that are built into the program: pages, scripts, styles and pictures.

use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};

/// How long names that change with their content are kept: for good.
pub const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Names that stay are asked for again each time.
pub const ASK_AGAIN: &str = "no-cache";

/// A file, in the encodings in which it was built in.
#[derive(Debug)]
pub struct File {
    /// Below the site's root, without a slash in front.
    pub path: &'static str,
    /// Media type.
    pub kind: &'static str,
    /// Hash of the content.
    pub etag: &'static str,
    /// As it is; `None` if only clients that decompress get it.
    pub plain: Option<&'static [u8]>,
    /// With gzip.
    pub gzip: Option<&'static [u8]>,
    /// With brotli.
    pub brotli: Option<&'static [u8]>,
}

/// Files that are sorted by their paths.
#[derive(Debug, Clone, Copy)]
pub struct Assets(
    /// The files.
    pub &'static [File],
);

impl Assets {
    /// The file with that path, if there is one.
    pub fn find(self, path: &str) -> Option<&'static File> {
        let at = self.0.binary_search_by(|file| file.path.cmp(path)).ok()?;
        self.0.get(at)
    }

    /// True if nothing was built in.
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }
}

/// Answers with the smallest form of the file that the client takes. `keep` says for how long it is
/// good, such as [`FOR_EVER`].
pub fn send(file: &File, headers: &HeaderMap, keep: &'static str) -> Response {
    let (encoding, bytes) = match (file.brotli, file.gzip, file.plain) {
        (Some(bytes), _, _) if takes(headers, "br") => (Some("br"), bytes),
        (_, Some(bytes), _) if takes(headers, "gzip") => (Some("gzip"), bytes),
        (_, _, Some(bytes)) => (None, bytes),
        (_, Some(bytes), None) if takes_anything(headers) => (Some("gzip"), bytes),
        (_, _, None) => return only_compressed(),
    };
    // Each encoding is a representation of its own.
    let etag = format!("\"{}{}\"", file.etag, encoding.unwrap_or(""));
    let mut response = if unchanged(headers, &etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        bytes.into_response()
    };
    let answer = response.headers_mut();
    answer.insert(CONTENT_TYPE, HeaderValue::from_static(file.kind));
    answer.insert(CACHE_CONTROL, HeaderValue::from_static(keep));
    answer.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    if let Ok(etag) = HeaderValue::try_from(etag) {
        answer.insert(ETAG, etag);
    }
    if let Some(encoding) = encoding {
        answer.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

fn only_compressed() -> Response {
    let text = "This page comes compressed with gzip only.\n";
    let mut response = (StatusCode::NOT_ACCEPTABLE, text).into_response();
    let vary = HeaderValue::from_static("Accept-Encoding");
    response.headers_mut().insert(VARY, vary);
    response
}

/// Whether the client has this representation already (RFC 9110, section 13.1.2).
pub fn unchanged(headers: &HeaderMap, etag: &str) -> bool {
    headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|one| one.trim().trim_start_matches("W/"))
        .any(|one| one == etag || one == "*")
}

/// Whether the client asks for an encoding (RFC 9110, section 12.5.3); `q=0` means that it refuses it.
fn takes(headers: &HeaderMap, encoding: &str) -> bool {
    headers
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|one| {
            let (name, parameters) = one.split_once(';').unwrap_or((one, ""));
            let refused = parameters
                .trim()
                .strip_prefix("q=")
                .and_then(|q| q.trim().parse::<f32>().ok())
                .is_some_and(|q| q <= 0.0);
            name.trim().eq_ignore_ascii_case(encoding) && !refused
        })
}

/// Without a list of encodings any goes, and `*` stands for those that are not named.
fn takes_anything(headers: &HeaderMap) -> bool {
    !headers.contains_key(ACCEPT_ENCODING) || takes(headers, "*")
}

#[cfg(test)]
mod tests {
    use super::*;

    static FILE: File = File {
        path: "assets/a.js",
        kind: "text/javascript; charset=utf-8",
        etag: "0123",
        plain: Some(b"plain"),
        gzip: Some(b"zipped"),
        brotli: Some(b"br"),
    };

    fn asking(name: axum::http::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn the_smallest_that_the_browser_takes_is_sent() {
        for (accepted, encoding, etag) in [
            ("gzip, deflate, br, zstd", Some("br"), "\"0123br\""),
            ("gzip, br;q=0", Some("gzip"), "\"0123gzip\""),
            ("identity", None, "\"0123\""),
            ("brotli", None, "\"0123\""),
        ] {
            let response = send(&FILE, &asking(ACCEPT_ENCODING, accepted), "no-cache");
            let header = |name| response.headers().get(name).map(|v| v.to_str().unwrap());
            assert_eq!(header(CONTENT_ENCODING), encoding, "{accepted}");
            assert_eq!(header(ETAG), Some(etag), "{accepted}");
            assert_eq!(header(VARY), Some("Accept-Encoding"));
        }
    }

    #[test]
    fn what_the_browser_has_is_not_sent_again() {
        for (known, status) in [
            ("\"0123\"", 304),
            ("\"x\", W/\"0123\"", 304),
            ("*", 304),
            ("\"0123br\"", 200),
        ] {
            let response = send(&FILE, &asking(IF_NONE_MATCH, known), "no-cache");
            assert_eq!(response.status(), status, "{known}");
        }
    }

    #[test]
    fn what_comes_compressed_only_may_be_refused() {
        static PACKED: File = File {
            plain: None,
            brotli: None,
            ..FILE
        };
        let status = |headers: &HeaderMap| send(&PACKED, headers, ASK_AGAIN).status();
        assert_eq!(status(&HeaderMap::new()), 200);
        for good in ["gzip", "br, gzip;q=0.5", "*", "gzip, deflate, br, zstd"] {
            assert_eq!(status(&asking(ACCEPT_ENCODING, good)), 200, "{good}");
        }
        for bad in ["identity", "br", "gzip;q=0", "gzip; q=0.0", ""] {
            assert_eq!(status(&asking(ACCEPT_ENCODING, bad)), 406, "{bad}");
        }
    }
}
