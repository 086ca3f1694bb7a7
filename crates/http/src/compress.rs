//! Compression of responses for clients that accept it (decision 0034).

use axum::http::header::{CACHE_CONTROL, ETAG};
use axum::http::{Extensions, HeaderMap, StatusCode, Version};
use tower_http::compression::predicate::{And, Predicate as _, SizeAbove};
use tower_http::compression::{CompressionLayer, CompressionLevel};

use crate::header::{MediaType, text};

/// Smallest body in bytes worth compressing: less fits into one packet anyway.
const LEAST: u64 = 1_024;

type Worth = And<SizeAbove, fn(StatusCode, Version, &HeaderMap, &Extensions) -> bool>;

/// Compresses text with zstd, brotli or gzip, whichever the client prefers.
pub fn layer() -> CompressionLayer<Worth> {
    // Brotli's own default takes a hundred times as long as this for a tenth less.
    CompressionLayer::new()
        .quality(CompressionLevel::Precise(4))
        .compress_when(SizeAbove::new(LEAST).and(worth))
}

fn worth(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    let kind = MediaType::of(headers).map(|kind| kind.essence());
    let kind = kind.unwrap_or_default();
    let is_text = match kind.as_str() {
        // An event would be held in the compressor until others follow.
        "text/event-stream" => false,
        "application/json" | "application/graphql" | "application/javascript" => true,
        other => other.starts_with("text/") || other.ends_with("+json") || other.ends_with("+xml"),
    };
    // Responses that must not be stored contain tokens: compressed together with text of another
    // party, their length would leak them (BREACH).
    let secret = text(headers, CACHE_CONTROL).is_some_and(|value| value.contains("no-store"));
    // A strong tag identifies the exact bytes (RFC 9110 section 8.8.1).
    is_text && !secret && !text(headers, ETAG).is_some_and(|tag| tag.starts_with('"'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderName;
    use axum::http::header::CONTENT_TYPE;

    #[test]
    fn text_is_compressed_and_nothing_that_streams_is_secret_or_is_media() {
        let worth = |headers: &[(HeaderName, &str)]| {
            let headers = headers
                .iter()
                .map(|(name, value)| (name.clone(), value.parse().unwrap()));
            worth(
                StatusCode::OK,
                Version::HTTP_11,
                &headers.collect(),
                &Extensions::new(),
            )
        };
        for kind in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/graphql-response+json; charset=utf-8",
            "text/html; charset=utf-8",
            "image/svg+xml",
        ] {
            assert!(worth(&[(CONTENT_TYPE, kind)]), "{kind}");
        }
        for kind in [
            "text/event-stream; charset=utf-8",
            "video/mp2t",
            "image/jpeg",
            "font/woff2",
            "application/octet-stream",
        ] {
            assert!(!worth(&[(CONTENT_TYPE, kind)]), "{kind}");
        }
        let json = (CONTENT_TYPE, "application/json");
        assert!(!worth(&[json.clone(), (CACHE_CONTROL, "no-store")]));
        assert!(worth(&[json.clone(), (CACHE_CONTROL, "private, no-cache")]));
        assert!(!worth(&[json.clone(), (ETAG, "\"strong\"")]));
        assert!(worth(&[json, (ETAG, "W/\"weak\"")]));
        assert!(!worth(&[]));
    }
}
