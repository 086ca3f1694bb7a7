//! What the tables of transport streams say and `tsdemux` does not: Dolby Vision, sound that describes the
//! picture to those who do not see it, and sound whose type it does not know: DTS as cameras and discs number it, and what ffmpeg calls private data in files for
//! discs. The tables name another type then, which is that of the first bytes of the sound.

use std::collections::{HashMap, HashSet};

use super::ts::{payload, pid};

/// Types of streams (ISO/IEC 13818-1, table 2-34, and those that are in use beside it).
const MPEG: u8 = 0x03;
const PRIVATE: u8 = 0x06;
const AAC: u8 = 0x0f;
const AC3: u8 = 0x81;
/// DTS for most programs; the demuxer knows it by [`DTS`] only.
const DTS_OF_DISCS: u8 = 0x82;
const DTS: u8 = 0x8a;

/// The descriptor of Dolby Vision ("Dolby Vision Streams Within the MPEG-2 Transport Stream Format", 3.1).
const DOLBY_VISION: u8 = 0xb0;

const LANGUAGE: u8 = 0x0a;

/// Descriptors that say nothing of what a stream is: language, bitrate, alignment, and a number.
const SAY_NOTHING: [u8; 4] = [LANGUAGE, 0x0e, 0x06, 0x52];

/// Types that are told otherwise, and what is told besides.
#[derive(Debug, Clone, Default)]
pub(super) struct Programs {
    /// Streams that carry a table.
    tables: HashSet<u16>,
    /// The type of a stream instead of the one that its table names.
    types: HashMap<u16, u8>,
    /// Dolby Vision by stream: profile and compatibility of the base layer.
    pub(super) dolby_vision: HashMap<u16, (u8, u8)>,
    /// Streams of sound that describe the picture.
    pub(super) describing: HashSet<u16>,
}

impl Programs {
    /// Looks at the first packets of a file.
    pub(super) fn look<'a>(packets: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut found = Self::default();
        let mut unclear = HashSet::new();
        for packet in packets {
            let stream = pid(packet);
            if stream == 0 {
                found.tables.extend(tables(packet));
            } else if found.tables.contains(&stream) {
                for entry in streams(packet) {
                    let dolby = descriptors(entry.descriptors(packet)).find_map(dolby_vision);
                    found.dolby_vision.extend(dolby.map(|d| (entry.stream, d)));
                    if descriptors(entry.descriptors(packet)).any(describes) {
                        found.describing.insert(entry.stream);
                    }
                    if entry.is_unclear(packet) {
                        unclear.insert(entry.stream);
                    }
                }
            } else if unclear.contains(&stream)
                && let Some(kind) = first_bytes(packet).and_then(sound)
            {
                found.types.entry(stream).or_insert(kind);
            }
        }
        found
    }

    pub(super) fn is_empty(&self) -> bool {
        self.types.is_empty()
    }

    /// Changes the types in `packet` if it has a table.
    pub(super) fn mend(&self, packet: &mut [u8]) {
        if self.types.is_empty() || !self.tables.contains(&pid(packet)) {
            return;
        }
        for entry in streams(packet) {
            if let Some(kind) = self.types.get(&entry.stream) {
                packet[entry.at] = *kind;
            }
        }
        if let Some((start, end)) = section(packet, 2) {
            let sum = crc(&packet[start..end - 4]);
            packet[end - 4..end].copy_from_slice(&sum.to_be_bytes());
        }
    }
}

/// A stream in the table of a program (2.4.4.8).
struct Entry {
    /// Where its type lies in the packet.
    at: usize,
    kind: u8,
    stream: u16,
    descriptor_bytes: usize,
}

impl Entry {
    /// True if nothing in `packet` tells what the stream is.
    fn is_unclear(&self, packet: &[u8]) -> bool {
        let mut descriptors = descriptors(self.descriptors(packet));
        self.kind == DTS_OF_DISCS
            || (self.kind == PRIVATE && descriptors.all(|(tag, _)| SAY_NOTHING.contains(&tag)))
    }

    fn descriptors<'a>(&self, packet: &'a [u8]) -> &'a [u8] {
        let start = self.at + 5;
        packet
            .get(start..start + self.descriptor_bytes)
            .unwrap_or_default()
    }
}

/// Begin and end of the section of kind `table` that is whole in `packet` (2.4.4).
fn section(packet: &[u8], table: u8) -> Option<(usize, usize)> {
    let begin = payload(packet)?;
    let start = begin + 1 + usize::from(*packet.get(begin)?);
    let head = packet.get(start..start + 3)?;
    let end = start + 3 + twelve(head, 1);
    (head[0] == table && end <= packet.len() && end >= start + 12).then_some((start, end))
}

/// The streams that carry tables of programs (2.4.4.3).
fn tables(packet: &[u8]) -> Vec<u16> {
    let Some((start, end)) = section(packet, 0) else {
        return Vec::new();
    };
    let programs = packet[start + 8..end - 4].chunks_exact(4);
    programs
        .filter(|p| p[..2] != [0, 0])
        .map(|p| u16::from_be_bytes([p[2] & 0x1f, p[3]]))
        .collect()
}

fn streams(packet: &[u8]) -> Vec<Entry> {
    let Some((start, end)) = section(packet, 2) else {
        return Vec::new();
    };
    let mut entries = Vec::new();
    let mut at = start + 12 + twelve(packet, start + 10);
    while at + 5 <= end - 4 {
        let descriptors = twelve(packet, at + 3);
        entries.push(Entry {
            at,
            kind: packet[at],
            stream: u16::from_be_bytes([packet[at + 1] & 0x1f, packet[at + 2]]),
            descriptor_bytes: descriptors,
        });
        at += 5 + descriptors;
    }
    entries
}

