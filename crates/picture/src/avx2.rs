//! Scaling of a plane with AVX2: first the columns into a row of 16-bit samples, then that row.
//!
//! In this order the second pass, which cannot take neighbours together, has the fewest rows to do. It
//! takes a third of the time of `pic-scale`, which has no such pass for one component
//! (docs/decisions/0003-own-scaler-element.md).
#![allow(
    unsafe_code,
    reason = "loads and stores of whole registers have no safe form"
)]
#![allow(clippy::wildcard_imports, reason = "the names of instructions")]

use std::arch::x86_64::*;

use crate::taps::{ONE_BITS, Taps};
use crate::{Plane, PlaneMut};

/// Fraction bits of the samples between the passes: with the overshoot of the filter they fit in 16 bits.
const BETWEEN_BITS: i32 = 6;
/// Samples that the second pass makes at a time.
const BLOCK: usize = 8;
/// Samples of a source that it takes at a time for each.
const GROUP: usize = 8;
/// Samples that the first pass makes at a time.
const CHUNK: usize = 16;

/// A way from one size to another, with the row between the passes.
pub(crate) struct Plan {
    columns: Taps,
    /// Two weights in one, for pairs of rows; the last row of an odd number is paired with itself.
    column_weights: Vec<i32>,
    rows: Rows,
    between: Vec<i16>,
}

/// The weights of the second pass in the order in which it takes them.
struct Rows {
    /// [`GROUP`]s that each sample is made of.
    groups: usize,
    /// Where each begins, whole [`BLOCK`]s.
    starts: Vec<usize>,
    /// For each block and group: those of samples 0 and 4, 1 and 5, 2 and 6, 3 and 7.
    weights: Vec<i16>,
}

impl Plan {
    /// `None` where the processor cannot do it, or the picture is smaller than the filter.
    pub(crate) fn new(from: (u32, u32), to: (u32, u32)) -> Option<Self> {
        let width = from.0 as usize;
        if !is_x86_feature_detected!("avx2") || width < CHUNK {
            return None;
        }
        let columns = Taps::new(from.1 as usize, to.1 as usize)?;
        let rows = Rows::new(&Taps::new(width, to.0 as usize)?);
        let pair = |pair: &[i16]| {
            let second = pair.get(1).copied().unwrap_or(0);
            i32::from(pair[0]) & 0xffff | i32::from(second) << 16
        };
        let of = |weights: &[i16]| weights.chunks(2).map(pair).collect::<Vec<_>>();
        Some(Self {
            column_weights: columns.weights.chunks(columns.count).flat_map(of).collect(),
            between: vec![0; width + rows.groups * GROUP],
            columns,
            rows,
        })
    }

    /// Scales `from` to `width` samples a row; both have the sizes of the plan.
    ///
    /// # Panics
    /// If a plane is smaller than the plan says.
    pub(crate) fn scale(&mut self, from: &Plane<'_>, to: &mut PlaneMut<'_>, width: usize) {
        let source_width = from.width as usize;
        let pairs = self.columns.count.div_ceil(2);
        assert!(self.between.len() >= source_width + self.rows.groups * GROUP);
        assert!(self.rows.starts.len() >= width);
        let mut sources = Vec::with_capacity(pairs * 2);
        for (line, (&start, weights)) in self
            .columns
            .starts
            .iter()
            .zip(self.column_weights.chunks_exact(pairs))
            .enumerate()
        {
            sources.clear();
            sources.extend((start..start + self.columns.count).map(|row| {
                let first = row * from.stride;
                &from.data[first..first + source_width]
            }));
            if sources.len() % 2 == 1 {
                sources.push(sources[sources.len() - 1]);
            }
            let first = line * to.stride;
            let target = &mut to.data[first..first + width];
            // SAFETY: `Plan::new` has seen that the processor has AVX2. Each source has
            // `source_width` samples, at least `CHUNK`, and `between` has as many and a group for each
            // of `groups` behind them, so that no sample starts where a group would reach further.
            unsafe {
                mix_rows(&sources, weights, &mut self.between[..source_width]);
                match self.rows.groups {
                    1 => scale_row::<1>(&self.rows, &self.between, target),
                    2 => scale_row::<2>(&self.rows, &self.between, target),
                    _ => scale_row::<0>(&self.rows, &self.between, target),
                }
            }
        }
    }
}

