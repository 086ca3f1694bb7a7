//! The movie box of an MP4 or MOV file, read and mended.
//!
//! The demuxer sees the file as it is, but with the old movie box marked as free space and a new
//! one behind the last byte, so that no offset into the file changes.

use clipsy_domain::media::Orientation;

use super::boxes::{self, Body, Node, u16_at, u32_at};
use super::edits::{self, Edits, Scale};
use super::{Front, Piece, Range, Source, Track, fragments, joined, pcm, tables, turned};

/// Reads the movie box of `source`; `None` if there is none that can be read.
pub(super) fn look(source: &Source) -> Option<Front> {
    let found = find(source)?;
    let bytes = source.read(found.start, found.len)?;
    let mut moov = boxes::parse(&bytes)?.into_iter().next()?;
    moov.boxes_mut()?;
    let mvhd = moov.content(&[b"mvhd"])?.to_vec();
    let movie_scale = u32_at(&mvhd, if mvhd[0] == 1 { 20 } else { 12 })?;
    if movie_scale == 0 {
        return None;
    }
    let fragments = moov
        .find(&[b"mvex"])
        .is_some()
        .then(|| fragments::read(source, &moov));

    let mut front = Front::default();
    let mut cut = fragments.as_ref().is_some_and(|f| f.cut);
    for trak in moov.boxes_mut()?.iter_mut().filter(|n| n.kind == *b"trak") {
        let Some(id) = number(trak) else {
            continue;
        };
        let in_fragments = fragments.as_ref().and_then(|f| f.tracks.get(&id)).copied();
        cut |= tables::end_of_data(trak).is_some_and(|end| end > source.bytes);
        if let Some(mut track) = mend(trak, movie_scale, in_fragments, &mut front.edited_rate) {
            track.orientation = orientation(trak, &mvhd);
            front.tracks.insert(id, track);
        }
    }
    front.complete = Some(!cut);
    let lengths = front.tracks.values().filter_map(|t| t.duration_s);
    front.duration_s = lengths.reduce(f64::max).filter(|s| *s > 0.0);
    if fragments.is_none() {
        // The demuxer leaves out tracks that are much shorter than the movie, and ends all of
        // them there, at a wrong place if an edit list skips their beginning.
        moov.replace(&[b"mvhd"], wide(&mvhd, UNKNOWN)?);
    }
    let patches = fragments.map(|f| f.patches).unwrap_or_default();
    front.pieces = Some(found.replaced(source, &moov, patches)?.into());
    Some(front)
}

/// The largest of the boxes that demuxers keep in memory, and where the movie box lies.
pub(super) struct Headers {
    pub(super) bytes: u64,
    pub(super) movie: Option<(u64, u64)>,
}

/// Looks at the boxes of `source` from the first to the last; `None` if it has none.
pub(super) fn largest_header(source: &Source) -> Option<Headers> {
    let mut headers = Headers {
        bytes: 0,
        movie: None,
    };
    let mut at = 0;
    for _ in 0..MOST_BOXES {
        let Some(head) = source.read(at, 16).or_else(|| source.read(at, 8)) else {
            break;
        };
        let (kind, _, size) = boxes::head(&head)?;
        if at == 0 && !FIRST.contains(&&kind) {
            return None;
        }
        let left = source.bytes - at;
        let len = if size == 0 { left } else { size };
        if !MEDIA.contains(&&kind) {
            headers.bytes = headers.bytes.max(len.min(left));
        }
        if kind == *b"moov" && headers.movie.is_none() {
            headers.movie = Some((at, len.min(left)));
        }
        at = at.checked_add(len)?;
    }
    Some(headers)
}

/// Boxes that are looked at: two hours of fragments of a second have a tenth.
const MOST_BOXES: usize = 100_000;
/// The first box tells whether this is such a file at all.
const FIRST: [&[u8; 4]; 9] = [
    b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"uuid",
];
/// Boxes of any size, which demuxers do not keep.
const MEDIA: [&[u8; 4]; 4] = [b"mdat", b"free", b"skip", b"wide"];

/// Where the movie box lies.
struct Found {
    start: u64,
    len: u64,
    /// The header of a last box that has no size of its own or one beyond the end of the file: where
    /// it lies and how many bytes of size it has.
    open_end: Option<(u64, usize)>,
}

