//! Uncompressed sound in MP4 and MOV files, in the one form that the demuxer reads rightly.
//!
//! `qtdemux` of 1.22 takes each sound sample of a description of version 2 for one that is stored
//! alone, and knows neither little-endian floats nor the boxes of ISO/IEC 23003-5. All of them get
//! a description of the same version 2 (`QuickTime` File Format, "Sound Sample Description"), whose
//! format is then set behind the demuxer to what it really is.

use clipsy_domain::speaker::Speaker;

use super::boxes::{self, Body, Node, u16_at, u32_at, u64_at};
use super::chan;

/// How samples are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pcm {
    /// Name of the format in `GStreamer`, such as `S24LE`.
    pub(crate) format: &'static str,
    pub(crate) channels: u32,
    /// Samples per second.
    pub(crate) rate: u32,
}

/// A sample as the descriptions give it, flag by flag.
#[derive(Clone, Copy)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are flags of the format"
)]
struct Kind {
    bytes: u32,
    float: bool,
    big: bool,
    signed: bool,
    /// Bits that are used of a sample's 32.
    low_24: bool,
}

/// The form of the sound that a sample entry describes, and the entry to show in its place.
/// `None` if it is not uncompressed.
pub(super) fn look(entry: &Node) -> Option<(Pcm, Vec<Speaker>, Node)> {
    let Body::Data(data) = &entry.body else {
        return None;
    };
    let version = u16_at(data, 8)?;
    let (channels, bits) = (u32::from(u16_at(data, 16)?), u32::from(u16_at(data, 18)?));
    let rate = u32_at(data, 24)? >> 16;
    let (children, channels, rate) = match version {
        0 => (28, channels, rate),
        1 => (44, channels, rate),
        2 => (
            64,
            u32_at(data, 40)?,
            f64::from_bits(u64_at(data, 32)?) as u32,
        ),
        _ => return None,
    };
    let inner = data
        .get(children..)
        .and_then(boxes::parse)
        .unwrap_or_default();
    let kind = kind(entry.kind, data, version, bits, channels, &inner)?;
    let pcm = Pcm {
        format: name(kind)?,
        channels,
        rate,
    };
    let layout = inner.iter().find_map(|node| match &node.body {
        Body::Data(data) if node.kind == *b"chan" => chan::speakers(data, channels),
        _ => None,
    });
    (channels > 0 && channels <= 64 && (1_000..=768_000).contains(&rate)).then(|| {
        let shown = describe(&data[..8], kind, pcm);
        (pcm, layout.unwrap_or_default(), shown)
    })
}

fn kind(
    fourcc: [u8; 4],
    data: &[u8],
    version: u16,
    bits: u32,
    channels: u32,
    inner: &[Node],
) -> Option<Kind> {
    let plain = |bytes, float, big| Kind {
        bytes,
        float,
        big,
        signed: true,
        low_24: false,
    };
    let little = || {
        let find = |list: &[Node]| {
            list.iter().find_map(|node| match (&node.kind, &node.body) {
                (b"enda", Body::Data(data)) => u16_at(data, 0),
                _ => None,
            })
        };
        let wave = inner
            .iter()
            .find(|n| n.kind == *b"wave")
            .and_then(|n| match &n.body {
                Body::Data(data) => boxes::parse(data),
                Body::Boxes(_) => None,
            });
        find(inner)
            .or_else(|| find(&wave?))
            .is_some_and(|little| little != 0)
    };
    let integer = |big| plain(bits.div_ceil(8).clamp(1, 4), false, big);
    Some(match &fourcc {
        b"lpcm" if version == 2 => {
            const FLOAT: u32 = 1;
            const BIG: u32 = 2;
            const SIGNED: u32 = 4;
            const HIGH: u32 = 16;
            const PLANAR: u32 = 32;
            let (bits, flags, packet) = (u32_at(data, 48)?, u32_at(data, 52)?, u32_at(data, 56)?);
            if flags & PLANAR != 0 {
                return None;
            }
            let bytes = match packet.checked_div(channels)? {
                0 => bits.div_ceil(8),
                bytes => bytes,
            };
            Kind {
                bytes,
                float: flags & FLOAT != 0,
                big: flags & BIG != 0,
                signed: flags & SIGNED != 0 || bytes > 1,
                low_24: bytes == 4 && bits == 24 && flags & HIGH == 0,
            }
        }
        b"lpcm" | b"twos" => integer(true),
        b"sowt" | b"s16l" => integer(false),
        b"raw " | b"NONE" => Kind {
            signed: bits > 8,
            ..integer(true)
        },
        b"in24" => plain(3, false, !little()),
        b"in32" => plain(4, false, !little()),
        b"fl32" => plain(4, true, !little()),
        b"fl64" => plain(8, true, !little()),
        b"ipcm" | b"fpcm" => {
            let config = inner
                .iter()
                .find_map(|node| match (&node.kind, &node.body) {
                    (b"pcmC", Body::Data(data)) => Some(data.as_slice()),
                    _ => None,
                })?;
            let (flags, bits) = (*config.get(4)?, u32::from(*config.get(5)?));
            plain(bits.div_ceil(8), fourcc == *b"fpcm", flags & 1 == 0)
        }
        _ => return None,
    })
}

