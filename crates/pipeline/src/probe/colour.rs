//! Which of those who tell the colour of a stream is believed.

use gstreamer as gst;
use gstreamer_video::{
    VideoColorMatrix as Matrix, VideoColorPrimaries as Primaries, VideoColorRange as Range,
    VideoColorimetry, VideoTransferFunction as Transfer,
};

use crate::builder::colour::completed;

/// What pictures are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Rgb,
    Grey,
    Yuv,
}

/// What is known without a description.
#[derive(Debug, Clone, Copy)]
pub(super) struct Picture<'a> {
    pub(super) kind: Kind,
    pub(super) width: u32,
    pub(super) height: u32,
    /// Media type of the compressed stream.
    pub(super) media_type: &'a str,
}

/// The colour of a stream, part by part: as the bitstream says, else as the container says, else
/// what is usual (docs/decisions/0026-order-of-trust.md).
pub(super) fn settle(
    bitstream: Option<VideoColorimetry>,
    container: Option<VideoColorimetry>,
    picture: Picture<'_>,
) -> VideoColorimetry {
    let mut told = VideoColorimetry::new(
        Range::Unknown,
        Matrix::Unknown,
        Transfer::Unknown,
        Primaries::Unknown,
    );
    for source in [bitstream, container].into_iter().flatten() {
        told = completed(&told, &sensible(&source, picture.kind));
    }
    completed(&told, &usual(&told, picture))
}

/// `colour` without what cannot be true of pictures of this kind.
fn sensible(colour: &VideoColorimetry, kind: Kind) -> VideoColorimetry {
    let (range, matrix) = match (kind, colour.matrix()) {
        // RGB has no matrix, and nobody stores it in limited range.
        (Kind::Rgb, _) => (Range::Range0_255, Matrix::Rgb),
        // What was said of RGB is not true of what was made of it.
        (_, Matrix::Rgb) => (Range::Unknown, Matrix::Unknown),
        (_, matrix) => (colour.range(), matrix),
    };
    VideoColorimetry::new(range, matrix, colour.transfer(), colour.primaries())
}

/// What is usual where only `told` was told.
fn usual(told: &VideoColorimetry, picture: Picture<'_>) -> VideoColorimetry {
    let jpeg = picture.media_type == "image/jpeg";
    let (range, matrix) = match picture.kind {
        Kind::Rgb => (Range::Range0_255, Matrix::Rgb),
        kind => {
            let full = kind == Kind::Grey || jpeg;
            let range = if full {
                Range::Range0_255
            } else {
                Range::Range16_235
            };
            (range, usual_matrix(picture))
        }
    };
    let matrix = match told.matrix() {
        Matrix::Unknown => matrix,
        known => known,
    };
    let wide = matches!(
        told.transfer(),
        Transfer::Smpte2084 | Transfer::AribStdB67 | Transfer::Bt202010 | Transfer::Bt202012
    );
    let (transfer, primaries) = match matrix {
        _ if wide => (told.transfer(), Primaries::Bt2020),
        // The primaries of JFIF are those of sRGB, whatever the matrix.
        Matrix::Bt601 if jpeg => (Transfer::Bt709, Primaries::Bt709),
        Matrix::Bt601 => (Transfer::Bt601, Primaries::Smpte170m),
        Matrix::Smpte240m => (Transfer::Smpte240m, Primaries::Smpte240m),
        // The matrix of BT.2020 alone says nothing about what the colours are.
        _ => (Transfer::Bt709, Primaries::Bt709),
    };
    VideoColorimetry::new(range, matrix, transfer, primaries)
}

/// BT.709 from 1280 × 720 on and above 576 lines, as players guess, BT.601 below.
fn usual_matrix(picture: Picture<'_>) -> Matrix {
    // RFC 6386, 9.2, and JFIF 1.02: these have BT.601 at any size.
    if matches!(picture.media_type, "video/x-vp8" | "image/jpeg") {
        return Matrix::Bt601;
    }
    let (long, short) = (
        picture.width.max(picture.height),
        picture.width.min(picture.height),
    );
    if long >= 1280 || short > 576 {
        Matrix::Bt709
    } else {
        Matrix::Bt601
    }
}

