//! How long the tracks of a fragmented MP4 file are (ISO/IEC 14496-12, 8.8), and files that were joined byte by
//! byte: to the demuxer the fragments of a later one are fragments of the first, but their times begin anew, and
//! the places of their samples count from another beginning.

use std::collections::HashMap;

use super::Source;
use super::boxes::{self, Body, Node, u32_at, u64_at};
use super::tables;

/// What the fragments say, added up.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    /// Samples and end of each track, in its units, by its number.
    pub(super) tracks: HashMap<u32, (u64, u64)>,
    /// The file ends within a box.
    pub(super) cut: bool,
    /// Bytes to be shown in the place of others, so that a file that was joined goes on.
    pub(super) patches: Vec<(u64, Vec<u8>)>,
}

/// One of the files that were joined.
#[derive(Debug, Default)]
struct Part {
    /// Where it begins.
    begin: u64,
    /// By how much its times are later, in units of each track.
    later: HashMap<u32, u64>,
}

/// Reads all fragments of `source`, whose defaults are in the movie box `moov`.
pub(super) fn read(source: &Source, moov: &Node) -> Fragments {
    let mut found = Fragments::default();
    let (mut part, mut movies, mut begin) = (Part::default(), 0, 0);
    let mut at = 0;
    while let Some(start) = source.read(at, 8) {
        let head = source.read(at, 16).unwrap_or(start);
        let Some((kind, header, size)) = boxes::head(&head) else {
            found.cut = true;
            return found;
        };
        let end = if size == 0 {
            source.bytes
        } else {
            at.saturating_add(size)
        };
        if end > source.bytes {
            found.cut = true;
            return found;
        }
        let inside = at + header as u64;
        match &kind {
            b"ftyp" => begin = at,
            b"moov" => {
                movies += 1;
                if movies > 1
                    && let Some(next) = source.read(at, end - at).and_then(|c| boxes::parse(&c))
                    && next.first().is_some_and(|next| goes_on(moov, next))
                {
                    part = Part {
                        begin,
                        later: ends(&found.tracks, moov),
                    };
                }
            }
            b"moof" => {
                let content = source.read(inside, end - inside).unwrap_or_default();
                for traf in boxes::parse(&content).unwrap_or_default() {
                    if traf.kind == *b"traf" {
                        add(&mut found.tracks, &traf, moov, &part);
                    }
                }
                if part.begin > 0 {
                    patch(&content, inside, &part, &mut found.patches);
                }
            }
            _ => {}
        }
        at = end;
    }
    found.cut |= at < source.bytes;
    found
}

/// Number, scale and descriptions of each track.
fn descriptions(moov: &Node) -> Vec<(u32, u32, &[u8])> {
    let traks = moov.boxes().iter().filter(|n| n.kind == *b"trak");
    let told = traks.filter_map(|trak| {
        let mdhd = trak.content(&[b"mdia", b"mdhd"])?;
        let scale = u32_at(mdhd, if *mdhd.first()? == 1 { 20 } else { 12 })?;
        let stsd = trak.content(&tables::path(b"stsd"))?;
        Some((super::movie::number(trak)?, scale, stsd))
    });
    told.collect()
}

/// Whether the fragments behind the movie box `next` can be taken for more of those before.
fn goes_on(moov: &Node, next: &Node) -> bool {
    descriptions(moov) == descriptions(next)
}

/// The end of what there is, in units of each track: all go on there together.
fn ends(tracks: &HashMap<u32, (u64, u64)>, moov: &Node) -> HashMap<u32, u64> {
    let scales: Vec<(u32, u32)> = descriptions(moov).iter().map(|d| (d.0, d.1)).collect();
    let seconds = |(id, scale): &(u32, u32)| {
        let end = tracks.get(id).map_or(0, |(_, end)| *end);
        end as f64 / f64::from(*scale).max(1.0)
    };
    let end = scales.iter().map(seconds).fold(0.0, f64::max);
    let of_track = |(id, scale): (u32, u32)| (id, (end * f64::from(scale)).round() as u64);
    scales.into_iter().map(of_track).collect()
}

/// Notes what has to be different in the fragment whose content lies at `start`.
fn patch(content: &[u8], start: u64, part: &Part, patches: &mut Vec<(u64, Vec<u8>)>) {
    for (kind, at, traf) in placed(content) {
        if kind != *b"traf" {
            continue;
        }
        let boxes = placed(traf);
        let of = |name: &[u8; 4]| boxes.iter().find(|(kind, ..)| kind == name);
        let Some((_, tfhd_at, tfhd)) = of(b"tfhd") else {
            continue;
        };
        let place = |inner: usize| start + (at + inner) as u64;
        if let (Some(1), Some(base)) = (u32_at(tfhd, 0).map(|flags| flags & 1), u64_at(tfhd, 8)) {
            let base = base.saturating_add(part.begin);
            patches.push((place(tfhd_at + 8), base.to_be_bytes().to_vec()));
        }
        let later = u32_at(tfhd, 4).and_then(|id| part.later.get(&id));
        if let (Some((_, tfdt_at, tfdt)), Some(later)) = (of(b"tfdt"), later) {
            let moved = if tfdt.first() == Some(&1) {
                u64_at(tfdt, 4).map(|time| time.saturating_add(*later).to_be_bytes().to_vec())
            } else {
                let time =
                    u32_at(tfdt, 4).and_then(|time| u32::try_from(u64::from(time) + later).ok());
                time.map(|time| time.to_be_bytes().to_vec())
            };
            patches.extend(moved.map(|bytes| (place(tfdt_at + 4), bytes)));
        }
    }
}

