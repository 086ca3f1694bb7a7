//! The weights of a filter that brings a row or column of samples to another length.

/// One as a weight.
pub(crate) const ONE_BITS: i32 = 14;
/// The filter reaches this far to either side, in samples of the coarser side.
const REACH: f64 = 2.0;

/// Which samples of a source each sample of a target is made of.
#[derive(Debug)]
pub(crate) struct Taps {
    /// Samples that each is made of.
    pub(crate) count: usize,
    /// The first of them, for each target sample.
    pub(crate) starts: Vec<usize>,
    /// `count` weights for each, whose sum is one.
    pub(crate) weights: Vec<i16>,
}

impl Taps {
    /// From `from` to `to` samples. Where the target is smaller the filter is widened, so that nothing
    /// aliases. `None` if the source is shorter than the filter.
    pub(crate) fn new(from: usize, to: usize) -> Option<Self> {
        let ratio = from as f64 / to as f64;
        let widened = ratio.max(1.0);
        let reach = REACH * widened;
        let count = (2.0 * reach).ceil() as usize;
        if to == 0 || count > from {
            return None;
        }
        let mut starts = Vec::with_capacity(to);
        let mut weights = Vec::with_capacity(to * count);
        for target in 0..to {
            let centre = (target as f64 + 0.5) * ratio - 0.5;
            let first = (centre - reach).floor() + 1.0;
            let start = (first.max(0.0) as usize).min(from - count);
            let exact: Vec<f64> = (start..start + count)
                .map(|source| cubic((source as f64 - centre) / widened))
                .collect();
            weights.extend(rounded(&exact));
            starts.push(start);
        }
        Some(Self {
            count,
            starts,
            weights,
        })
    }
}

/// As integers whose sum is exactly one, so that a flat picture stays flat.
fn rounded(exact: &[f64]) -> Vec<i16> {
    let one = f64::from(1_u32 << ONE_BITS);
    let sum: f64 = exact.iter().sum();
    let mut weights: Vec<i16> = exact
        .iter()
        .map(|weight| (weight / sum * one).round() as i16)
        .collect();
    let missing = one as i32 - weights.iter().map(|&weight| i32::from(weight)).sum::<i32>();
    if let Some(largest) = weights.iter_mut().max() {
        *largest += missing as i16;
    }
    weights
}

/// Keys' cubic (R. Keys, 1981) with a = −0.6, as in ffmpeg's `bicubic`: with −0.5, small text loses 0.2 dB
/// and more.
fn cubic(x: f64) -> f64 {
    const A: f64 = -0.6;
    let x = x.abs();
    if x < 1.0 {
        ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        ((A * x - 5.0 * A) * x + 8.0 * A) * x - 4.0 * A
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_add_up_to_one_and_stay_inside() {
        for (from, to) in [
            (1920, 1280),
            (1080, 480),
            (1920, 854),
            (640, 640),
            (64, 100),
            (16, 4),
        ] {
            let taps = Taps::new(from, to).unwrap();
            assert_eq!(taps.starts.len(), to);
            for (start, weights) in taps.starts.iter().zip(taps.weights.chunks(taps.count)) {
                assert!(start + taps.count <= from);
                assert_eq!(
                    weights.iter().map(|&w| i32::from(w)).sum::<i32>(),
                    1 << ONE_BITS
                );
            }
        }
        assert!(Taps::new(7, 3).is_none());
    }

    #[test]
    fn the_same_size_takes_every_sample_as_it_is() {
        let taps = Taps::new(8, 8).unwrap();
        for (target, (start, weights)) in taps.starts.iter().zip(taps.weights.chunks(4)).enumerate()
        {
            let found = weights.iter().position(|&weight| weight == 1 << ONE_BITS);
            assert_eq!(start + found.unwrap(), target);
        }
    }
}