impl Rows {
    fn new(taps: &Taps) -> Self {
        let groups = taps.count.div_ceil(GROUP);
        let blocks = taps.starts.len().div_ceil(BLOCK);
        let mut starts = taps.starts.clone();
        starts.resize(blocks * BLOCK, 0);
        let weight = |sample: usize, tap: usize| {
            let known = tap < taps.count && sample < taps.starts.len();
            if known {
                taps.weights[sample * taps.count + tap]
            } else {
                0
            }
        };
        let mut weights = Vec::with_capacity(blocks * BLOCK * groups * GROUP);
        for block in 0..blocks {
            for group in 0..groups {
                for sample in [0, 4, 1, 5, 2, 6, 3, 7] {
                    let taps = group * GROUP..(group + 1) * GROUP;
                    weights.extend(taps.map(|tap| weight(block * BLOCK + sample, tap)));
                }
            }
        }
        Self {
            groups,
            starts,
            weights,
        }
    }
}

/// The sum of rows by their weights.
///
/// # Safety
/// All `sources` have as many samples as `target`, at least [`CHUNK`]; two for each of `weights`.
#[target_feature(enable = "avx2")]
unsafe fn mix_rows(sources: &[&[u8]], weights: &[i32], target: &mut [i16]) {
    const SHIFT: i32 = ONE_BITS - BETWEEN_BITS;
    let half = _mm256_set1_epi32(1 << (SHIFT - 1));
    let width = target.len();
    let mut x = 0;
    loop {
        let (mut low, mut high) = (half, half);
        for (pair, &weight) in sources.chunks_exact(2).zip(weights) {
            // SAFETY: `x + CHUNK` is at most the number of samples.
            let (first, second) = unsafe {
                (
                    _mm_loadu_si128(pair.get_unchecked(0).as_ptr().add(x).cast()),
                    _mm_loadu_si128(pair.get_unchecked(1).as_ptr().add(x).cast()),
                )
            };
            let (first, second) = (_mm256_cvtepu8_epi16(first), _mm256_cvtepu8_epi16(second));
            let weight = _mm256_set1_epi32(weight);
            let (a, b) = (
                _mm256_unpacklo_epi16(first, second),
                _mm256_unpackhi_epi16(first, second),
            );
            low = _mm256_add_epi32(low, _mm256_madd_epi16(a, weight));
            high = _mm256_add_epi32(high, _mm256_madd_epi16(b, weight));
        }
        let mixed = _mm256_packs_epi32(
            _mm256_srai_epi32::<SHIFT>(low),
            _mm256_srai_epi32::<SHIFT>(high),
        );
        // SAFETY: as above.
        unsafe { _mm256_storeu_si256(target.as_mut_ptr().add(x).cast(), mixed) };
        if x + CHUNK == width {
            return;
        }
        // The last chunk overlaps with the one before it.
        x = (x + CHUNK).min(width - CHUNK);
    }
}

/// Makes a row of `source`. `GROUPS` are those of `rows`, or 0 for any number.
///
/// # Safety
/// `source` has the groups of every sample of `rows`, which has at least as many samples as `target`.
#[target_feature(enable = "avx2")]
unsafe fn scale_row<const GROUPS: usize>(rows: &Rows, source: &[i16], target: &mut [u8]) {
    const SHIFT: i32 = ONE_BITS + BETWEEN_BITS;
    let half = _mm256_set1_epi32(1 << (SHIFT - 1));
    let groups = if GROUPS == 0 { rows.groups } else { GROUPS };
    let blocks = rows.starts.chunks_exact(BLOCK);
    let weights = rows.weights.chunks_exact(BLOCK * GROUP * groups);
    for ((starts, weights), target) in blocks.zip(weights).zip(target.chunks_mut(BLOCK)) {
        let mut sums = [_mm256_setzero_si256(); 4];
        for group in 0..groups {
            for (i, sum) in sums.iter_mut().enumerate() {
                // SAFETY: the caller's; a block has eight starts and a group four times 16 weights.
                unsafe {
                    let at = |sample: usize| {
                        let start = starts.get_unchecked(sample) + group * GROUP;
                        _mm_loadu_si128(source.as_ptr().add(start).cast())
                    };
                    let samples =
                        _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(at(i)), at(i + 4));
                    let weights = weights.as_ptr().add((group * 4 + i) * 2 * GROUP);
                    let weights = _mm256_loadu_si256(weights.cast());
                    *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(samples, weights));
                }
            }
        }
        // Within each half of a register: 0 to 3 and 4 to 7.
        let all = _mm256_hadd_epi32(
            _mm256_hadd_epi32(sums[0], sums[1]),
            _mm256_hadd_epi32(sums[2], sums[3]),
        );
        let all = _mm256_srai_epi32::<SHIFT>(_mm256_add_epi32(all, half));
        let (low, high) = (
            _mm256_castsi256_si128(all),
            _mm256_extracti128_si256::<1>(all),
        );
        let words = _mm_packs_epi32(low, high);
        let bytes = _mm_cvtsi128_si64(_mm_packus_epi16(words, words)).to_le_bytes();
        target.copy_from_slice(&bytes[..target.len()]);
    }
}
