//! How large a picture is, from its own headers: for decoders in front of which no parser looks.

use gstreamer as gst;

/// Width and height in pixels.
type Size = (u32, u32);

/// The size that caps tell.
pub(super) fn of_caps(caps: &gst::CapsRef) -> Option<Size> {
    let structure = caps.structure(0)?;
    let side = |name: &str| u32::try_from(structure.get::<i32>(name).ok()?).ok();
    Some((side("width")?, side("height")?))
}

/// The largest size that the headers in `packet`, which is of this media type, tell.
pub(super) fn of_picture(media_type: &str, packet: &[u8]) -> Option<Size> {
    match media_type {
        "image/jpeg" | "video/x-jpeg" => jpeg(packet),
        "image/png" => png(packet),
        "video/x-vp8" => vp8(packet),
        "video/x-vp9" => vp9(packet),
        "video/x-flash-video" => sorenson(packet),
        "video/x-prores" => prores(packet),
        "video/x-dnxhd" => dnxhd(packet),
        _ => None,
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u32> {
    let two = bytes.get(at..at + 2)?;
    Some(u32::from(u16::from_be_bytes([two[0], two[1]])))
}

/// All frame headers (ITU-T T.81, B.2.2), wherever decoders may find them: they skip what is no
/// marker. One in the preview of a photo is smaller than that of the photo.
fn jpeg(packet: &[u8]) -> Option<Size> {
    let frame = |at: &usize| {
        let header = &packet[*at..];
        let kind = *header.get(1)?;
        let is_frame = (0xc0..=0xcf).contains(&kind) && !matches!(kind, 0xc4 | 0xc8 | 0xcc);
        let parts = u32::from(*header.get(9)?);
        let fits = is_frame && parts > 0 && u16_at(header, 2)? == 8 + 3 * parts;
        fits.then_some((u16_at(header, 7)?, u16_at(header, 5)?))
    };
    let starts = packet.iter().enumerate().filter(|(_, byte)| **byte == 0xff);
    let mut largest: Option<Size> = None;
    for (at, _) in starts {
        if let Some(size) = frame(&at) {
            let area = |(width, height): Size| u64::from(width) * u64::from(height);
            largest = largest.filter(|l| area(*l) >= area(size)).or(Some(size));
        }
    }
    largest
}

/// The first chunk (ISO/IEC 15948, 11.2.2).
fn png(packet: &[u8]) -> Option<Size> {
    let header = packet.strip_prefix(b"\x89PNG\r\n\x1a\n")?;
    let u32_at = |at: usize| {
        let four = header.get(at..at + 4)?;
        Some(u32::from_be_bytes([four[0], four[1], four[2], four[3]]))
    };
    (header.get(4..8)? == b"IHDR").then_some((u32_at(8)?, u32_at(12)?))
}

/// Key frames (RFC 6386, 9.1).
fn vp8(packet: &[u8]) -> Option<Size> {
    let is_key = packet.first()? & 1 == 0 && packet.get(3..6)? == [0x9d, 0x01, 0x2a];
    let side = |at: usize| {
        let two = packet.get(at..at + 2)?;
        Some(u32::from(u16::from_le_bytes([two[0], two[1]]) & 0x3fff))
    };
    is_key.then_some((side(6)?, side(8)?))
}

/// Frames with a sync code, behind which the size lies (VP9 bitstream specification, 6.2).
fn vp9(packet: &[u8]) -> Option<Size> {
    const SYNC: [u8; 3] = [0x49, 0x83, 0x42];
    let at = packet.windows(3).take(8).position(|w| w == SYNC)?;
    let first = *packet.first()?;
    let profile = (first >> 5 & 1) | (first >> 4 & 1) << 1;
    // In whole bits: the depth of higher profiles, the colour space, range and sampling.
    let mut bits = Bits {
        bytes: packet.get(..packet.len().min(32))?,
        // Profiles below 3 have no bit that is reserved, and so three before the sync code.
        at: (at + 3) * 8,
    };
    if profile >= 2 {
        bits.take(1)?;
    }
    let space = bits.take(3)?;
    if space == 7 {
        bits.take(usize::from(profile & 1))?;
    } else {
        bits.take(1)?;
        if profile & 1 == 1 {
            bits.take(3)?;
        }
    }
    Some((bits.take(16)? + 1, bits.take(16)? + 1))
}

/// Sorenson's H.263 of Flash: a start code of 17 bits, five of version, eight of time, then the size.
fn sorenson(packet: &[u8]) -> Option<Size> {
    let mut bits = Bits {
        bytes: packet.get(..packet.len().min(16))?,
        at: 0,
    };
    if bits.take(17)? != 1 {
        return None;
    }
    bits.take(13)?;
    match bits.take(3)? {
        0 => Some((bits.take(8)?, bits.take(8)?)),
        1 => Some((bits.take(16)?, bits.take(16)?)),
        _ => None,
    }
}

/// The frame header (SMPTE RDD 36, 6.1.1).
fn prores(packet: &[u8]) -> Option<Size> {
    (packet.get(4..8)? == b"icpf").then_some((u16_at(packet, 16)?, u16_at(packet, 18)?))
}

/// The frame header (SMPTE ST 2019-1, 9.2): lines at 24, pixels at 26.
fn dnxhd(packet: &[u8]) -> Option<Size> {
    (packet.get(..3)? == [0, 0, 2]).then_some((u16_at(packet, 26)?, u16_at(packet, 24)?))
}

/// Bits, the highest first.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> Option<u32> {
        let mut value = 0;
        for at in self.at..self.at + count {
            let bit = self.bytes.get(at / 8)? >> (7 - at % 8) & 1;
            value = value << 1 | u32::from(bit);
        }
        self.at += count;
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_pictures_tell_their_size() {
        let frame = [0xff, 0xc0, 0, 11, 8, 0x75, 0x30, 0x04, 0x00, 1, 1, 0x11, 0];
        let small = [0xff, 0xc2, 0, 11, 8, 0, 64, 0, 64, 1, 1, 0x11, 0];
        let photo = [&[0xff, 0xd8, 0, 1][..], &small, &frame, &small].concat();
        assert_eq!(of_picture("image/jpeg", &photo), Some((1024, 30000)));
        assert_eq!(of_picture("image/jpeg", &photo[..6]), None);

        let mut picture = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        picture.extend([0, 0, 0x75, 0x30, 0, 0, 0, 2]);
        assert_eq!(of_picture("image/png", &picture), Some((30000, 2)));

        let key = [0x10, 0, 0, 0x9d, 1, 0x2a, 0xff, 0x3f, 16, 0];
        assert_eq!(of_picture("video/x-vp8", &key), Some((16383, 16)));
        let key = [0x82, 0x49, 0x83, 0x42, 0x00, 0x13, 0xf0, 0x0b, 0x30];
        assert_eq!(of_picture("video/x-vp9", &key), Some((320, 180)));
        assert_eq!(of_picture("video/x-vp9", &[0x86, 0, 0]), None);
        assert_eq!(of_picture("video/x-h264", &key), None);
    }
}
