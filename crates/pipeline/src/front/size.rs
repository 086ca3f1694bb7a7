//! Whether a file is as long as its own headers say.

use super::Source;
use super::boxes::u32_at;

/// `Some(true)` if all bytes that the headers announce are there, `Some(false)` if some are
/// missing, `None` if the format does not say.
pub(super) fn is_complete(source: &Source) -> Option<bool> {
    let head = source.read(0, source.bytes.min(64))?;
    if is_elementary(&head) {
        return Some(true);
    }
    let announced = matroska(&head)
        .or_else(|| riff(&head))
        .or_else(|| asf(source, &head));
    if let Some(bytes) = announced {
        return Some(source.bytes >= bytes);
    }
    flash(source, &head)
}

/// True of a bare stream of pictures, which begins with a start code (MPEG video, H.264, H.265). No
/// header tells its length, so nothing of it can be missing; elements guess it from the bitrate.
fn is_elementary(head: &[u8]) -> bool {
    // Program streams, too, begin with a code of their own (ISO/IEC 13818-1, 2.5.3.4).
    const PACK: u8 = 0xba;
    match head {
        [0, 0, 1, code, ..] => *code != PACK,
        [0, 0, 0, 1, ..] => true,
        _ => false,
    }
}

/// The end of the segment of a Matroska or `WebM` file (RFC 9559, 4.5 and 5.1).
fn matroska(head: &[u8]) -> Option<u64> {
    let rest = head.strip_prefix(&[0x1a, 0x45, 0xdf, 0xa3])?;
    let (len, width) = vint(rest)?;
    let segment = 4 + width + usize::try_from(len?).ok()?;
    let rest = head
        .get(segment..)?
        .strip_prefix(&[0x18, 0x53, 0x80, 0x67])?;
    let (len, width) = vint(rest)?;
    Some((segment + 4 + width) as u64 + len?)
}

/// A number of variable length (RFC 8794, 4) and how many bytes it takes; all ones mean unknown.
pub(super) fn vint(bytes: &[u8]) -> Option<(Option<u64>, usize)> {
    let width = bytes.first()?.leading_zeros() as usize + 1;
    let number = bytes.get(..width.min(9))?;
    if width > 8 {
        return None;
    }
    let value = number.iter().fold(0, |n, b| n << 8 | u64::from(*b));
    let most = (1 << (7 * width)) - 1;
    let value = value & most;
    Some(((value != most).then_some(value), width))
}

/// The end of the first list of an AVI file. Longer files go on in further lists.
fn riff(head: &[u8]) -> Option<u64> {
    let size = head.strip_prefix(b"RIFF")?.get(..4)?.try_into().ok()?;
    let bytes = u64::from(u32::from_le_bytes(size)) + 8;
    // Programs that were stopped leave 0 or nonsense.
    (bytes > 64).then_some(bytes)
}

/// The length that the main header of an AVI file gives, in seconds; `avidemux` counts pictures where
/// the index was cut off.
pub(super) fn announced_s(source: &Source) -> Option<f64> {
    let head = source.read(0, 56)?;
    let number = |at: usize| {
        let bytes = head.get(at..at + 4)?.try_into().ok()?;
        Some(f64::from(u32::from_le_bytes(bytes)))
    };
    let known = head.starts_with(b"RIFF") && head.get(24..28) == Some(b"avih");
    known.then(|| {
        number(32)
            .zip(number(48))
            .map(|(us, pictures)| us * pictures / 1e6)
    })?
}

/// The size in the file properties of an ASF file (ASF specification, 3.2).
fn asf(source: &Source, head: &[u8]) -> Option<u64> {
    const HEADER: [u8; 16] = [
        0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11, 0xa6, 0xd9, 0, 0xaa, 0, 0x62, 0xce, 0x6c,
    ];
    const PROPERTIES: [u8; 16] = [
        0xa1, 0xdc, 0xab, 0x8c, 0x47, 0xa9, 0xcf, 0x11, 0x8e, 0xe4, 0, 0xc0, 0x0c, 0x20, 0x53, 0x65,
    ];
    head.strip_prefix(&HEADER)?;
    let start = source.read(0, source.bytes.min(64 * 1024))?;
    let at = start.windows(16).position(|w| w == PROPERTIES)?;
    let size = start.get(at + 40..at + 48)?.try_into().ok()?;
    Some(u64::from_le_bytes(size)).filter(|bytes| *bytes > 64)
}

/// The last tag of an FLV file is followed by its own size.
fn flash(source: &Source, head: &[u8]) -> Option<bool> {
    head.strip_prefix(b"FLV")?;
    let last = source.read(source.bytes.checked_sub(4)?, 4)?;
    let size = u64::from(u32_at(&last, 0)?);
    let tag = source.bytes.checked_sub(4 + size)?;
    let head = source.read(tag, 4)?;
    let data = u64::from(u32_at(&head, 0)? & 0x00ff_ffff);
    Some(size >= 11 && data + 11 == size && [8, 9, 18].contains(&(head[0] & 0x1f)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_variable_length() {
        assert_eq!(vint(&[0x81]), Some((Some(1), 1)));
        assert_eq!(vint(&[0x40, 0x02]), Some((Some(2), 2)));
        assert_eq!(vint(&[0xff]), Some((None, 1)));
        assert_eq!(
            vint(&[0x01, 255, 255, 255, 255, 255, 255, 255]),
            Some((None, 8))
        );
        assert_eq!(vint(&[0x00, 1]), None);
    }

    #[test]
    fn a_segment_ends_where_it_says() {
        let mut head = vec![0x1a, 0x45, 0xdf, 0xa3, 0x82, 0, 0];
        head.extend([0x18, 0x53, 0x80, 0x67, 0x40, 100]);
        assert_eq!(matroska(&head), Some(13 + 100));
    }
}
