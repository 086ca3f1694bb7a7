//! What the track headers of Matroska and `WebM` say and `matroskademux` does not pass on
//! (RFC 9559, 5.1.4).

use std::collections::HashMap;

use clipsy_domain::media::Orientation;
use gstreamer as gst;

use super::{Source, Track, turned};

/// Track headers lie in front of the media, within this many bytes.
const MOST_BYTES: u64 = 4 * 1024 * 1024;

const HEADER: u32 = 0x1a45_dfa3;
const SEGMENT: u32 = 0x1853_8067;
const CLUSTER: u32 = 0x1f43_b675;
const TRACKS: u32 = 0x1654_ae6b;
const ENTRY: u32 = 0xae;
const NUMBER: u32 = 0xd7;
const ENABLED: u32 = 0xb9;
const VISUAL_IMPAIRED: u32 = 0x55ac;
const COMMENTARY: u32 = 0x55af;
const CODEC: u32 = 0x86;
const CODEC_DELAY: u32 = 0x56aa;
const VIDEO: u32 = 0xe0;
const PROJECTION: u32 = 0x7670;
const PROJECTION_TYPE: u32 = 0x7671;
const YAW: u32 = 0x7673;
const PITCH: u32 = 0x7674;
const ROLL: u32 = 0x7675;
const ENCODINGS: u32 = 0x6d80;
const ENCODING: u32 = 0x6240;
const ENCRYPTION: u32 = 0x5035;
const ADDITION: u32 = 0x41e4;
const ADDITION_TYPE: u32 = 0x41e7;
const ADDITION_DATA: u32 = 0x41ed;

/// The number of tracks in the headers; `None` if this is no such file.
pub(super) fn count(source: &Source) -> Option<usize> {
    let start = source.read(0, source.bytes.min(MOST_BYTES))?;
    Some(entries(&start)?.count())
}

/// The tracks by their number; `None` if this is no such file.
pub(super) fn look(source: &Source) -> Option<HashMap<u32, Track>> {
    let start = source.read(0, source.bytes.min(MOST_BYTES))?;
    Some(entries(&start)?.filter_map(track).collect())
}

/// The headers of the tracks in the beginning of a file.
fn entries(start: &[u8]) -> Option<impl Iterator<Item = &[u8]>> {
    let mut outer = Elements(start);
    outer.next().filter(|(id, _)| *id == HEADER)?;
    let (_, segment) = outer.find(|(id, _)| *id == SEGMENT)?;
    let (_, tracks) = Elements(segment)
        .take_while(|(id, _)| *id != CLUSTER)
        .find(|(id, _)| *id == TRACKS)?;
    let entries = Elements(tracks).filter(|(id, _)| *id == ENTRY);
    Some(entries.map(|(_, entry)| entry))
}

fn track(entry: &[u8]) -> Option<(u32, Track)> {
    let number = u32::try_from(unsigned(child(entry, NUMBER)?)).ok()?;
    let flag = |id| child(entry, id).map(unsigned);
    let encodings = child(entry, ENCODINGS).unwrap_or_default();
    let encrypted = Elements(encodings)
        .filter(|(id, _)| *id == ENCODING)
        .any(|(_, encoding)| child(encoding, ENCRYPTION).is_some());
    let additions = Elements(entry).filter(|(id, _)| *id == ADDITION);
    let dolby_vision = additions.into_iter().find_map(|(_, addition)| {
        let kind = unsigned(child(addition, ADDITION_TYPE)?).to_be_bytes();
        let is_dolby = kind.ends_with(b"dvcC") || kind.ends_with(b"dvvC");
        super::dolby_vision(child(addition, ADDITION_DATA).filter(|_| is_dolby)?)
    });
    let track = Track {
        encrypted,
        dolby_vision,
        delay: delay(entry),
        orientation: orientation(entry),
        disabled: flag(ENABLED) == Some(0),
        commentary: flag(COMMENTARY) == Some(1) || flag(VISUAL_IMPAIRED) == Some(1),
        ..Track::default()
    };
    Some((number, track))
}

