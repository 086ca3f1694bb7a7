//! The range of colours in the headers of VP9, AV1 and JPEG, whose parsers and decoders keep it to
//! themselves: those of VP9 and AV1 unless the stream has a whole colour description, those of JPEG always.

/// Bytes at the beginning of a packet that are enough for [`full_range`].
pub(super) const ENOUGH: usize = 512;

/// True for full and false for limited range, as the first packet of a stream of `media_type`
/// says, or what the container keeps for the decoder.
pub(super) fn full_range(media_type: &str, packet: &[u8], kept: &[u8]) -> Option<bool> {
    match media_type {
        "video/x-vp9" => vp9(&mut Bits::new(packet)),
        // Four bytes of `av1C` come before the header (AV1 in ISOBMFF, 2.3).
        "video/x-av1" => av1(packet).or_else(|| av1(kept.get(4..)?)),
        "image/jpeg" => jpeg(packet),
        _ => None,
    }
}

/// The remark that cards and ffmpeg put into JPEG pictures of limited range; nothing is said of full range,
/// which is what JFIF has.
fn jpeg(packet: &[u8]) -> Option<bool> {
    const BEGIN: [u8; 2] = [0xff, 0xd8];
    const COMMENT: u8 = 0xfe;
    // The pictures themselves begin behind this one.
    const SCAN: u8 = 0xda;
    let mut rest = packet.strip_prefix(&BEGIN)?;
    while let [0xff, kind, high, low, ..] = *rest {
        let length = usize::from(u16::from_be_bytes([high, low]));
        let content = rest.get(4..2 + length)?;
        if kind == COMMENT && content.starts_with(b"CS=ITU601") {
            return Some(false);
        }
        if kind == SCAN {
            break;
        }
        rest = &rest[2 + length..];
    }
    None
}

/// VP9 bitstream specification, 6.2 and 6.2.2.
fn vp9(bits: &mut Bits<'_>) -> Option<bool> {
    const SYNC: u32 = 0x49_83_42;
    const RGB: u32 = 7;
    let marker = bits.take(2)?;
    let profile = bits.take(1)? + 2 * bits.take(1)?;
    if profile == 3 {
        bits.take(1)?;
    }
    let (shows_existing, is_inter) = (bits.take(1)?, bits.take(1)?);
    bits.take(2)?;
    if marker != 2 || shows_existing + is_inter > 0 || bits.take(24)? != SYNC {
        return None;
    }
    if profile >= 2 {
        bits.take(1)?;
    }
    let space = bits.take(3)?;
    (space != RGB).then_some(())?;
    Some(bits.take(1)? == 1)
}

/// Looks for the sequence header among the OBUs at the beginning of `data` (AV1 specification,
/// 5.3 and 5.5).
fn av1(mut data: &[u8]) -> Option<bool> {
    const SEQUENCE_HEADER: u8 = 1;
    loop {
        let header = *data.first()?;
        let extended = usize::from(header >> 2 & 1);
        let mut size = data.len().checked_sub(1 + extended)?;
        data = &data[1 + extended..];
        if header & 2 != 0 {
            let (told, length) = leb128(data)?;
            size = told;
            data = &data[length..];
        }
        if header >> 3 & 15 == SEQUENCE_HEADER {
            return sequence(&mut Bits::new(&data[..size.min(data.len())]));
        }
        data = data.get(size..)?;
    }
}

fn sequence(bits: &mut Bits<'_>) -> Option<bool> {
    let profile = bits.take(3)?;
    bits.take(1)?;
    let reduced = bits.take(1)? == 1;
    if reduced {
        bits.take(5)?;
    } else {
        operating_points(bits)?;
    }
    let (width, height) = (bits.take(4)? + 1, bits.take(4)? + 1);
    bits.take(width)?;
    bits.take(height)?;
    if !reduced && bits.take(1)? == 1 {
        bits.take(7)?;
    }
    bits.take(3)?;
    if !reduced {
        bits.take(4)?;
        let ordered = bits.take(1)? == 1;
        if ordered {
            bits.take(2)?;
        }
        // Screen content tools, then whole-sample motion, each to be chosen or fixed.
        let screen = bits.take(1)? == 1 || bits.take(1)? == 1;
        if screen && bits.take(1)? == 0 {
            bits.take(1)?;
        }
        if ordered {
            bits.take(3)?;
        }
    }
    bits.take(3)?;
    let deep = bits.take(1)? == 1;
    if profile == 2 && deep {
        bits.take(1)?;
    }
    let grey = profile != 1 && bits.take(1)? == 1;
    if bits.take(1)? == 1 {
        // BT.709 primaries, sRGB and the identity matrix: RGB, which has no flag.
        let rgb = (bits.take(8)?, bits.take(8)?, bits.take(8)?) == (1, 13, 0);
        if rgb && !grey {
            return Some(true);
        }
    }
    Some(bits.take(1)? == 1)
}