/// Each descriptor in `bytes`: its tag and content (2.6).
fn descriptors(mut bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let content = bytes.get(2..2 + usize::from(*bytes.get(1)?))?;
        let tag = *bytes.first()?;
        bytes = &bytes[2 + content.len()..];
        Some((tag, content))
    })
}

/// True of the descriptor of a language that is spoken for those who do not see (2.6.18).
fn describes((tag, content): (u8, &[u8])) -> bool {
    const VISUAL_IMPAIRED: u8 = 3;
    let mut languages = content.chunks_exact(4);
    tag == LANGUAGE && languages.any(|language| language[3] == VISUAL_IMPAIRED)
}

/// Profile and compatibility. What only adds to a base layer in another stream is no picture by itself.
fn dolby_vision((tag, content): (u8, &[u8])) -> Option<(u8, u8)> {
    let has_base = content.get(3)? & 1 == 1;
    (tag == DOLBY_VISION && has_base)
        .then(|| super::dolby_vision(content))
        .flatten()
}

fn twelve(bytes: &[u8], at: usize) -> usize {
    let low = |i: usize| usize::from(bytes.get(i).copied().unwrap_or(0));
    (low(at) & 0x0f) << 8 | low(at + 1)
}

/// What the PES packet that begins in `packet` holds (2.4.3.6).
fn first_bytes(packet: &[u8]) -> Option<&[u8]> {
    let rest = packet.get(payload(packet)?..)?;
    let rest = rest.strip_prefix(&[0, 0, 1])?;
    rest.get(6 + usize::from(*rest.get(5)?)..)
}

/// The type of the sound that begins so.
fn sound(bytes: &[u8]) -> Option<u8> {
    match bytes {
        [0x7f, 0xfe, 0x80, 0x01, ..] => Some(DTS),
        [0x0b, 0x77, ..] => Some(AC3),
        // The layer is 0 in AAC and never in MPEG audio.
        [0xff, second, ..] if second & 0xf6 == 0xf0 => Some(AAC),
        [0xff, second, ..] if second & 0xe0 == 0xe0 && second & 0x06 != 0 => Some(MPEG),
        _ => None,
    }
}

/// The check sum of a section (2.4.4, annex A).
fn crc(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 24, |crc, _| {
            let next = crc << 1;
            if crc >> 31 == 1 {
                next ^ 0x04c1_1db7
            } else {
                next
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::ts::PACKET;
    use super::*;

    fn packet(stream: u16, rest: &[u8]) -> [u8; PACKET] {
        let mut packet = [0xff; PACKET];
        let [high, low] = stream.to_be_bytes();
        packet[..4].copy_from_slice(&[0x47, 0x40 | high, low, 0x10]);
        packet[4..4 + rest.len()].copy_from_slice(rest);
        packet
    }

    fn table(kind: u8, body: &[u8]) -> Vec<u8> {
        let mut section = vec![kind, 0xb0, (body.len() + 9) as u8, 0, 1, 0xc1, 0, 0];
        section.extend(body);
        section.extend(crc(&section).to_be_bytes());
        [&[0], section.as_slice()].concat()
    }

    #[test]
    fn sound_for_those_who_do_not_see_is_known() {
        let list = packet(0, &table(0, &[0, 1, 0xe1, 0]));
        let language = |kind| [LANGUAGE, 4, b'e', b'n', b'g', kind];
        let mut streams = vec![0xe2, 0, 0xf0, 0];
        for (stream, kind) in [(1, 0), (2, 3)] {
            streams.extend([AAC, 0xe2, stream, 0xf0, 6]);
            streams.extend(language(kind));
        }
        let packets = [list, packet(0x100, &table(2, &streams))];
        let found = Programs::look(packets.iter().map(<[u8; PACKET]>::as_slice));
        assert_eq!(found.describing, HashSet::from([0x202]));
    }

    #[test]
    fn sound_is_told_by_its_first_bytes_and_the_sum_fits() {
        let list = packet(0, &table(0, &[0, 1, 0xe1, 0]));
        let mut streams = vec![0xe2, 0, 0xf0, 0];
        for (kind, stream) in [(0x1b, 0), (DTS_OF_DISCS, 1), (PRIVATE, 2), (PRIVATE, 3)] {
            streams.extend([kind, 0xe2, stream, 0xf0, 0]);
        }
        let programs = packet(0x100, &table(2, &streams));
        let pes = |stream, data: &[u8]| {
            packet(stream, &[&[0, 0, 1, 0xc0, 0, 0, 0x80, 0, 0], data].concat())
        };
        let packets = [
            list,
            programs,
            pes(0x201, &[0x7f, 0xfe, 0x80, 0x01]),
            pes(0x202, &[0xff, 0xf1, 0x50]),
            pes(0x203, b"text"),
        ];
        let found = Programs::look(packets.iter().map(<[u8; PACKET]>::as_slice));
        let mut mended = programs;
        found.mend(&mut mended);
        let kinds: Vec<u8> = super::streams(&mended).iter().map(|e| e.kind).collect();
        assert_eq!(kinds, [0x1b, DTS, AAC, PRIVATE]);
        let (start, end) = section(&mended, 2).unwrap();
        assert_eq!(crc(&mended[start..end]), 0);
    }
}