/// What the encoder put in front of the sound. The demuxer takes it off for Opus alone.
fn delay(entry: &[u8]) -> Option<gst::ClockTime> {
    /// No encoder needs more; it would be a mistake.
    const MOST: gst::ClockTime = gst::ClockTime::SECOND;
    let is_known = child(entry, CODEC)?.starts_with(b"A_OPUS");
    let nanoseconds = unsigned(child(entry, CODEC_DELAY).filter(|_| !is_known)?);
    let delay = gst::ClockTime::from_nseconds(nanoseconds.min(MOST.nseconds()));
    (delay < MOST && !delay.is_zero()).then_some(delay)
}

/// How a track's pictures are turned, if they are flat.
fn orientation(entry: &[u8]) -> Option<Orientation> {
    let projection = child(child(entry, VIDEO)?, PROJECTION)?;
    if child(projection, PROJECTION_TYPE).map_or(0, unsigned) != 0 {
        return None;
    }
    let angle = |id| child(projection, id).and_then(float).unwrap_or(0.0);
    turned::of_projection(angle(YAW), angle(PITCH), angle(ROLL))
}

/// A number of four or eight bytes (RFC 8794, 7.3).
fn float(content: &[u8]) -> Option<f64> {
    match content.len() {
        4 => Some(f32::from_be_bytes(content.try_into().ok()?).into()),
        8 => Some(f64::from_be_bytes(content.try_into().ok()?)),
        _ => None,
    }
}

/// The content of the first child with this id.
fn child(element: &[u8], id: u32) -> Option<&[u8]> {
    Elements(element)
        .find(|(other, _)| *other == id)
        .map(|(_, content)| content)
}

fn unsigned(content: &[u8]) -> u64 {
    content.iter().fold(0, |n, b| n << 8 | u64::from(*b))
}

/// The elements in some bytes, as id and content; one that is cut off or has no size goes on to
/// their end (RFC 8794).
struct Elements<'a>(&'a [u8]);

impl<'a> Iterator for Elements<'a> {
    type Item = (u32, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let width = self.0.first()?.leading_zeros() as usize + 1;
        let id = u32::try_from(unsigned(self.0.get(..width).filter(|_| width <= 4)?)).ok()?;
        let rest = &self.0[width..];
        let (size, width) = super::size::vint(rest)?;
        let rest = &rest[width..];
        let size = size
            .and_then(|s| usize::try_from(s).ok())
            .unwrap_or(usize::MAX);
        let (content, after) = rest.split_at(size.min(rest.len()));
        self.0 = after;
        Some((id, content))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_track_tells_its_flags() {
        let entry = [
            &[0xd7, 0x81, 2, 0xb9, 0x81, 0, 0x55, 0xaf, 0x81, 1][..],
            &[0x6d, 0x80, 0x86, 0x62, 0x40, 0x83, 0x50, 0x35, 0x80],
        ]
        .concat();
        let (number, track) = track(&entry).unwrap();
        assert_eq!(number, 2);
        assert!(track.encrypted && track.disabled && track.commentary);
    }

    #[test]
    fn delays_of_all_but_opus_are_told() {
        let entry = |codec: &[u8; 6]| {
            let codec = [&[0x86, 0x86][..], codec].concat();
            [&[0xd7, 0x81, 1, 0x56, 0xaa, 0x83, 1, 0, 0][..], &codec].concat()
        };
        let delay = |codec| track(&entry(codec)).unwrap().1.delay;
        assert_eq!(delay(b"A_AAC0"), Some(gst::ClockTime::from_nseconds(65536)));
        assert_eq!(delay(b"A_OPUS"), None);
    }

    #[test]
    fn a_track_tells_how_its_pictures_are_turned() {
        let roll = (-90f32).to_be_bytes();
        let projection = [&[0x76, 0x71, 0x81, 0, 0x76, 0x75, 0x84][..], &roll].concat();
        let video = [&[0x76, 0x70, 0x8b][..], &projection].concat();
        let entry = [&[0xd7, 0x81, 1, 0xe0, 0x8e][..], &video].concat();
        let quarter = Orientation {
            degrees: 90,
            mirrored: false,
        };
        assert_eq!(track(&entry).unwrap().1.orientation, Some(quarter));
        assert_eq!(track(&entry[..3]).unwrap().1.orientation, None);
    }

    #[test]
    fn what_is_cut_off_ends_with_the_bytes() {
        let found: Vec<_> = Elements(&[0xae, 0x88, 1, 2]).collect();
        assert_eq!(found, [(0xae, &[1u8, 2][..])]);
        assert_eq!(Elements(&[0x00, 0x81]).count(), 0);
    }
}