fn operating_points(bits: &mut Bits<'_>) -> Option<()> {
    let mut delay = None;
    if bits.take(1)? == 1 {
        bits.take(32)?;
        bits.take(32)?;
        if bits.take(1)? == 1 {
            let mut zeros = 0;
            while zeros < 32 && bits.take(1)? == 0 {
                zeros += 1;
            }
            bits.take(zeros)?;
        }
        if bits.take(1)? == 1 {
            delay = Some(bits.take(5)? + 1);
            bits.take(32)?;
            bits.take(10)?;
        }
    }
    let display_delay = bits.take(1)? == 1;
    for _ in 0..=bits.take(5)? {
        bits.take(12)?;
        if bits.take(5)? > 7 {
            bits.take(1)?;
        }
        if let Some(delay) = delay
            && bits.take(1)? == 1
        {
            bits.take(delay)?;
            bits.take(delay)?;
            bits.take(1)?;
        }
        if display_delay && bits.take(1)? == 1 {
            bits.take(4)?;
        }
    }
    Some(())
}

/// A number of seven bits a byte, lowest first, and its length (AV1 specification, 4.10.5).
fn leb128(data: &[u8]) -> Option<(usize, usize)> {
    let mut number = 0;
    for (i, &byte) in data.iter().take(4).enumerate() {
        number |= usize::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Some((number, i + 1));
        }
    }
    None
}

/// Reads bits, the highest of each byte first.
struct Bits<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Bits<'a> {
    fn new(data: &'a [u8]) -> Self {
        Self { data, at: 0 }
    }

    /// The next `count` bits, 32 at most.
    fn take(&mut self, count: u32) -> Option<u32> {
        (0..count).try_fold(0, |number, _| {
            let byte = *self.data.get(self.at / 8)?;
            let bit = byte >> (7 - self.at % 8) & 1;
            self.at += 1;
            Some(number << 1 | u32::from(bit))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vp9_tells_its_range() {
        // Marker, profile 0, a key frame that is shown, the sync code, no known matrix.
        let mut frame = [0b1000_0010, 0x49, 0x83, 0x42, 0b0001_0000];
        assert_eq!(full_range("video/x-vp9", &frame, &[]), Some(true));
        frame[4] = 0;
        assert_eq!(full_range("video/x-vp9", &frame, &[]), Some(false));
        frame[0] |= 4;
        assert_eq!(full_range("video/x-vp9", &frame, &[]), None, "no key frame");
    }

    #[test]
    fn av1_tells_its_range() {
        // Made by libaom: grey of 320 × 180 in full range, with the bytes of `av1C` in front.
        let kept = [
            0x81, 0, 0x1c, 0, 0x0a, 0x0a, 0, 0, 0, 0x04, 0x3c, 0xfe, 0xcc, 0xda, 0xf9, 0x2a,
        ];
        assert_eq!(full_range("video/x-av1", &[], &kept), Some(true));
        // A temporal delimiter goes before it in a packet.
        let packet = [&[0x12, 0][..], &kept[4..]].concat();
        assert_eq!(full_range("video/x-av1", &packet, &[]), Some(true));
        for cut in 0..packet.len() - 1 {
            assert_eq!(
                full_range("video/x-av1", &packet[..cut], &[]),
                None,
                "{cut}"
            );
        }
    }

    #[test]
    fn jpeg_tells_limited_range_in_a_comment() {
        let mut picture = vec![0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2];
        assert_eq!(full_range("image/jpeg", &picture, &[]), None);
        picture.extend([0xff, 0xfe, 0, 12]);
        picture.extend(b"CS=ITU601\0");
        picture.extend([0xff, 0xda, 0, 2]);
        assert_eq!(full_range("image/jpeg", &picture, &[]), Some(false));
        for cut in 0..18 {
            assert_eq!(
                full_range("image/jpeg", &picture[..cut], &[]),
                None,
                "{cut}"
            );
        }
        let hidden = [&[0xff, 0xd8, 0xff, 0xda, 0, 2][..], &picture[8..]].concat();
        assert_eq!(
            full_range("image/jpeg", &hidden, &[]),
            None,
            "behind the scan"
        );
    }

    #[test]
    fn others_have_parsers_that_tell() {
        assert_eq!(full_range("video/x-h264", &[0; ENOUGH], &[]), None);
    }
}
