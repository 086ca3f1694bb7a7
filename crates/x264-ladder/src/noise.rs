//! How much noise a video has: what changes from picture to picture where nothing else does, and is no more
//! than what there is at all where a picture is plain.
//!
//! Noise gets lost when a picture is scaled down, so that the analysed rendition takes things for
//! predictable which in a larger one are not.

use clipsy_picture::Plane;

/// Blocks that are looked at, across and down.
const GRID: (usize, usize) = (32, 18);
/// Samples along a side of a block.
const SIDE: usize = 8;
/// Share of the blocks that is taken to show noise alone: sky, walls, what is out of focus.
const STILL: f32 = 0.15;
/// Black bars tell nothing.
const BLACK: u8 = 20;

/// Follows the noise of one size of a video.
#[derive(Default)]
pub(crate) struct Meter {
    before: Vec<[u8; SIDE * SIDE]>,
    now: Vec<[u8; SIDE * SIDE]>,
    size: (u32, u32),
    deviations: Vec<f32>,
    level: Option<f32>,
}

impl Meter {
    /// Standard deviation of the noise in samples, with the picture whose brightness is `plane`.
    pub(crate) fn measure(&mut self, plane: &Plane<'_>) -> f32 {
        let size = (plane.width, plane.height);
        std::mem::swap(&mut self.before, &mut self.now);
        if self.size != size {
            self.size = size;
            self.before.clear();
        }
        self.now.clear();
        if (plane.width as usize) < SIDE || (plane.height as usize) < SIDE {
            return 0.0;
        }
        let place = |i: usize, count: usize, length: u32| {
            ((2 * i + 1) * (length as usize - SIDE)) / (2 * count)
        };
        for row in 0..GRID.1 {
            for column in 0..GRID.0 {
                let (left, top) = (
                    place(column, GRID.0, plane.width),
                    place(row, GRID.1, plane.height),
                );
                let mut block = [0; SIDE * SIDE];
                for (y, line) in block.chunks_exact_mut(SIDE).enumerate() {
                    let at = (top + y) * plane.stride + left;
                    line.copy_from_slice(&plane.data[at..at + SIDE]);
                }
                self.now.push(block);
            }
        }
        if let Some(deviation) = self.deviation() {
            // A cut is no noise, and noise does not come and go.
            let level = self.level.unwrap_or(deviation);
            let seen = deviation.min(1.5 * level + 0.5);
            self.level = Some(level + 0.15 * (seen - level));
        }
        self.level.unwrap_or(0.0)
    }

    /// Of this picture against the one before it.
    fn deviation(&mut self) -> Option<f32> {
        if self.before.len() != self.now.len() {
            return None;
        }
        let pairs = self.before.iter().zip(&self.now);
        self.deviations.clear();
        self.deviations
            .extend(pairs.filter_map(|(a, b)| changed(a, b)));
        let at = (self.deviations.len() as f32 * STILL) as usize;
        if at >= self.deviations.len() {
            return None;
        }
        let (_, deviation, _) = self.deviations.select_nth_unstable_by(at, f32::total_cmp);
        Some(*deviation)
    }
}

/// What noise there can be in two blocks of the same place, as a standard deviation: the difference has that of
/// both, and what moves makes a difference, too, but one block has it alone. `None` if they are black.
fn changed(a: &[u8], b: &[u8]) -> Option<f32> {
    if a == b && a.iter().all(|&sample| sample < BLACK) {
        return None;
    }
    let differences = a.iter().zip(b).map(|(&a, &b)| i32::from(a) - i32::from(b));
    let temporal = deviation(differences) / 2f32.sqrt();
    Some(temporal.min(deviation(b.iter().map(|&sample| i32::from(sample)))))
}

fn deviation(values: impl ExactSizeIterator<Item = i32>) -> f32 {
    let count = values.len() as f32;
    let (sum, squares) = values.fold((0, 0), |(sum, squares), v| (sum + v, squares + v * v));
    let mean = sum as f32 / count;
    (squares as f32 / count - mean * mean).max(0.0).sqrt()
}

/// The noise that a rendition of `width` shows on top of what the analysed one shows. What is known is
/// that of two widths, the analysed one first; in between it grows evenly with the logarithm.
pub(crate) fn extra(known: [(u32, f32); 2], width: u32) -> f32 {
    let [(small, low), (large, high)] = known;
    if width <= small || large <= small || high <= low {
        return 0.0;
    }
    let log = |width: u32| (width as f32).ln();
    let share = ((log(width) - log(small)) / (log(large) - log(small))).min(1.0);
    let here = low + share * (high - low);
    (here * here - low * low).max(0.0).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane(data: &[u8]) -> Plane<'_> {
        Plane {
            data,
            stride: 320,
            width: 320,
            height: 180,
        }
    }

    /// A gradient with noise of this amplitude, another in each picture.
    fn noisy(seed: u32, amplitude: i32) -> Vec<u8> {
        let mut state = seed.wrapping_mul(2_654_435_761) | 1;
        (0..320 * 180)
            .map(|i| {
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                let noise = (state >> 8).cast_signed() % (2 * amplitude + 1) - amplitude;
                (60 + i % 320 / 4 + noise) as u8
            })
            .collect()
    }

    #[test]
    fn noise_is_measured_and_a_still_picture_has_none() {
        for (amplitude, least, most) in [(0, 0.0, 0.01), (3, 1.5, 2.3), (10, 5.0, 6.5)] {
            let mut meter = Meter::default();
            let mut level = 0.0;
            for seed in 1..40 {
                level = meter.measure(&plane(&noisy(seed, amplitude)));
            }
            assert!((least..=most).contains(&level), "{amplitude}: {level}");
        }
    }

    #[test]
    fn a_cut_is_no_noise() {
        let mut meter = Meter::default();
        let (one, other) = (vec![50; 320 * 180], noisy(1, 60));
        for picture in [&one, &one, &one, &other, &one, &one] {
            meter.measure(&plane(picture));
        }
        assert!(meter.measure(&plane(&one)) < 0.3);
    }

    #[test]
    fn only_larger_renditions_show_more() {
        let known = [(854, 1.0), (1920, 4.0)];
        assert!(extra(known, 640) < f32::EPSILON);
        assert!(extra(known, 854) < f32::EPSILON);
        assert!(extra(known, 1280) < extra(known, 1920));
        assert!((extra(known, 1920) - 15f32.sqrt()).abs() < 1e-4);
    }
}
