//! Pictures that people bring along to stand for a video: which there may be, and how large.

use serde::{Deserialize, Serialize};

/// Most bytes of one.
pub const MOST_BYTES: u64 = 10 << 20;
/// Most pixels of one.
pub const MOST_PIXELS: u64 = 40_000_000;
/// Most pixels of a side.
pub const LONGEST_SIDE: u32 = 16_384;

/// The formats that are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhotoKind {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// WebP.
    WebP,
}

/// Why a picture is not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum PhotoError {
    /// It is of no format that is taken.
    #[error("This is not a JPEG, PNG or WebP picture.")]
    Kind,
    /// It has too many pixels.
    #[error(
        "The picture is too large: at most {} megapixels, and {LONGEST_SIDE} pixels a side.",
        MOST_PIXELS / 1_000_000
    )]
    Size,
    /// It begins like a picture, but is none, or is damaged.
    #[error("The picture cannot be read. It may be damaged.")]
    Damaged,
}

impl PhotoError {
    /// Stable machine-readable name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Kind => "picture_type",
            Self::Size => "picture_size",
            Self::Damaged => "picture_damaged",
        }
    }
}

impl PhotoKind {
    /// The format that a file begins like.
    pub fn of(start: &[u8]) -> Result<Self, PhotoError> {
        match start {
            [0xff, 0xd8, 0xff, ..] => Ok(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Ok(Self::Png),
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'W',
                b'E',
                b'B',
                b'P',
                ..,
            ] => Ok(Self::WebP),
            _ => Err(PhotoError::Kind),
        }
    }
}

/// The format of a picture whose header says that it may be decoded: all of it has to be there, and it has
/// to be small enough, before a decoder takes memory for it.
pub fn check(bytes: &[u8]) -> Result<PhotoKind, PhotoError> {
    let kind = PhotoKind::of(bytes)?;
    let size = match kind {
        PhotoKind::Jpeg => jpeg_size(bytes),
        PhotoKind::Png => png_size(bytes),
        PhotoKind::WebP => webp_size(bytes),
    };
    let (width, height) = size.ok_or(PhotoError::Damaged)?;
    if width == 0 || height == 0 {
        return Err(PhotoError::Damaged);
    }
    let pixels = u64::from(width) * u64::from(height);
    if pixels > MOST_PIXELS || width.max(height) > LONGEST_SIDE {
        return Err(PhotoError::Size);
    }
    Ok(kind)
}

fn big(bytes: &[u8], at: usize, count: usize) -> Option<u32> {
    let field = bytes.get(at..at + count)?;
    Some(field.iter().fold(0, |n, b| n << 8 | u32::from(*b)))
}

fn little(bytes: &[u8], at: usize, count: usize) -> Option<u32> {
    let field = bytes.get(at..at + count)?;
    Some(field.iter().rev().fold(0, |n, b| n << 8 | u32::from(*b)))
}

fn png_size(bytes: &[u8]) -> Option<(u32, u32)> {
    (bytes.get(12..16)? == b"IHDR").then_some(())?;
    Some((big(bytes, 16, 4)?, big(bytes, 20, 4)?))
}

/// What the first frame header says, in front of which only segments with a length stand.
fn jpeg_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut at = 2;
    loop {
        if *bytes.get(at)? != 0xff {
            return None;
        }
        match *bytes.get(at + 1)? {
            // Fill.
            0xff => at += 1,
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                return Some((big(bytes, at + 7, 2)?, big(bytes, at + 5, 2)?));
            }
            // A scan, or the end, without a frame.
            0xda | 0xd9 => return None,
            _ => {
                let length = big(bytes, at + 2, 2)?;
                if length < 2 {
                    return None;
                }
                at += 2 + length as usize;
            }
        }
    }
}

fn webp_size(bytes: &[u8]) -> Option<(u32, u32)> {
    match bytes.get(12..16)? {
        b"VP8X" => Some((little(bytes, 24, 3)? + 1, little(bytes, 27, 3)? + 1)),
        b"VP8 " => {
            (bytes.get(23..26)? == [0x9d, 0x01, 0x2a]).then_some(())?;
            let side = |at| Some(little(bytes, at, 2)? & 0x3fff);
            Some((side(26)?, side(28)?))
        }
        b"VP8L" => {
            (*bytes.get(20)? == 0x2f).then_some(())?;
            let sides = little(bytes, 21, 4)?;
            Some(((sides & 0x3fff) + 1, (sides >> 14 & 0x3fff) + 1))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(width: u32, height: u32) -> Vec<u8> {
        let start: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
        [start, &width.to_be_bytes(), &height.to_be_bytes()].concat()
    }

    fn jpeg(width: u16, height: u16) -> Vec<u8> {
        let start: &[u8] = b"\xff\xd8\xff\xe0\0\x04ab\xff\xff\xc2\0\x11\x08";
        [start, &height.to_be_bytes(), &width.to_be_bytes()].concat()
    }

    fn webp(kind: &[u8], rest: &[u8]) -> Vec<u8> {
        [b"RIFF\0\0\0\0WEBP".as_slice(), kind, b"\0\0\0\0", rest].concat()
    }

    #[test]
    fn sizes_are_read_from_headers() {
        assert_eq!(png_size(&png(640, 360)), Some((640, 360)));
        assert_eq!(jpeg_size(&jpeg(640, 360)), Some((640, 360)));
        let extended = webp(b"VP8X", b"\0\0\0\0\x7f\x02\0\x67\x01\0");
        assert_eq!(webp_size(&extended), Some((640, 360)));
        let lossy = webp(b"VP8 ", b"abc\x9d\x01\x2a\x80\x02\x68\x01");
        assert_eq!(webp_size(&lossy), Some((640, 360)));
        let sides: u32 = 639 + (359 << 14);
        let lossless = webp(
            b"VP8L",
            &[b"\x2f".as_slice(), &sides.to_le_bytes()].concat(),
        );
        assert_eq!(webp_size(&lossless), Some((640, 360)));
    }

    #[test]
    fn what_is_too_large_or_no_picture_is_refused() {
        assert_eq!(check(&png(8_000, 5_000)), Ok(PhotoKind::Png));
        for (width, height) in [(8_000, 5_001), (16_385, 1), (u32::MAX, u32::MAX)] {
            assert_eq!(check(&png(width, height)), Err(PhotoError::Size));
        }
        assert_eq!(check(&jpeg(u16::MAX, 1)), Err(PhotoError::Size));
        assert_eq!(check(&png(0, 5)), Err(PhotoError::Damaged));
        for whole in [
            png(640, 360),
            jpeg(640, 360),
            webp(b"VP8X", b"\0\0\0\0\x7f\x02\0\x67\x01\0"),
            webp(b"VP8L", b"\x2f\0\0\0\0"),
            webp(b"VP8 ", b"abc\x9d\x01\x2a\x80\x02\x68\x01"),
        ] {
            assert!(check(&whole).is_ok());
            for end in 12..whole.len() {
                assert_eq!(check(&whole[..end]), Err(PhotoError::Damaged), "{end}");
            }
        }
        for odd in [
            b"GIF89a".as_slice(),
            b"",
            b"<svg xmlns",
            b"RIFF\0\0\0\0AVI LIST",
        ] {
            assert_eq!(check(odd), Err(PhotoError::Kind));
        }
        // Lengths that lead nowhere.
        for odd in [
            b"\xff\xd8\xff\xe0\0\0".as_slice(),
            b"\xff\xd8\xff\xd9",
            b"\xff\xd8\xff\xe0\xff\xff\0",
        ] {
            assert_eq!(check(odd), Err(PhotoError::Damaged));
        }
    }
}