/// The boxes in `bytes`: type, where the content begins, and content.
fn placed(bytes: &[u8]) -> Vec<([u8; 4], usize, &[u8])> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some((kind, header, size)) = bytes.get(at..).and_then(boxes::head) {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let end = if size == 0 {
            bytes.len()
        } else {
            at.saturating_add(size)
        };
        let Some(content) = bytes.get(at + header..end) else {
            break;
        };
        found.push((kind, at + header, content));
        at = end;
    }
    found
}

/// Adds one track's part of a fragment.
fn add(tracks: &mut HashMap<u32, (u64, u64)>, traf: &Node, moov: &Node, part: &Part) -> Option<()> {
    let Body::Data(data) = &traf.body else {
        return None;
    };
    let runs = boxes::parse(data)?;
    let content = |kind: &[u8; 4]| {
        runs.iter()
            .find(|n| n.kind == *kind)
            .and_then(|n| match &n.body {
                Body::Data(data) => Some(data.as_slice()),
                Body::Boxes(_) => None,
            })
    };
    let tfhd = content(b"tfhd")?;
    let (flags, id) = (u32_at(tfhd, 0)?, u32_at(tfhd, 4)?);
    let before = 8 * usize::from(flags & 1 != 0) + 4 * usize::from(flags & 2 != 0);
    let usual = if flags & 8 != 0 {
        u32_at(tfhd, 8 + before)?
    } else {
        usual_length(moov, id).unwrap_or(0)
    };
    let (samples, end) = tracks.entry(id).or_default();
    let later = part.later.get(&id).copied().unwrap_or(0);
    let mut time = match content(b"tfdt") {
        Some(tfdt) if tfdt.first() == Some(&1) => u64_at(tfdt, 4)?.saturating_add(later),
        Some(tfdt) => u64::from(u32_at(tfdt, 4)?) + later,
        None => *end,
    };
    for run in runs.iter().filter(|n| n.kind == *b"trun") {
        let Body::Data(trun) = &run.body else {
            continue;
        };
        let (flags, count) = (u32_at(trun, 0)?, u32_at(trun, 4)?);
        let fields = [0x100, 0x200, 0x400, 0x800].map(|flag| flags & flag != 0);
        let width = 4 * fields.iter().filter(|f| **f).count();
        let first = 8 + 4 * usize::from(flags & 1 != 0) + 4 * usize::from(flags & 4 != 0);
        *samples += u64::from(count);
        if fields[0] {
            let rows = trun.get(first..)?.chunks_exact(width).take(count as usize);
            time += rows
                .filter_map(|row| u32_at(row, 0))
                .map(u64::from)
                .sum::<u64>();
        } else {
            time += u64::from(usual) * u64::from(count);
        }
    }
    *end = (*end).max(time);
    Some(())
}

/// Length of a sample of track `id` where its fragments do not say.
fn usual_length(moov: &Node, id: u32) -> Option<u32> {
    moov.find(&[b"mvex"])?.boxes().iter().find_map(|node| {
        let Body::Data(trex) = &node.body else {
            return None;
        };
        (node.kind == *b"trex" && u32_at(trex, 4) == Some(id)).then(|| u32_at(trex, 12))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        Node::data(*kind, content.to_vec()).write(&mut out);
        out
    }

    #[test]
    fn a_later_part_is_shown_later_and_from_its_own_beginning() {
        let mut tfhd = vec![0, 0, 0, 1, 0, 0, 0, 7];
        tfhd.extend(100u64.to_be_bytes());
        let tfdt = [0, 0, 0, 0, 0, 0, 0, 5];
        let inner = [boxed(b"tfhd", &tfhd), boxed(b"tfdt", &tfdt)].concat();
        let content = [boxed(b"mfhd", &[0; 8]), boxed(b"traf", &inner)].concat();
        let part = Part {
            begin: 1000,
            later: HashMap::from([(7, 40)]),
        };
        let mut patches = Vec::new();
        patch(&content, 50, &part, &mut patches);
        let expected = [(1100u64, 8), (45, 4)]
            .map(|(number, width)| number.to_be_bytes()[8 - width..].to_vec());
        assert_eq!(patches.len(), 2);
        for ((at, bytes), expected) in patches.iter().zip(expected) {
            assert_eq!(bytes, &expected);
            let old = &content[*at as usize - 50..][..bytes.len()];
            assert!(old.ends_with(&[100]) || old.ends_with(&[5]), "{old:?}");
        }
    }

    #[test]
    fn boxes_that_are_cut_off_are_not_looked_at() {
        let content = boxed(b"traf", &boxed(b"tfhd", &[0; 8]));
        assert_eq!(placed(&content).len(), 1);
        assert!(placed(&content[..content.len() - 1]).is_empty());
        assert!(placed(&[]).is_empty());
    }
}
