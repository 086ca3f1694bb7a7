//! Makes whole pictures of single fields.
//!
//! The rows of one field are kept, and each row between is filled: with what the other field shows
//! there where nothing moves, and from the rows above and below, along edges, where something does.
//! How much moves is seen from the picture before (or after), which holds both fields at another
//! time.

use super::picture::{Plane, PlaneMut};

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

/// A row between `above` and `below`, each sample the mean of the two that lie across from each
/// other on the line of least difference.
fn along_edges(out: &mut [u8], above: &[u8], below: &[u8]) {
    for ((out, &a), &b) in out.iter_mut().zip(above).zip(below) {
        *out = u8::midpoint(a, b);
    }
    let Some(inner) = out.len().checked_sub(2 * REACH) else {
        return;
    };
    let (above, below) = (&above[..inner + 2 * REACH], &below[..inner + 2 * REACH]);
    for (x, out) in out[REACH..REACH + inner].iter_mut().enumerate() {
        // `k` counts from `x` - REACH.
        let a = |k: usize| i16::from(above[x + k]);
        let b = |k: usize| i16::from(below[x + k]);
        // How much the lines differ that lean by two samples more with each step.
        let score = |up: usize, down: usize| {
            (a(up - 1) - b(down - 1)).abs()
                + (a(up) - b(down)).abs()
                + (a(up + 1) - b(down + 1)).abs()
        };
        let mean = |up: usize, down: usize| (a(up) + b(down)) >> 1;
        let mut best = (score(3, 3), mean(3, 3));
        for [(up, down), (far_up, far_down)] in [[(2, 4), (1, 5)], [(4, 2), (5, 1)]] {
            let near = score(up, down);
            let leans = near < best.0;
            best = if leans { (near, mean(up, down)) } else { best };
            let far = score(far_up, far_down);
            best = if leans && far < best.0 {
                (far, mean(far_up, far_down))
            } else {
                best
            };
        }
        *out = best.1 as u8;
    }
}

/// Brings a row that was made from its neighbours as near to the mean of what the other fields show
/// there as the movement allows. `now` and `other` hold that row in the middle, the rows next to it,
/// which are of the field that is kept, and the ones beyond.
fn hold_still(out: &mut [u8], now: [&[u8]; 5], other: [&[u8]; 5]) {
    let length = out.len();
    let now = now.map(|row| &row[..length]);
    let other = other.map(|row| &row[..length]);
    for (x, out) in out.iter_mut().enumerate() {
        let [over, above, here, below, under] = now.map(|row| i16::from(row[x]));
        let [over_2, above_2, here_2, below_2, under_2] = other.map(|row| i16::from(row[x]));
        let still = (here + here_2) >> 1;
        let (over, under) = ((over + over_2) >> 1, (under + under_2) >> 1);
        let between = (here - here_2).abs() >> 1;
        let around = ((above - above_2).abs() + (below - below_2).abs()) >> 1;
        // What moves to and fro looks still. It shows by its teeth: rows of one field all lighter
        // or all darker than those of the other.
        let light = (still - above)
            .min(still - below)
            .min((over - above).max(under - below));
        let dark = (above - still)
            .min(below - still)
            .min((above - over).max(below - under));
        let moves = between.max(around).max(light).max(dark);
        *out = i16::from(*out).max(still - moves).min(still + moves) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: usize = 24;
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