fn find(source: &Source) -> Option<Found> {
    let (mut at, mut movie, mut open_end) = (0, None, None);
    for _ in 0..MOST_BOXES {
        let Some(head) = source.read(at, 16).or_else(|| source.read(at, 8)) else {
            break;
        };
        let (kind, header, size) = boxes::head(&head)?;
        if at == 0 && !FIRST.contains(&&kind) {
            return None;
        }
        let left = source.bytes - at;
        let len = if size == 0 { left } else { size };
        if size == 0 || len > left {
            open_end = Some((at, if header == 16 { 8 } else { 4 }));
        }
        if kind == *b"moov" && movie.is_none() {
            movie = Some((at, len));
        }
        at = at.checked_add(len)?;
    }
    let (start, len) = movie?;
    Some(Found {
        start,
        len,
        open_end,
    })
}

impl Found {
    /// The file with `moov` in the place of its movie box and other bytes where `patches` say.
    fn replaced(
        &self,
        source: &Source,
        moov: &Node,
        mut patches: Vec<(u64, Vec<u8>)>,
    ) -> Option<Vec<Piece>> {
        let mut out = Vec::new();
        patches.push((self.start + 4, b"free".to_vec()));
        if let Some((at, width)) = self.open_end {
            // Otherwise that box would go on over the new movie box.
            let size = source.bytes - at;
            patches.push(match width {
                8 => (at + 8, size.to_be_bytes().to_vec()),
                _ => (at, u32::try_from(size).ok()?.to_be_bytes().to_vec()),
            });
        }
        patches.sort_unstable();
        let mut at = 0;
        for (start, bytes) in patches {
            out.push(Piece::File {
                start: at,
                len: start - at,
            });
            at = start + bytes.len() as u64;
            out.push(Piece::Made(bytes.into()));
        }
        out.push(Piece::File {
            start: at,
            len: source.bytes.checked_sub(at)?,
        });
        let mut made = Vec::new();
        moov.write(&mut made);
        out.push(Piece::Made(made.into()));
        out.retain(|piece| piece.len() > 0);
        Some(out)
    }
}

/// The number of a track.
pub(super) fn number(trak: &Node) -> Option<u32> {
    let tkhd = trak.content(&[b"tkhd"])?;
    u32_at(tkhd, if *tkhd.first()? == 1 { 20 } else { 12 })
}

/// How the pictures of a track are turned, by its own matrix and that of the movie.
fn orientation(trak: &Node, mvhd: &[u8]) -> Option<Orientation> {
    let tkhd = trak.content(&[b"tkhd"])?;
    let place = |header: &[u8], at: usize| {
        if header.first() == Some(&1) {
            at + 12
        } else {
            at
        }
    };
    let of_track = turned::of_matrix(tkhd, place(tkhd, 40))?;
    let turn = match turned::of_matrix(mvhd, place(mvhd, 36)) {
        Some(of_movie) => turned::then(of_track, of_movie),
        None => of_track,
    };
    Some(turned::orientation(turn))
}

/// Mends one track and tells what it is.
fn mend(
    trak: &mut Node,
    movie_scale: u32,
    in_fragments: Option<(u64, u64)>,
    edited_rate: &mut bool,
) -> Option<Track> {
    let handler: [u8; 4] = trak
        .content(&[b"mdia", b"hdlr"])?
        .get(8..12)?
        .try_into()
        .ok()?;
    let (is_sound, is_picture) = (handler == *b"soun", handler == *b"vide");
    if !is_sound && !is_picture {
        return None;
    }
    let mdhd = trak.content(&[b"mdia", b"mdhd"])?.to_vec();
    let scale = u32_at(&mdhd, if mdhd[0] == 1 { 20 } else { 12 }).filter(|s| *s > 0)?;
    let listed = tables::length(trak).filter(|(samples, _)| *samples > 0);
    let (samples, length) = listed.or(in_fragments).unwrap_or((0, 0));
    let mut track = Track {
        samples: if in_fragments.is_some() { 0 } else { samples },
        ..Track::default()
    };
    if listed.is_some() && in_fragments.is_none() {
        trak.replace(&[b"mdia", b"mdhd"], wide(&mdhd, length)?);
    }
    let mut seconds = (length > 0).then(|| length as f64 / f64::from(scale));
    let scale = Scale {
        movie: movie_scale,
        track: scale,
        length,
        sample: length / samples.max(1),
        is_sound,
    };
    if is_picture
        && in_fragments.is_none()
        && let Some(ctts) = joined::unfolded(trak)
    {
        put(trak, ctts);
    }
    // Offsets beyond the decoding times make the last pictures end later.
    let delay = largest_offset(trak);
    if delay > 0 && listed.is_some() && in_fragments.is_none() {
        show_all(
            trak,
            edits::scaled(length + delay, movie_scale, scale.track),
        );
    }
    let elst = trak.content(&[b"edts", b"elst"]).map(<[u8]>::to_vec);
    if let Some(list) = elst.filter(|_| length > 0) {
        let scale = Scale {
            length: length + delay,
            ..scale
        };
        if let Some(edits) = edits::read(&list, scale).filter(|e| !e.edits.is_empty()) {
            *edited_rate |= edits.other_rate;
            seconds = Some(presented(&edits, scale, length));
            trak.replace(&[b"edts", b"elst"], edits.write());
        }
    }
    track.duration_s = seconds;
    describe(trak, is_sound, &mut track);
    Some(track)
}

