//! Makes whole pictures of single fields.
//!
//! The rows of one field are kept, and each row between is filled: with what the other field shows
//! there where nothing moves, and from the rows above and below, along edges, where something does.
//! How much moves is seen from the picture before (or after), which holds both fields at another
//! time.

use clipsy_picture::{Plane, PlaneMut};

/// Fills `out` with the field of `now` whose rows are even, if `even`, or odd. `other` is the
/// picture that comes before the field in question, or the one behind it; without one, the whole
/// picture counts as moving.
pub(crate) fn complete(
    out: &mut PlaneMut<'_>,
    now: &Plane<'_>,
    other: Option<&Plane<'_>>,
    even: bool,
) {
    let (width, height) = (now.width as usize, now.height as usize);
    let row = |plane: &Plane<'_>, y: usize| y * plane.stride..y * plane.stride + width;
    for (y, out) in out.data.chunks_mut(out.stride).take(height).enumerate() {
        let out = &mut out[..width];
        let here = &now.data[row(now, y)];
        if y.is_multiple_of(2) == even {
            out.copy_from_slice(here);
            continue;
        }
        // The first and the last row have a neighbour on one side only, or none.
        let (above, below) = (
            y.checked_sub(1).unwrap_or((y + 1).min(height - 1)),
            if y + 1 < height {
                y + 1
            } else {
                y.saturating_sub(1)
            },
        );
        along_edges(out, &now.data[row(now, above)], &now.data[row(now, below)]);
        if let Some(other) = other {
            // Rows of the same field as this one, where the picture has any further off.
            let (over, under) = (
                y.checked_sub(2).unwrap_or(y),
                if y + 2 < height { y + 2 } else { y },
            );
            let rows = [over, above, y, below, under];
            let now = rows.map(|y| &now.data[row(now, y)]);
            let other = rows.map(|y| &other.data[row(other, y)]);
            hold_still(out, now, other);
        }
    }
}

/// Samples to the left and right of one that an edge through it can touch.
const REACH: usize = 3;

/// Samples that are worked on at a time: arrays of a known length become vector instructions.
const BLOCK: usize = 32;
const WIDE: usize = BLOCK + 2 * REACH;

type Block = [i16; BLOCK];

/// A row between `above` and `below`, each sample the mean of the two that lie across from each
/// other on the line of least difference. Narrow pictures and the ends of rows do without lines.
fn along_edges(out: &mut [u8], above: &[u8], below: &[u8]) {
    for ((out, &a), &b) in out.iter_mut().zip(above).zip(below) {
        *out = u8::midpoint(a, b);
    }
    for at in blocks(out.len(), WIDE) {
        let (a, b) = (load::<WIDE>(above, at), load::<WIDE>(below, at));
        store(&mut out[at + REACH..], &leaning(&a, &b));
    }
}

/// Where blocks of `block` samples begin that cover a row, of which all but [`REACH`] on both ends
/// are new if they are wide. The last one may overlap.
fn blocks(length: usize, block: usize) -> impl Iterator<Item = usize> {
    let last = length.checked_sub(block);
    let full = (0..last.unwrap_or(0)).step_by(BLOCK);
    full.chain(last)
}

/// Samples from `at` on; what the row does not have is 0.
fn load<const LENGTH: usize>(row: &[u8], at: usize) -> [i16; LENGTH] {
    let mut block = [0; LENGTH];
    for (sample, &byte) in block.iter_mut().zip(&row[at..]) {
        *sample = i16::from(byte);
    }
    block
}

fn store(row: &mut [u8], block: &Block) {
    for (byte, &sample) in row.iter_mut().zip(block) {
        *byte = sample as u8;
    }
}

/// Samples between `a` above and `b` below.
fn leaning(a: &[i16; WIDE], b: &[i16; WIDE]) -> Block {
    let mut best = line::<0, 0>(a, b);
    // A line that leans further counts if the one before it was better than an upright one.
    let (near, far) = (line::<0, 2>(a, b), line::<0, 4>(a, b));
    better(&mut best, &near, &far);
    let (near, far) = (line::<2, 0>(a, b), line::<4, 0>(a, b));
    better(&mut best, &near, &far);
    best.1
}

/// How much the ends of three lines next to each other differ, and the middle of the middle one.
/// They lean by `RIGHT` samples to the right, or `LEFT` to the left.
fn line<const LEFT: usize, const RIGHT: usize>(a: &[i16; WIDE], b: &[i16; WIDE]) -> (Block, Block) {
    let (up, down) = (REACH + RIGHT / 2 - LEFT / 2, REACH + LEFT / 2 - RIGHT / 2);
    let (mut score, mut middle) = ([0; BLOCK], [0; BLOCK]);
    for i in 0..BLOCK {
        let differs = |k: usize| {
            a[i + up + k - 1]
                .wrapping_sub(b[i + down + k - 1])
                .wrapping_abs()
        };
        score[i] = differs(0).wrapping_add(differs(1)).wrapping_add(differs(2));
        middle[i] = a[i + up].wrapping_add(b[i + down]) >> 1;
    }
    (score, middle)
}

fn better(best: &mut (Block, Block), near: &(Block, Block), far: &(Block, Block)) {
    for i in 0..BLOCK {
        let leans = near.0[i] < best.0[i];
        let further = far.0[i] < near.0[i];
        let score = if further { far.0[i] } else { near.0[i] };
        let middle = if further { far.1[i] } else { near.1[i] };
        best.0[i] = if leans { score } else { best.0[i] };
        best.1[i] = if leans { middle } else { best.1[i] };
    }
}

