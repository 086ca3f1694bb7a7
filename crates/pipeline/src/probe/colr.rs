//! The range of colours as MP4 and `QuickTime` files tell it.
//!
//! `qtdemux` takes limited range for told where the file leaves it open, and up to 1.24 it looks for
//! full range in the wrong byte.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// Movie boxes beyond this size are not looked into, in bytes.
const LARGEST_MOVIE: u64 = 64 << 20;

/// True for full and false for limited range, by the id of each video track whose colour
/// information (ISO/IEC 14496-12, 12.1.5) has a range.
pub(super) fn ranges(path: &Path) -> Vec<(u32, bool)> {
    movie(path).map_or_else(Vec::new, |movie| {
        boxes(&movie)
            .filter(|(kind, _)| *kind == b"trak")
            .filter_map(|(_, track)| Some((track_id(track)?, full_range(track)?)))
            .collect()
    })
}

/// The content of the movie box of a file.
fn movie(path: &Path) -> Option<Vec<u8>> {
    let mut file = File::open(path).ok()?;
    loop {
        let mut header = [0; 8];
        file.read_exact(&mut header).ok()?;
        let (size, kind) = (number(&header[..4]), &header[4..]);
        let content = match size {
            1 => {
                let mut long = [0; 8];
                file.read_exact(&mut long).ok()?;
                u64::from_be_bytes(long).checked_sub(16)?
            }
            _ => u64::from(size).checked_sub(8)?,
        };
        if kind == b"moov" {
            let mut movie = Vec::new();
            let whole = content <= LARGEST_MOVIE;
            return (whole && file.take(content).read_to_end(&mut movie).is_ok()).then_some(movie);
        }
        file.seek(SeekFrom::Current(i64::try_from(content).ok()?))
            .ok()?;
    }
}

fn track_id(track: &[u8]) -> Option<u32> {
    let header = within(track, &[b"tkhd"])?;
    // Behind version and flags and the times of creation and change.
    let at = if *header.first()? == 0 { 12 } else { 20 };
    header.get(at..at + 4).map(number)
}

fn full_range(track: &[u8]) -> Option<bool> {
    let descriptions = within(track, &[b"mdia", b"minf", b"stbl", b"stsd"])?;
    let (_, entry) = boxes(descriptions.get(8..)?).next()?;
    // A visual sample entry has 78 bytes of its own, then boxes.
    let colour = within(entry.get(78..)?, &[b"colr"])?;
    match colour.get(..4)? {
        b"nclx" => colour.get(10).map(|flags| flags & 0x80 != 0),
        _ => None,
    }
}

/// The content of the first box at the end of `path`.
fn within<'a>(content: &'a [u8], path: &[&[u8; 4]]) -> Option<&'a [u8]> {
    path.iter().try_fold(content, |content, wanted| {
        boxes(content)
            .find(|(kind, _)| kind == wanted)
            .map(|(_, inner)| inner)
    })
}

/// Types and contents of the boxes in `content`, as far as they are whole.
fn boxes(content: &[u8]) -> impl Iterator<Item = (&[u8; 4], &[u8])> {
    let mut rest = content;
    std::iter::from_fn(move || {
        let size = number(rest.get(..4)?) as usize;
        let kind = rest.get(4..8)?.first_chunk()?;
        let inner = rest.get(8..size)?;
        rest = rest.get(size..)?;
        Some((kind, inner))
    })
}

/// A big-endian number of at most four bytes.
fn number(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |n, &byte| n << 8 | u32::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: [u8; 4], content: &[u8]) -> Vec<u8> {
        let size = (content.len() + 8) as u32;
        [&size.to_be_bytes()[..], &kind, content].concat()
    }

    fn track(id: u8, colour: &[u8]) -> Vec<u8> {
        let mut header = vec![0; 12];
        header.extend([0, 0, 0, id]);
        let mut entry = vec![0; 78];
        entry.extend(boxed(*b"pasp", &[0, 0, 0, 1, 0, 0, 0, 1]));
        entry.extend(boxed(*b"colr", colour));
        let mut descriptions = vec![0, 0, 0, 0, 0, 0, 0, 1];
        descriptions.extend(boxed(*b"avc1", &entry));
        let inner = [b"stsd", b"stbl", b"minf", b"mdia"]
            .into_iter()
            .fold(descriptions, |inner, kind| boxed(*kind, &inner));
        boxed(*b"trak", &[boxed(*b"tkhd", &header), inner].concat())
    }

    fn found(movie: &[u8]) -> Vec<(u32, bool)> {
        let file = tempfile::NamedTempFile::new().unwrap();
        let content = [boxed(*b"ftyp", b"isom"), boxed(*b"moov", movie)].concat();
        std::fs::write(file.path(), content).unwrap();
        ranges(file.path())
    }

    #[test]
    fn only_nclx_has_a_range() {
        let movie = [
            track(1, b"nclx\0\x01\0\x01\0\x01\x80"),
            track(2, b"nclx\0\x01\0\x01\0\x01\0"),
            track(3, b"nclc\0\x01\0\x01\0\x01"),
        ];
        assert_eq!(found(&movie.concat()), [(1, true), (2, false)]);
    }

    #[test]
    fn broken_files_do_no_harm() {
        let whole = track(1, b"nclx\0\x01\0\x01\0\x01\x80");
        for cut in 0..whole.len() {
            assert_eq!(found(&whole[..cut]), [], "{cut}");
        }
    }
}