/// Gives a track without an edit list one that shows all of it, for the demuxer ends such a track where
/// decoding ends, and pictures may be shown later. `length` is in units of the movie.
fn show_all(trak: &mut Node, length: u64) {
    if trak.find(&[b"edts"]).is_some() {
        return;
    }
    let all = Edits {
        edits: vec![edits::Edit {
            length,
            start: Some(0),
            slower: 1,
        }],
        other_rate: false,
    };
    if let Some(boxes) = trak.boxes_mut() {
        boxes.push(Node {
            kind: *b"edts",
            body: Body::Boxes(vec![Node::data(*b"elst", all.write())]),
        });
    }
}

/// Length in seconds of what an edit list shows. The offsets of composition may only look as if
/// there were more media.
fn presented(edits: &Edits, scale: Scale, length: u64) -> f64 {
    let movie = f64::from(scale.movie);
    match edits.edits.as_slice() {
        [only] if only.start.is_some() => {
            let media = length as f64 / f64::from(scale.track);
            (only.length as f64 / movie).min(media)
        }
        _ => edits.length() as f64 / movie,
    }
}

/// The largest composition offset in units of the track.
fn largest_offset(trak: &Node) -> u64 {
    let offsets = tables::pairs(trak, b"ctts").unwrap_or_default();
    let largest = offsets
        .iter()
        .map(|(_, o)| o.cast_signed())
        .max()
        .unwrap_or(0);
    u64::try_from(largest).unwrap_or(0)
}

/// Sets the composition offsets.
fn put(trak: &mut Node, ctts: Vec<u8>) {
    if trak.find(&tables::path(b"ctts")).is_some() {
        trak.replace(&tables::path(b"ctts"), ctts);
    } else if let Some(stbl) = trak
        .find_mut(&[b"mdia", b"minf", b"stbl"])
        .and_then(Node::boxes_mut)
    {
        stbl.push(Node::data(*b"ctts", ctts));
    }
    // What it says of the offsets holds no longer.
    if let Some(stbl) = trak
        .find_mut(&[b"mdia", b"minf", b"stbl"])
        .and_then(Node::boxes_mut)
    {
        stbl.retain(|n| n.kind != *b"cslg");
    }
}

/// Codecs that the demuxer of `GStreamer` 1.22 knows by one of their names only, and that name: `DNxHR`, which
/// is decoded as `DNxHD` is, and DVCPRO HD of whole pictures.
const OTHER_NAMES: [(&[u8; 4], &[u8; 4]); 3] =
    [(b"AVdh", b"AVdn"), (b"dvhp", b"dvh6"), (b"dvhq", b"dvh5")];

