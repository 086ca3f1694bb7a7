//! Video tracks that were joined from several encodings.
//!
//! A program that joins files appends the sample tables. The parts agree about decoding times, but
//! if only the first has B-frames, its pictures are shown later by their delay and the first ones
//! of the second part have the times of its last; if only the second has, there is a gap. Each part
//! is moved to the end of the one before it.

use super::boxes::Node;
use super::tables;

/// The composition offsets (`ctts`, version 1) that put the parts of `trak` one behind the other,
/// or `None` if they are.
pub(super) fn unfolded(trak: &Node) -> Option<Vec<u8>> {
    let parts = parts(&tables::chunks(trak)?);
    if parts.len() < 2 {
        return None;
    }
    let times = expand(&tables::pairs(trak, b"stts")?);
    let offsets = tables::pairs(trak, b"ctts").map(|pairs| expand(&pairs));
    let offset = |i: usize| {
        let offset = offsets
            .as_ref()
            .and_then(|list| list.get(i))
            .copied()
            .unwrap_or(0);
        i64::from(offset.cast_signed())
    };
    let mut moved = Vec::with_capacity(times.len());
    let (mut first, mut decode, mut end, mut any) = (0, 0i64, i64::MIN, false);
    for samples in parts {
        let range = first..(first + samples).min(times.len());
        first = range.end;
        let mut shown = Vec::with_capacity(range.len());
        for i in range {
            shown.push((decode + offset(i), i64::from(times[i]), offset(i)));
            decode += i64::from(times[i]);
        }
        let earliest = shown.iter().map(|(at, ..)| *at).min()?;
        // Decoding goes on without a gap from part to part, and so do the pictures.
        let by = if end == i64::MIN { 0 } else { end - earliest };
        any |= by != 0;
        for (at, length, offset) in shown {
            end = end.max(at + by + length);
            moved.push(offset + by);
        }
    }
    any.then(|| write(&moved))
}

/// Samples of each part: one part has one description.
fn parts(chunks: &[(u32, u32)]) -> Vec<usize> {
    let mut parts: Vec<(u32, usize)> = Vec::new();
    for (samples, description) in chunks {
        match parts.last_mut() {
            Some((same, count)) if same == description => *count += *samples as usize,
            _ => parts.push((*description, *samples as usize)),
        }
    }
    parts.into_iter().map(|(_, count)| count).collect()
}

fn expand(pairs: &[(u32, u32)]) -> Vec<u32> {
    /// No video has more; a table that says so is broken.
    const MOST: usize = 20_000_000;
    let each = pairs.iter();
    each.flat_map(|(count, value)| std::iter::repeat_n(*value, *count as usize))
        .take(MOST)
        .collect()
}

fn write(offsets: &[i64]) -> Vec<u8> {
    let mut rows: Vec<(u32, i32)> = Vec::new();
    for offset in offsets {
        let offset = i32::try_from(*offset).unwrap_or(i32::MAX);
        match rows.last_mut() {
            Some((count, same)) if *same == offset => *count += 1,
            _ => rows.push((1, offset)),
        }
    }
    let mut out = vec![1, 0, 0, 0];
    out.extend(u32::try_from(rows.len()).unwrap_or(u32::MAX).to_be_bytes());
    for (count, offset) in rows {
        out.extend(count.to_be_bytes());
        out.extend(offset.to_be_bytes());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::front::boxes::Body;

    fn table(kind: &[u8; 4], width: usize, rows: &[u32]) -> Node {
        let mut data = vec![0; 4];
        data.extend(((rows.len() / width) as u32).to_be_bytes());
        for n in rows {
            data.extend(n.to_be_bytes());
        }
        Node::data(*kind, data)
    }

    fn track(tables: Vec<Node>) -> Node {
        let within = |kind: &[u8; 4], boxes| Node {
            kind: *kind,
            body: Body::Boxes(boxes),
        };
        let stbl = within(b"stbl", tables);
        within(
            b"trak",
            vec![within(b"mdia", vec![within(b"minf", vec![stbl])])],
        )
    }

    #[test]
    fn a_part_without_b_frames_is_moved_behind_one_with() {
        let track = track(vec![
            table(b"stts", 2, &[6, 10]),
            table(b"ctts", 2, &[3, 20, 3, 0]),
            table(b"stsc", 3, &[1, 3, 1, 2, 3, 2]),
            table(b"stco", 1, &[0, 99]),
        ]);
        assert_eq!(unfolded(&track), Some(write(&[20; 6])));
    }

    #[test]
    fn parts_in_order_stay() {
        let track = track(vec![
            table(b"stts", 2, &[6, 10]),
            table(b"stsc", 3, &[1, 3, 1, 2, 3, 2]),
            table(b"stco", 1, &[0, 99]),
        ]);
        assert_eq!(unfolded(&track), None);
    }
}
