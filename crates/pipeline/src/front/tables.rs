//! The sample tables of a track (ISO/IEC 14496-12, 8.6 and 8.7).

use super::boxes::{Node, u32_at, u64_at};

const STBL: [&[u8; 4]; 3] = [b"mdia", b"minf", b"stbl"];

/// The path of a sample table's box below its track.
pub(super) fn path(name: &[u8; 4]) -> [&[u8; 4]; 4] {
    [STBL[0], STBL[1], STBL[2], name]
}

/// A table of pairs of numbers after version, flags and count, such as `stts` and `ctts`.
pub(super) fn pairs(trak: &Node, name: &[u8; 4]) -> Option<Vec<(u32, u32)>> {
    let table = trak.content(&path(name))?;
    let count = u32_at(table, 4)? as usize;
    let rows = table.get(8..)?.chunks_exact(8).take(count);
    Some(
        rows.filter_map(|row| Some((u32_at(row, 0)?, u32_at(row, 4)?)))
            .collect(),
    )
}

/// Samples and their length in units of the track, as `stts` gives them.
pub(super) fn length(trak: &Node) -> Option<(u64, u64)> {
    let times = pairs(trak, b"stts")?;
    Some(times.iter().fold((0, 0), |(samples, length), (n, each)| {
        let (n, each) = (u64::from(*n), u64::from(*each));
        (samples + n, length.saturating_add(n * each))
    }))
}

/// Which description each chunk's samples have, as (samples per chunk, description).
pub(super) fn chunks(trak: &Node) -> Option<Vec<(u32, u32)>> {
    let stsc = trak.content(&path(b"stsc"))?;
    let count = u32_at(stsc, 4)? as usize;
    let rows: Vec<(u32, u32, u32)> = stsc
        .get(8..)?
        .chunks_exact(12)
        .take(count)
        .filter_map(|row| Some((u32_at(row, 0)?, u32_at(row, 4)?, u32_at(row, 8)?)))
        .collect();
    let offsets = offsets(trak)?.len();
    let mut chunks = Vec::with_capacity(offsets);
    for (i, (first, samples, description)) in rows.iter().enumerate() {
        let next = rows
            .get(i + 1)
            .map_or(offsets + 1, |(next, ..)| *next as usize);
        let many = next.min(offsets + 1).saturating_sub(*first as usize);
        chunks.extend(std::iter::repeat_n((*samples, *description), many));
    }
    Some(chunks)
}

/// Where the chunks lie in the file.
pub(super) fn offsets(trak: &Node) -> Option<Vec<u64>> {
    let list = |name: &[u8; 4], width: usize| {
        let table = trak.content(&path(name))?;
        let count = u32_at(table, 4)? as usize;
        let read = |row: &[u8]| match width {
            4 => u32_at(row, 0).map(u64::from),
            _ => u64_at(row, 0),
        };
        let rows = table.get(8..)?.chunks_exact(width).take(count);
        Some(rows.filter_map(read).collect())
    };
    list(b"stco", 4).or_else(|| list(b"co64", 8))
}

/// Size of a sample in bytes, 0 if each has its own, and how many there are.
pub(super) fn sizes(trak: &Node) -> Option<(u32, Vec<u32>, u32)> {
    let stsz = trak.content(&path(b"stsz"))?;
    let (each, count) = (u32_at(stsz, 4)?, u32_at(stsz, 8)?);
    let list = if each == 0 {
        let rows = stsz.get(12..)?.chunks_exact(4).take(count as usize);
        rows.filter_map(|row| u32_at(row, 0)).collect()
    } else {
        Vec::new()
    };
    Some((each, list, count))
}

/// Where the last byte of the track's samples lies.
pub(super) fn end_of_data(trak: &Node) -> Option<u64> {
    let (each, list, _) = sizes(trak)?;
    let offsets = offsets(trak)?;
    let mut next = 0usize;
    let mut end = 0u64;
    for ((samples, _), offset) in chunks(trak)?.iter().zip(offsets) {
        let bytes: u64 = if each == 0 {
            let of_chunk = list.get(next..)?.iter().take(*samples as usize);
            of_chunk.map(|s| u64::from(*s)).sum()
        } else {
            u64::from(each) * u64::from(*samples)
        };
        next += *samples as usize;
        end = end.max(offset.saturating_add(bytes));
    }
    Some(end)
}
