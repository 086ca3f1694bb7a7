//! FLV files whose sound and picture lie far apart.
//!
//! `flvdemux` ignores a stream whose first data come after six seconds of the other, and takes one
//! that lies five seconds behind the other for a stream that begins anew, as the sparse pictures of
//! a screen recording do. Such a file is shown in the order of its times: each tag has its own.

use super::{Piece, Source};

const SOUND: u8 = 8;
const PICTURE: u8 = 9;
/// How far one stream may lie behind the other, in milliseconds; the demuxer takes a second more.
const BEHIND_MS: u32 = 2_000;
/// A stream whose time falls by more than this begins anew, as in the demuxer.
const ANEW_MS: u32 = 2_000;

/// A tag (Adobe Flash Video File Format, E.4.1).
#[derive(Debug, Clone, Copy)]
struct Tag {
    start: u64,
    /// With the size of the tag that follows each.
    len: u64,
    kind: u8,
    /// For one without data, the time of the data before it.
    time_ms: u32,
    has_data: bool,
}

/// The file with its tags in the order of their times; `None` if they lie close to each other.
pub(super) fn look(source: &Source) -> Option<Vec<Piece>> {
    let head = source.read(0, 9)?;
    head.strip_prefix(b"FLV")?;
    let begin = u64::from(super::boxes::u32_at(&head, 5)?) + 4;
    let mut tags = read_tags(source, begin);
    let end = tags.last().map(|tag| tag.start + tag.len)?;
    let is_far = sort(&mut tags);
    is_far.then(|| pieces(begin, &tags, end.min(source.bytes), source.bytes))
}

fn read_tags(source: &Source, begin: u64) -> Vec<Tag> {
    let number = |bytes: &[u8]| bytes.iter().fold(0, |n, b| n << 8 | u32::from(*b));
    let (mut tags, mut at) = (Vec::new(), begin);
    while let Some(tag) = source.read(at, 13) {
        let kind = tag[0] & 0x1f;
        let len = u64::from(number(&tag[1..4])) + 15;
        tags.push(Tag {
            start: at,
            len,
            kind,
            time_ms: number(&tag[4..7]) | u32::from(tag[7]) << 24,
            has_data: has_data(kind, [tag[11], tag[12]]),
        });
        at += len;
    }
    tags
}

/// Sorts `tags` by time within each run of one clock; the answer is whether any was far behind.
fn sort(tags: &mut [Tag]) -> bool {
    let (mut is_far, mut begin) = (false, 0);
    // The latest time of each stream, and of both.
    let mut latest = [0; 2];
    for at in 0..tags.len() {
        let tag = tags[at];
        let stream = usize::from(tag.kind == PICTURE);
        if tag.has_data {
            if tag.time_ms.saturating_add(ANEW_MS) <= latest[stream] {
                tags[begin..at].sort_by_key(|tag| tag.time_ms);
                begin = at;
                latest = [tag.time_ms; 2];
            }
            let other = latest[1 - stream];
            is_far |= tag.time_ms.saturating_add(BEHIND_MS) < other;
            latest[stream] = latest[stream].max(tag.time_ms);
        }
        // What a stream says without data holds from here on, and its own order stays.
        tags[at].time_ms = match tag.kind {
            SOUND | PICTURE => latest[stream],
            _ => latest[0].max(latest[1]),
        };
    }
    tags[begin..].sort_by_key(|tag| tag.time_ms);
    is_far
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

/// The head of the file, the tags, and what comes behind them; neighbours are one piece.
fn pieces(begin: u64, tags: &[Tag], end: u64, bytes: u64) -> Vec<Piece> {
    let parts = tags.iter().map(|tag| (tag.start, tag.start + tag.len));
    let mut runs = vec![(0, begin)];
    for (start, stop) in parts.chain([(end, bytes)]) {
        let stop = stop.min(bytes);
        match runs.last_mut() {
            Some((_, last)) if *last == start => *last = stop,
            _ => runs.push((start, stop)),
        }
    }
    let piece = |(start, stop): (u64, u64)| Piece::File {
        start,
        len: stop.saturating_sub(start),
    };
    runs.into_iter().map(piece).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(kind: u8, time_ms: u32) -> Tag {
        Tag {
            start: 0,
            len: 20,
            kind,
            time_ms,
            has_data: true,
        }
    }

    fn times(tags: &[Tag]) -> Vec<(u8, u32)> {
        tags.iter().map(|tag| (tag.kind, tag.time_ms)).collect()
    }

    #[test]
    fn tags_far_behind_are_sorted() {
        let mut tags = [tag(8, 0), tag(8, 9_000), tag(9, 0), tag(9, 7_000)];
        assert!(sort(&mut tags));
        assert_eq!(times(&tags), [(8, 0), (9, 0), (9, 7_000), (8, 9_000)]);
    }

    #[test]
    fn a_clock_that_begins_anew_is_not_mixed_with_the_one_before() {
        let mut tags = [tag(8, 0), tag(9, 0), tag(8, 60_000), tag(9, 60_000)];
        let again = [tag(8, 0), tag(9, 0)];
        let mut both = [tags.as_slice(), &again].concat();
        assert!(!sort(&mut tags));
        assert!(!sort(&mut both));
        assert_eq!(times(&both)[4..], [(8, 0), (9, 0)]);
    }

    #[test]
    fn tags_close_to_each_other_are_one_piece() {
        let mut tags = [tag(8, 0), tag(9, 0)];
        tags[0].start = 13;
        tags[1].start = 33;
        assert_eq!(pieces(13, &tags, 53, 60).len(), 1);
    }
}