/// The colour that a `colr` box tells by numbers: primaries, transfer and matrix (ISO/IEC 23091-2, 8).
pub(super) fn numbered([primaries, transfer, matrix]: [u16; 3]) -> Option<VideoColorimetry> {
    let primaries = Primaries::from_iso(primaries.into());
    let transfer = Transfer::from_iso(transfer.into());
    let matrix = Matrix::from_iso(matrix.into());
    let told = VideoColorimetry::new(Range::Unknown, matrix, transfer, primaries);
    let nothing = (Matrix::Unknown, Transfer::Unknown, Primaries::Unknown);
    ((matrix, transfer, primaries) != nothing).then_some(told)
}

/// A colour of which the range alone is known.
pub(super) fn only_range(full: bool) -> VideoColorimetry {
    let range = if full {
        Range::Range0_255
    } else {
        Range::Range16_235
    };
    VideoColorimetry::new(
        range,
        Matrix::Unknown,
        Transfer::Unknown,
        Primaries::Unknown,
    )
}

/// `colour` in full range, in limited range, or in one that is not known.
pub(super) fn in_range(colour: &VideoColorimetry, full: Option<bool>) -> VideoColorimetry {
    let range = match full {
        Some(true) => Range::Range0_255,
        Some(false) => Range::Range16_235,
        None => Range::Unknown,
    };
    VideoColorimetry::new(
        range,
        colour.matrix(),
        colour.transfer(),
        colour.primaries(),
    )
}

/// The colour that caps tell, if they do.
pub(super) fn of(caps: &gst::CapsRef) -> Option<VideoColorimetry> {
    let text = caps.structure(0)?.get::<&str>("colorimetry").ok()?;
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(bitstream: &str, container: &str, kind: Kind, size: (u32, u32)) -> String {
        gst::init().unwrap();
        let picture = Picture {
            kind,
            width: size.0,
            height: size.1,
            media_type: "video/x-h264",
        };
        let parse = |text: &str| text.parse().ok();
        settle(parse(bitstream), parse(container), picture).to_string()
    }

    #[test]
    fn the_bitstream_goes_before_the_container() {
        let hd = (1920, 1080);
        assert_eq!(settled("1:3:5:1", "bt709", Kind::Yuv, hd), "1:3:5:1");
        assert_eq!(settled("1:0:0:0", "2:4:16:4", Kind::Yuv, hd), "1:4:16:4");
        assert_eq!(settled("", "bt2020-10", Kind::Yuv, hd), "bt2020-10");
        assert_eq!(settled("2:6:14:0", "", Kind::Yuv, hd), "bt2100-pq");
        assert_eq!(settled("1:6:0:0", "", Kind::Yuv, hd), "1:6:5:1");
    }

    #[test]
    fn the_size_of_the_source_decides_last() {
        assert_eq!(settled("", "", Kind::Yuv, (1280, 534)), "bt709");
        assert_eq!(settled("", "", Kind::Yuv, (720, 1280)), "bt709");
        assert_eq!(settled("", "", Kind::Yuv, (720, 576)), "bt601");
        assert_eq!(settled("", "", Kind::Yuv, (360, 640)), "bt601");
        assert_eq!(settled("1:0:0:0", "", Kind::Yuv, (640, 360)), "1:4:16:4");
    }

    #[test]
    fn grey_and_rgb_are_in_full_range_unless_grey_says_otherwise() {
        let size = (320, 180);
        assert_eq!(settled("", "", Kind::Grey, size), "1:4:16:4");
        assert_eq!(settled("2:0:0:0", "", Kind::Grey, size), "bt601");
        assert_eq!(settled("", "2:3:5:1", Kind::Rgb, size), "1:1:5:1");
        assert_eq!(settled("sRGB", "", Kind::Yuv, size), "2:4:7:1");
    }

    #[test]
    fn numbers_of_a_container_are_understood() {
        gst::init().unwrap();
        let told = |numbers| numbered(numbers).map(|c| c.to_string());
        assert_eq!(told([1, 1, 1]).as_deref(), Some("0:3:5:1"));
        assert_eq!(told([9, 16, 9]).as_deref(), Some("0:6:14:7"));
        assert_eq!(told([2, 2, 6]).as_deref(), Some("0:4:0:0"));
        assert_eq!(told([2, 2, 2]), None);
    }

    #[test]
    fn jpeg_and_vp8_have_a_rule_of_their_own() {
        gst::init().unwrap();
        let of = |media_type| {
            let picture = Picture {
                kind: Kind::Yuv,
                width: 1920,
                height: 1080,
                media_type,
            };
            settle(None, None, picture).to_string()
        };
        assert_eq!(of("image/jpeg"), "1:4:5:1");
        assert_eq!(of("video/x-vp8"), "bt601");
    }
}
