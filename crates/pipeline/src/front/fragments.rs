//! How long the tracks of a fragmented MP4 file are (ISO/IEC 14496-12, 8.8).

use std::collections::HashMap;

use super::Source;
use super::boxes::{self, Body, Node, u32_at, u64_at};

/// What the fragments say, added up.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    /// Samples and end of each track, in its units, by its number.
    pub(super) tracks: HashMap<u32, (u64, u64)>,
    /// The file ends within a box.
    pub(super) cut: bool,
}

/// Reads all fragments of `source`, whose defaults are in the movie box `moov`.
pub(super) fn read(source: &Source, moov: &Node) -> Fragments {
    let mut found = Fragments::default();
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
        if kind == *b"moof" {
            let content = source.read(at + header as u64, end - at - header as u64);
            for traf in content.and_then(|c| boxes::parse(&c)).unwrap_or_default() {
                if traf.kind == *b"traf" {
                    add(&mut found.tracks, &traf, moov);
                }
            }
        }
        at = end;
    }
    found.cut |= at < source.bytes;
    found
}

/// Adds one track's part of a fragment.
fn add(tracks: &mut HashMap<u32, (u64, u64)>, traf: &Node, moov: &Node) -> Option<()> {
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
    let mut time = match content(b"tfdt") {
        Some(tfdt) if tfdt.first() == Some(&1) => u64_at(tfdt, 4)?,
        Some(tfdt) => u64::from(u32_at(tfdt, 4)?),
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