fn name(kind: Kind) -> Option<&'static str> {
    Some(match (kind.bytes, kind.float, kind.big) {
        (1, false, _) if kind.signed => "S8",
        (1, false, _) => "U8",
        (2, false, true) => "S16BE",
        (2, false, false) => "S16LE",
        (3, false, true) => "S24BE",
        (3, false, false) => "S24LE",
        (4, false, true) if kind.low_24 => "S24_32BE",
        (4, false, false) if kind.low_24 => "S24_32LE",
        (4, false, true) => "S32BE",
        (4, false, false) => "S32LE",
        (4, true, true) => "F32BE",
        (4, true, false) => "F32LE",
        (8, true, true) => "F64BE",
        (8, true, false) => "F64LE",
        _ => return None,
    })
}

/// A sample entry of version 2; `head` is the part of it that all entries share.
fn describe(head: &[u8], kind: Kind, pcm: Pcm) -> Node {
    let fourcc = match (kind.bytes, kind.float) {
        (1, _) => b"raw ",
        (2, _) => b"s16l",
        (3, _) => b"in24",
        (8, _) => b"fl64",
        (_, true) => b"fl32",
        (_, false) => b"in32",
    };
    let mut data = head.to_vec();
    data.extend([0, 2, 0, 0, 0, 0, 0, 0]);
    // Values that version 2 fixes, but for the compression, by which samples would be single ones.
    data.extend([0, 3, 0, 16, 0, 0, 0, 0, 0, 1, 0, 0]);
    data.extend(72u32.to_be_bytes());
    data.extend(f64::from(pcm.rate).to_be_bytes());
    data.extend(pcm.channels.to_be_bytes());
    data.extend(0x7f00_0000u32.to_be_bytes());
    data.extend((8 * kind.bytes).to_be_bytes());
    data.extend(0u32.to_be_bytes());
    // The demuxer counts bytes and channels here.
    data.extend(kind.bytes.to_be_bytes());
    data.extend(pcm.channels.to_be_bytes());
    Node::data(*fourcc, data)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(fourcc: &[u8; 4], channels: u16, bits: u16, inner: &[u8]) -> Node {
        let mut data = vec![0; 8];
        data.extend([0; 8]);
        data.extend(channels.to_be_bytes());
        data.extend(bits.to_be_bytes());
        data.extend([0; 4]);
        data.extend((48_000u32 << 16).to_be_bytes());
        data.extend(inner);
        Node::data(*fourcc, data)
    }

    fn format(node: &Node) -> Option<&'static str> {
        look(node).map(|(pcm, ..)| pcm.format)
    }

    #[test]
    fn old_descriptions_are_told_apart() {
        assert_eq!(format(&entry(b"sowt", 2, 16, &[])), Some("S16LE"));
        assert_eq!(format(&entry(b"twos", 2, 8, &[])), Some("S8"));
        assert_eq!(format(&entry(b"raw ", 1, 8, &[])), Some("U8"));
        assert_eq!(format(&entry(b"in24", 1, 16, &[])), Some("S24BE"));
        let wave = b"\0\0\0\x12wave\0\0\0\x0aenda\0\x01";
        assert_eq!(format(&entry(b"fl32", 2, 16, wave)), Some("F32LE"));
        assert_eq!(
            format(&entry(b"ipcm", 2, 24, b"\0\0\0\x0epcmC\0\0\0\0\x01\x18")),
            Some("S24LE")
        );
        assert_eq!(format(&entry(b"mp4a", 2, 16, &[])), None);
    }

    #[test]
    fn version_2_is_read_and_written() {
        let (pcm, _, shown) = look(&entry(b"fl64", 6, 16, &[])).unwrap();
        assert_eq!(
            pcm,
            Pcm {
                format: "F64BE",
                channels: 6,
                rate: 48_000
            }
        );
        assert_eq!(format(&shown), Some("F64BE"));
        let Body::Data(data) = &shown.body else {
            panic!("a sample entry is no container")
        };
        assert_eq!(data.len() + 8, 72);
        assert_eq!(&data[40..44], [0, 0, 0, 6]);
    }
}
