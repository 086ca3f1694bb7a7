//! Keeps `qtdemux` from ending streams with an edit list too early.
//!
//! `GStreamer` 1.22 compares the length of the movie, which begins where the edit list begins, with
//! positions that count from the start of the media. A file cut out of a longer one without
//! encoding it again (`ffmpeg -ss … -c copy`, trimmed phone video) loses as much at its end as its
//! edit list skips at its beginning. The length in the movie header (ISO/IEC 14496-12, 8.2.2) is
//! used for nothing else here, so it is made longer on its way from the file to the demuxer; each
//! track still ends with its own edit list.

use gstreamer as gst;
use gstreamer::prelude::*;

use super::element;
use crate::Error;

/// Where the headers of the movie box and of its first child, the movie header, can be seen.
const MOVIE_TYPE: std::ops::Range<usize> = 4..8;

/// Makes the length in the movie header longer in everything that is read from `file`.
pub(crate) fn lengthen(file: &gst::Element) -> Result<(), Error> {
    let kinds = gst::PadProbeType::PULL | gst::PadProbeType::BUFFER;
    element::pad(file, "src")?.add_probe(kinds, |_, info| {
        if let Some(gst::PadProbeData::Buffer(buffer)) = &mut info.data {
            let is_movie = buffer
                .map_readable()
                .is_ok_and(|map| map.get(MOVIE_TYPE) == Some(b"moov"));
            if is_movie && let Ok(mut map) = buffer.make_mut().map_writable() {
                lengthen_movie(&mut map);
            }
        }
        gst::PadProbeReturn::Ok
    });
    Ok(())
}

/// Doubles the length in the movie header of `movie`, a whole movie box or the beginning of one.
/// A length of zero or of all ones means that it is not known, and stays.
fn lengthen_movie(movie: &mut [u8]) {
    let mut at = MOVIE_TYPE.end;
    while let Some(header) = movie.get(at..at + 8) {
        let size = number(&header[..4]) as usize;
        if &header[4..] == b"mvhd" {
            // Version and flags, then the times of creation and change and the scale.
            let length = match movie.get(at + 8) {
                Some(0) => at + 24..at + 28,
                Some(1) => at + 32..at + 40,
                _ => return,
            };
            if let Some(field) = movie.get_mut(length) {
                lengthen_field(field);
            }
            return;
        }
        if size < 8 {
            return;
        }
        at += size;
    }
}

fn lengthen_field(field: &mut [u8]) {
    let unknown = u64::MAX >> (64 - 8 * field.len());
    let length = number(field);
    if length == 0 || length == unknown {
        return;
    }
    // One bit is left, for readers that take it for a signed number.
    let longer = length.saturating_mul(2).min((unknown >> 1) - 1).max(length);
    let bytes = longer.to_be_bytes();
    field.copy_from_slice(&bytes[8 - field.len()..]);
}

/// A big-endian number of at most eight bytes.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |n, &byte| n << 8 | u64::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn movie(version: u8, length: &[u8]) -> Vec<u8> {
        let mut header = vec![0, 0, 0, 0];
        header.extend(b"mvhd");
        header.extend([version, 0, 0, 0]);
        header.extend(vec![9; if version == 0 { 12 } else { 20 }]);
        header.extend(length);
        let size = header.len() as u8;
        header[3] = size;
        let mut movie = vec![0, 0, 1, 0];
        movie.extend(b"moov");
        movie.extend([0, 0, 0, 12]);
        movie.extend(b"free____");
        movie.extend(header);
        movie
    }

    fn lengthened(version: u8, length: &[u8]) -> Vec<u8> {
        let mut movie = movie(version, length);
        lengthen_movie(&mut movie);
        movie.split_off(movie.len() - length.len())
    }

    #[test]
    fn both_versions_are_doubled() {
        assert_eq!(lengthened(0, &[0, 0, 1, 200]), [0, 0, 3, 144]);
        assert_eq!(
            lengthened(1, &[0, 0, 0, 0, 0, 0, 1, 200]),
            [0, 0, 0, 0, 0, 0, 3, 144]
        );
    }

    #[test]
    fn unknown_lengths_stay_and_long_ones_do_not_overflow() {
        for length in [[0; 4], [255; 4]] {
            assert_eq!(lengthened(0, &length), length);
        }
        assert_eq!(lengthened(0, &[0x7f, 0, 0, 0]), [0x7f, 255, 255, 254]);
        assert_eq!(lengthened(0, &[0xf0, 0, 0, 0]), [0xf0, 0, 0, 0]);
    }

    #[test]
    fn broken_boxes_do_no_harm() {
        for cut in 0..movie(1, &[1; 8]).len() {
            let mut whole = movie(1, &[1; 8]);
            whole.truncate(cut);
            lengthen_movie(&mut whole);
        }
        let mut endless = b"\0\0\0\x10moov\0\0\0\0free".to_vec();
        lengthen_movie(&mut endless);
    }
}
