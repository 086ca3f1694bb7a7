//! Headers that are larger than any sane file has them, or have more tracks: such a file is refused
//! before a demuxer keeps all of it in memory.

use super::{MOST_HEADER_BYTES, Source, boxes, matroska, movie};

/// Bytes of compressed headers of a MOV file: they may be a thousand times as many.
const MOST_COMPRESSED: u64 = 256 * 1024;
/// What is looked at of an AVI file, whose headers come first.
const AVI_BYTES: u64 = 1 << 20;

/// Why `source` is beyond what is opened, if it is: more than `most` tracks, or too much header.
pub(super) fn broken(source: &Source, most: usize) -> Option<String> {
    let tracks = if let Some(large) = movie::largest_header(source) {
        if large.bytes > MOST_HEADER_BYTES {
            return Some(too_large(large.bytes, MOST_HEADER_BYTES));
        }
        let found = large.movie.map(|(start, len)| children(source, start, len));
        let found = found.unwrap_or_default();
        if let Some(bytes) = found.compressed.filter(|bytes| *bytes > MOST_COMPRESSED) {
            return Some(too_large(bytes, MOST_COMPRESSED));
        }
        found.tracks
    } else {
        matroska::count(source).or_else(|| avi(source))?
    };
    (tracks > most).then(|| format!("the file has {tracks} tracks; at most {most} are looked at"))
}

fn too_large(bytes: u64, most: u64) -> String {
    let mb = |bytes: u64| bytes as f64 / 1e6;
    format!(
        "the headers of the file have {:.1} MB, the limit is {:.1} MB",
        mb(bytes),
        mb(most)
    )
}

#[derive(Debug, Default)]
struct Children {
    tracks: usize,
    /// Bytes of compressed headers.
    compressed: Option<u64>,
}

/// What is in the movie box of so many bytes at `start`.
fn children(source: &Source, start: u64, len: u64) -> Children {
    let mut found = Children::default();
    let (mut at, end) = (start + 8, start.saturating_add(len));
    while at < end {
        let head = source.read(at, 16).or_else(|| source.read(at, 8));
        let Some((kind, _, size)) = head.as_deref().and_then(boxes::head) else {
            break;
        };
        match &kind {
            b"trak" => found.tracks += 1,
            b"cmov" => found.compressed = Some(size),
            _ => {}
        }
        if size == 0 {
            break;
        }
        at = at.saturating_add(size);
    }
    found
}

/// Lists of streams in the headers of an AVI file.
fn avi(source: &Source) -> Option<usize> {
    let start = source.read(0, source.bytes.min(AVI_BYTES))?;
    let is_avi = start.starts_with(b"RIFF") && start.get(8..12)? == b"AVI ";
    is_avi.then(|| start.windows(4).filter(|w| w == b"strl").count())
}
