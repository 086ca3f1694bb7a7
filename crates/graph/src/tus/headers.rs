//! Reading the headers of requests.

use axum::http::{HeaderMap, HeaderName};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use clipsy_http::header;
use clipsy_service::error::{Error, Result};
use clipsy_service::uploads::checksum::{Algorithm, Checksum};

/// What a creation says about the length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    /// `Upload-Length`.
    Known(u64),
    /// `Upload-Defer-Length: 1`.
    Deferred,
    /// Neither.
    Unsaid,
}

/// Reads `Upload-Length` and `Upload-Defer-Length`, of which there may be one.
pub(super) fn length(headers: &HeaderMap) -> Result<Length> {
    let known = number(headers, "upload-length")?;
    let deferred = text(headers, "upload-defer-length")?;
    match (known, deferred) {
        (Some(_), Some(_)) => Err(bad(
            "Upload-Length and Upload-Defer-Length exclude each other.",
        )),
        (Some(length), None) => Ok(Length::Known(length)),
        (None, Some("1")) => Ok(Length::Deferred),
        (None, Some(_)) => Err(bad("Upload-Defer-Length may only be 1.")),
        (None, None) => Ok(Length::Unsaid),
    }
}

/// Reads `Upload-Offset`, which must be there.
pub(super) fn offset(headers: &HeaderMap) -> Result<u64> {
    number(headers, "upload-offset")?.ok_or_else(|| bad("Upload-Offset is missing."))
}

/// Reads a number that is zero or more.
pub(super) fn number(headers: &HeaderMap, name: &'static str) -> Result<Option<u64>> {
    let Some(value) = text(headers, name)? else {
        return Ok(None);
    };
    // Rust would take a sign, too.
    let digits = value.bytes().all(|b| b.is_ascii_digit());
    let number = digits.then(|| value.parse::<i64>().ok()).flatten();
    match number {
        Some(number) => Ok(Some(number.unsigned_abs())),
        None => Err(bad(&format!("{name} is no number."))),
    }
}

/// Reads a header that may come once.
pub(super) fn text<'h>(headers: &'h HeaderMap, name: &'static str) -> Result<Option<&'h str>> {
    let text = header::once(headers, &HeaderName::from_static(name));
    text.map_err(|error| bad(&error.to_string()))
}

/// Reads `Upload-Checksum`: an algorithm, a space, the hash in Base64.
pub(super) fn checksum(headers: &HeaderMap) -> Result<Option<Checksum>> {
    let Some(value) = text(headers, "upload-checksum")? else {
        return Ok(None);
    };
    let (name, hash) = value.split_once(' ').unwrap_or((value, ""));
    let algorithm = Algorithm::ALL
        .into_iter()
        .find(|algorithm| algorithm.name() == name)
        .ok_or_else(|| bad(&format!("The checksum algorithm {name:?} is not known.")))?;
    let digest = STANDARD
        .decode(hash.trim())
        .map_err(|_| bad("The checksum is no Base64."))?;
    if digest.len() != algorithm.digest_bytes() {
        return Err(bad("The checksum is too short or too long."));
    }
    Ok(Some(Checksum { algorithm, digest }))
}

fn bad(message: &str) -> Error {
    Error::Parse(message.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn numbers_are_digits_only() {
        let offset = |text: &str| offset(&headers(&[("upload-offset", text)]));
        assert_eq!(offset("0").unwrap(), 0);
        assert_eq!(offset("9223372036854775807").unwrap(), i64::MAX as u64);
        for text in [
            "",
            "-1",
            "+1",
            "1.0",
            "1e3",
            "9223372036854775808",
            "x",
            "1 2",
        ] {
            assert!(matches!(offset(text), Err(Error::Parse(_))), "{text:?}");
        }
        let twice = headers(&[("upload-offset", "1"), ("upload-offset", "1")]);
        assert!(super::offset(&twice).is_err());
        assert!(super::offset(&HeaderMap::new()).is_err());
    }

    #[test]
    fn a_length_is_known_or_deferred() {
        let length = |lines: &[(&'static str, &str)]| length(&headers(lines));
        let known = ("upload-length", "5");
        let deferred = ("upload-defer-length", "1");
        assert_eq!(length(&[known]).unwrap(), Length::Known(5));
        assert_eq!(length(&[deferred]).unwrap(), Length::Deferred);
        assert_eq!(length(&[]).unwrap(), Length::Unsaid);
        assert!(length(&[known, deferred]).is_err());
        assert!(length(&[("upload-defer-length", "0")]).is_err());
    }

    #[test]
    fn checksums_name_an_algorithm_that_is_there() {
        let checksum = |text: &str| checksum(&headers(&[("upload-checksum", text)]));
        let read = checksum("crc32 NSRBwg==").unwrap().unwrap();
        assert_eq!(read.algorithm, Algorithm::Crc32);
        assert_eq!(read.digest, [0x35, 0x24, 0x41, 0xc2]);
        for text in [
            "md5 NSRBwg==",
            "crc32 ?",
            "crc32",
            "sha1 NSRBwg==",
            "CRC32 NSRBwg==",
            "",
        ] {
            assert!(matches!(checksum(text), Err(Error::Parse(_))), "{text:?}");
        }
    }
}
