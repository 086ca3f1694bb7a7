//! FLV files whose sound and picture lie far apart.
//!
//! `flvdemux` settles which streams there are once one of them has gone on for six seconds alone, and
//! ignores the other from then on. The first tag with data of the other is moved forward; each tag
//! has its own time, so nothing else changes.

use super::{Piece, Source};

const SOUND: u8 = 8;
const PICTURE: u8 = 9;
/// How long one stream may go on alone, in milliseconds; the demuxer waits a second longer.
const ALONE_MS: u32 = 5_000;
/// How many tags are looked at.
const MOST_TAGS: usize = 200_000;

/// A tag with data (Adobe Flash Video File Format, E.4.1).
#[derive(Debug, Clone, Copy)]
struct Tag {
    start: u64,
    /// With the size of the tag that follows each.
    len: u64,
    time_ms: u32,
}

/// The file with its two streams close to each other; `None` if they are.
pub(super) fn look(source: &Source) -> Option<Vec<Piece>> {
    let head = source.read(0, 9)?;
    head.strip_prefix(b"FLV")?;
    let mut at = u64::from(super::boxes::u32_at(&head, 5)?) + 4;
    let (mut first, mut latest_ms) = ([None::<Tag>; 2], 0);
    for _ in 0..MOST_TAGS {
        let tag = source.read(at, 13)?;
        let number = |bytes: &[u8]| bytes.iter().fold(0, |n, b| n << 8 | u32::from(*b));
        let found = Tag {
            start: at,
            len: u64::from(number(&tag[1..4])) + 15,
            time_ms: number(&tag[4..7]) | u32::from(tag[7]) << 24,
        };
        let kind = tag[0] & 0x1f;
        at += found.len;
        if !has_data(kind, [tag[11], tag[12]]) {
            continue;
        }
        first[usize::from(kind == PICTURE)].get_or_insert(found);
        let [Some(a), Some(b)] = first else {
            latest_ms = found.time_ms;
            continue;
        };
        let (early, late) = if a.start < b.start { (a, b) } else { (b, a) };
        let alone_ms = latest_ms.saturating_sub(early.time_ms);
        return (alone_ms > ALONE_MS).then(|| moved(source, early.start, late));
    }
    None
}

/// True if a tag holds sound or a picture and not what a decoder needs before them.
fn has_data(kind: u8, [form, step]: [u8; 2]) -> bool {
    const AAC: u8 = 10;
    const AVC: u8 = 7;
    const HEVC: u8 = 12;
    match kind {
        SOUND => form >> 4 != AAC || step == 1,
        PICTURE => ![AVC, HEVC].contains(&(form & 15)) || step == 1,
        _ => false,
    }
}

fn moved(source: &Source, to: u64, tag: Tag) -> Vec<Piece> {
    let end = (tag.start + tag.len).min(source.bytes);
    let part = |start: u64, end: u64| Piece::File {
        start,
        len: end - start,
    };
    vec![
        part(0, to),
        part(tag.start, end),
        part(to, tag.start),
        part(end, source.bytes),
    ]
}