/// Reads the sample descriptions and mends those of uncompressed sound.
fn describe(trak: &mut Node, is_sound: bool, track: &mut Track) -> Option<()> {
    let stsd = trak.content(&tables::path(b"stsd"))?;
    let mut entries = boxes::parse(stsd.get(8..)?)?;
    let mut mended = false;
    for entry in &mut entries {
        let Body::Data(data) = &entry.body else {
            continue;
        };
        let protected: [&[u8; 4]; 4] = [b"encv", b"enca", b"drmi", b"drms"];
        track.encrypted |= protected.contains(&&entry.kind);
        if let Some((_, known)) = OTHER_NAMES.iter().find(|(name, _)| **name == entry.kind) {
            entry.kind = **known;
            mended = true;
        }
        if is_sound {
            if let Some((pcm, speakers, shown)) = pcm::look(entry) {
                if track.pcm.is_none() {
                    (track.pcm, track.speakers) = (Some(pcm), speakers);
                }
                *entry = shown;
                mended = true;
            }
        } else {
            let inner = data.get(78..).and_then(boxes::parse).unwrap_or_default();
            let config = inner.iter().find_map(|node| match &node.body {
                Body::Data(data) if [b"dvcC", b"dvvC"].contains(&&node.kind) => Some(data),
                _ => None,
            });
            // ISO/IEC 14496-12, 12.1.5; `nclc` of QuickTime has no range.
            let colour = inner.iter().find_map(|node| match &node.body {
                Body::Data(data) if node.kind == *b"colr" => {
                    (data.starts_with(b"nclx") || data.starts_with(b"nclc")).then_some(data)
                }
                _ => None,
            });
            if track.range == Range::Demuxed {
                let flags = colour.filter(|c| c.starts_with(b"nclx"));
                let flags = flags.and_then(|c| c.get(10));
                let told = flags.map(|flags| flags & 0x80 != 0);
                track.range = Range::Told(told.or_else(|| avid_range(&inner)));
            }
            let number = |at| colour.and_then(|c| u16_at(c, at));
            if let (None, Some(p), Some(t), Some(m)) =
                (track.colour, number(4), number(6), number(8))
            {
                track.colour = Some([p, t, m]);
            }
            if let Some(dolby) = config.and_then(|c| super::dolby_vision(c)) {
                track.dolby_vision.get_or_insert(dolby);
            }
        }
    }
    if mended {
        let mut data = vec![0; 4];
        data.extend(u32::try_from(entries.len()).ok()?.to_be_bytes());
        for entry in &entries {
            entry.write(&mut data);
        }
        trak.replace(&tables::path(b"stsd"), data);
    }
    Some(())
}

/// The range that `DNxHD` and `DNxHR` have in a box of their own: 1 for limited and 2 for full.
fn avid_range(inner: &[Node]) -> Option<bool> {
    let told = inner.iter().find_map(|node| match &node.body {
        Body::Data(data) if node.kind == *b"ACLR" => u32_at(data, 8),
        _ => None,
    });
    told.filter(|range| [1, 2].contains(range))
        .map(|range| range == 2)
}

/// The length by which the demuxer knows that none is known.
const UNKNOWN: u64 = i64::MAX.cast_unsigned();

/// A movie or media header of version 1 with this length: both begin with two times, a scale and a length.
fn wide(header: &[u8], length: u64) -> Option<Vec<u8>> {
    let mut out = vec![1];
    out.extend(header.get(1..4)?);
    let rest = if header[0] == 1 {
        out.extend(header.get(4..24)?);
        32
    } else {
        for at in [4, 8] {
            out.extend([0; 4]);
            out.extend(header.get(at..at + 4)?);
        }
        out.extend(header.get(12..16)?);
        20
    };
    out.extend(length.to_be_bytes());
    out.extend(header.get(rest..)?);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::front::boxes::u64_at;

    #[test]
    fn avid_tells_the_range() {
        let told = |range: u32| {
            let data = [&b"ACLR0001"[..], &range.to_be_bytes(), &[0; 4]].concat();
            avid_range(&[Node::data(*b"ACLR", data)])
        };
        assert_eq!([told(1), told(2), told(0)], [Some(false), Some(true), None]);
        assert_eq!(avid_range(&[]), None);
    }

    #[test]
    fn headers_of_both_versions_become_the_same() {
        let mut old = vec![0; 4];
        for n in [1u32, 2, 600, 30] {
            old.extend(n.to_be_bytes());
        }
        old.extend(b"rest");
        let new = wide(&old, 7).unwrap();
        assert_eq!(u32_at(&new, 20), Some(600));
        assert_eq!(u64_at(&new, 24), Some(7));
        assert!(new.ends_with(b"rest"));
        assert_eq!(wide(&new, 7), Some(new.clone()));
        assert_eq!(wide(&old[..10], 7), None);
        assert_eq!(u16_at(&new, 0), Some(0x100));
    }
}
