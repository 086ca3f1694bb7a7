//! What pictures are worth to others, from the grid of one rendition to that of another.

use crate::x264::blocks;

/// Offsets of the quantiser for each macroblock of the analysed picture; nowhere above zero.
pub(crate) type Tree = Vec<f32>;

/// Resamples trees between two sizes of the same picture.
pub(crate) struct Resampler {
    columns: Vec<Tap>,
    rows: Vec<Tap>,
    from: (usize, usize),
    /// Rows of the source at the width of the target.
    wide: Vec<f32>,
}

/// From where on, and how much of each.
struct Tap {
    start: usize,
    weights: Vec<f32>,
}

impl Resampler {
    /// From pictures of one size to those of another.
    pub(crate) fn new(from: (u32, u32), to: (u32, u32)) -> Self {
        Self {
            columns: taps(from.0, to.0),
            rows: taps(from.1, to.1),
            from: (from.0.div_ceil(16) as usize, from.1.div_ceil(16) as usize),
            wide: Vec::new(),
        }
    }

    /// `tree` on the other grid with `add` added.
    pub(crate) fn resample(&mut self, tree: &[f32], add: f32, out: &mut Vec<f32>) {
        let width = self.columns.len();
        self.wide.clear();
        self.wide.reserve(width * self.from.1);
        for row in tree.chunks(self.from.0) {
            let across = self.columns.iter().map(|tap| {
                let values = &row[tap.start..];
                tap.weights
                    .iter()
                    .zip(values)
                    .map(|(w, v)| w * v)
                    .sum::<f32>()
            });
            self.wide.extend(across);
        }
        out.clear();
        out.reserve(width * self.rows.len());
        for tap in &self.rows {
            let start = out.len();
            out.resize(start + width, add);
            let line = &mut out[start..];
            for (weight, row) in tap
                .weights
                .iter()
                .zip(self.wide.chunks(width).skip(tap.start))
            {
                for (to, from) in line.iter_mut().zip(row) {
                    *to += weight * from;
                }
            }
        }
    }
}

/// Weights by distance, over one block of the coarser grid to each side.
fn taps(from: u32, to: u32) -> Vec<Tap> {
    let (known, wanted) = (from.div_ceil(16) as usize, to.div_ceil(16) as usize);
    let ratio = from as f32 / to as f32;
    let reach = ratio.max(1.0);
    (0..wanted)
        .map(|i| {
            let middle = ((i as f32 + 0.5) * ratio - 0.5).clamp(0.0, (known - 1) as f32);
            let start = (middle - reach).ceil().max(0.0) as usize;
            let end = ((middle + reach).floor() as usize).min(known - 1);
            let weight = |at: usize| (1.0 - (at as f32 - middle).abs() / reach).max(0.0);
            let weights: Vec<f32> = (start..=end).map(weight).collect();
            let sum: f32 = weights.iter().sum();
            Tap {
                start,
                weights: weights.iter().map(|w| w / sum).collect(),
            }
        })
        .collect()
}

/// Takes adaptive quantisation off what the look-ahead found.
pub(crate) fn of_found(found: Vec<f32>, aq: &[f32]) -> Tree {
    let mut tree = found;
    for (value, aq) in tree.iter_mut().zip(aq) {
        // What is left of rounding is no reason to code anything worse.
        *value = (*value - aq).min(0.0);
    }
    tree
}

/// The tree of a rendition that shows noise which the analysed one does not.
///
/// A block whose prediction costs the share `r` of what it costs to code alone has the offset
/// `strength · log2 r`. Noise of `share` of that cost is in both, and predicted by neither.
pub(crate) fn with_noise(tree: &[f32], shares: impl Iterator<Item = f32>, strength: f32) -> Tree {
    let each = tree.iter().zip(shares);
    each.map(|(&offset, noise)| {
        let rest = (offset / strength).exp2();
        strength * ((rest + noise) / (1.0 + noise)).log2()
    })
    .collect()
}

/// An offset that is the same all over a picture of this size.
pub(crate) fn flat(size: (u32, u32), add: f32, out: &mut Vec<f32>) {
    out.clear();
    out.resize(blocks(size), add);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f32, b: f32) -> bool {
        (a - b).abs() < 1e-4
    }

    #[test]
    fn a_level_tree_stays_level_at_any_size() {
        for to in [(1920, 1080), (854, 480), (640, 360), (16, 16), (100, 2000)] {
            let mut out = Vec::new();
            let tree = vec![-3.0; blocks((854, 480))];
            Resampler::new((854, 480), to).resample(&tree, 1.0, &mut out);
            assert_eq!(out.len(), blocks(to));
            assert!(out.iter().all(|v| near(*v, -2.0)), "{to:?}");
        }
    }

    #[test]
    fn the_left_stays_left_and_the_top_on_top() {
        let mut out = Vec::new();
        let tree: Vec<f32> = (0..4 * 2)
            .map(|i| if i % 4 < 2 && i < 4 { -4.0 } else { 0.0 })
            .collect();
        Resampler::new((64, 32), (128, 64)).resample(&tree, 0.0, &mut out);
        assert!(near(out[0], -4.0) && near(out[7], 0.0) && near(out[3 * 8], 0.0));
        let falling = |a: &[f32]| a.windows(2).all(|w| w[0] <= w[1]);
        assert!(falling(&out[..8]), "{out:?}");
    }

    #[test]
    fn noise_takes_most_from_what_is_best_predicted() {
        let tree = with_noise(&[0.0, -2.0, -8.0], [0.2; 3].into_iter(), 2.0);
        assert!(near(tree[0], 0.0), "{tree:?}");
        assert!(tree[1] < 0.0 && tree[1] > -2.0 && tree[2] < tree[1]);
        assert!(tree[2] / -8.0 < tree[1] / -2.0);
        let clean = with_noise(&[-8.0], [0.0].into_iter(), 2.0);
        assert!(near(clean[0], -8.0));
    }
}
