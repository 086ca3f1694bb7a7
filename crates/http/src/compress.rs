//! Answers made smaller for those who take it (decision 0034).

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::http::{Extensions, HeaderMap, HeaderName, StatusCode, Version};
use tower_http::compression::predicate::{And, Predicate as _, SizeAbove};
use tower_http::compression::{CompressionLayer, CompressionLevel};

/// Smallest body in bytes that is worth it: less goes into one packet anyway.
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
    let text = |name: &HeaderName| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default()
    };
    let kind = text(&CONTENT_TYPE).split(';').next().unwrap_or_default();
    let kind = kind.trim().to_ascii_lowercase();
    let is_text = match kind.as_str() {
        // An event would wait in the compressor until others push it out.
        "text/event-stream" => false,
        "application/json" | "application/graphql" | "application/javascript" => true,
        other => other.starts_with("text/") || other.ends_with("+json") || other.ends_with("+xml"),
    };
    // What may not be kept holds tokens: next to what somebody else wrote, their length would tell
    // something of them (BREACH).
    let secret = text(&CACHE_CONTROL).contains("no-store");
    // A strong tag stands for the very bytes (RFC 9110 section 8.8.1).
    is_text && !secret && !text(&ETAG).starts_with('"')
}

#[cfg(test)]
mod tests {
    use super::*;

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