/// Brings a row that was made from its neighbours as near to the mean of what the other fields show
/// there as the movement allows. `now` and `other` hold that row in the middle, the rows next to it,
/// which are of the field that is kept, and the ones beyond.
fn hold_still(out: &mut [u8], now: [&[u8]; 5], other: [&[u8]; 5]) {
    let length = out.len();
    for at in blocks(length, BLOCK.min(length)) {
        let [mut here, mut there] = [[[0; BLOCK]; 5]; 2];
        for (block, row) in here.iter_mut().zip(now).chain(there.iter_mut().zip(other)) {
            *block = load(row, at);
        }
        let made = load(out, at);
        store(&mut out[at..], &held(&made, &here, &there));
    }
}

/// One block of [`hold_still`].
fn held(made: &Block, now: &[Block; 5], other: &[Block; 5]) -> Block {
    let mut out = [0; BLOCK];
    for i in 0..BLOCK {
        let mean = |row: usize| now[row][i].wrapping_add(other[row][i]) >> 1;
        let apart = |row: usize| now[row][i].wrapping_sub(other[row][i]).wrapping_abs();
        let (over, still, under) = (mean(0), mean(2), mean(4));
        let (above, below) = (now[1][i], now[3][i]);
        let between = apart(2) >> 1;
        let around = apart(1).wrapping_add(apart(3)) >> 1;
        // What moves to and fro looks still. It shows by its teeth: rows of one field all lighter
        // or all darker than those of the other.
        let (up, down) = (still.wrapping_sub(above), still.wrapping_sub(below));
        let (up_2, down_2) = (over.wrapping_sub(above), under.wrapping_sub(below));
        let light = up.min(down).min(up_2.max(down_2));
        let dark = up.max(down).max(up_2.min(down_2)).wrapping_neg();
        let moves = between.max(around).max(light).max(dark);
        out[i] = made[i]
            .max(still.wrapping_sub(moves))
            .min(still.wrapping_add(moves));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: usize = 64;
    const HEIGHT: usize = 12;

    fn plane(data: &[u8]) -> Plane<'_> {
        Plane {
            data,
            stride: WIDTH,
            width: WIDTH as u32,
            height: HEIGHT as u32,
        }
    }

    fn picture(sample: impl Fn(usize, usize) -> u8) -> Vec<u8> {
        (0..WIDTH * HEIGHT)
            .map(|i| sample(i % WIDTH, i / WIDTH))
            .collect()
    }

    fn completed(now: &[u8], other: Option<&[u8]>, even: bool) -> Vec<u8> {
        let mut data = vec![0; WIDTH * HEIGHT];
        let mut out = PlaneMut {
            data: &mut data,
            stride: WIDTH,
        };
        complete(&mut out, &plane(now), other.map(plane).as_ref(), even);
        data
    }

    #[test]
    fn what_stands_still_is_kept_to_the_sample() {
        // Bars of two rows, and a slope across.
        let still = picture(|x, y| (x * 3 + [0, 130, 60, 20, 90, 160][y / 2]) as u8);
        assert_eq!(completed(&still, Some(&still), true), still);
        assert_eq!(completed(&still, Some(&still), false), still);
    }

    #[test]
    fn what_moves_shows_one_field_only() {
        let combed = picture(|_, y| if y % 2 == 0 { 200 } else { 20 });
        let before = picture(|_, _| 20);
        assert_eq!(completed(&combed, Some(&before), true), picture(|_, _| 200));
        assert_eq!(completed(&combed, None, false), picture(|_, _| 20));
        // The same in both pictures, as when something flickers from field to field.
        let whole = completed(&combed, Some(&combed), true);
        assert!(
            whole[2 * WIDTH..(HEIGHT - 2) * WIDTH]
                .iter()
                .all(|&s| s == 200)
        );
    }

    #[test]
    fn edges_are_followed() {
        // A white bar that leans by one sample for each row; the odd rows are black.
        let lean = |x: usize, y: usize| if (6 + y..12 + y).contains(&x) { 255 } else { 0 };
        let field = picture(|x, y| if y % 2 == 0 { lean(x, y) } else { 0 });
        let whole = completed(&field, None, true);
        let row = |y: usize| &whole[y * WIDTH + 4..(y + 1) * WIDTH - 4];
        for y in [3, 5] {
            let right: Vec<u8> = (4..WIDTH - 4).map(|x| lean(x, y)).collect();
            let wrong = row(y).iter().zip(&right).filter(|(a, b)| a != b).count();
            assert!(wrong <= 1, "row {y}: {:?}", row(y));
        }
    }

    #[test]
    fn pictures_of_one_row_and_narrow_ones_do_no_harm() {
        for (width, height) in [(1, 1), (2, 1), (5, 2), (7, 3)] {
            let data = vec![9; width * height];
            let plane = Plane {
                data: &data,
                stride: width,
                width: width as u32,
                height: height as u32,
            };
            for even in [true, false] {
                let mut filled = vec![0; width * height];
                let mut out = PlaneMut {
                    data: &mut filled,
                    stride: width,
                };
                complete(&mut out, &plane, None, even);
                assert_eq!(filled, data, "{width} × {height}");
            }
        }
    }
}
