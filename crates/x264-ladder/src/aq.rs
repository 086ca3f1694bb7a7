//! x264's adaptive quantisation, computed again.
//!
//! What the look-ahead gives out has it in it, and each rendition has its own: so that of the analysed
//! picture is taken off. The formulas are those of x264's `ratecontrol.c`; [`energies`] is also what the
//! measure of noise starts from.

use clipsy_picture::Plane;

/// Sum of squared differences from the mean of each macroblock, colours included, in raster order.
/// Blocks that reach over the edge go on with its last samples, as in x264.
pub(crate) fn energies(planes: &[Plane<'_>; 3], size: (u32, u32), out: &mut Vec<u32>) {
    let (columns, rows) = (size.0.div_ceil(16) as usize, size.1.div_ceil(16) as usize);
    out.clear();
    out.resize(columns * rows, 0);
    for (plane, side) in planes.iter().zip([16, 8, 8]) {
        for (row, line) in out.chunks_mut(columns).enumerate() {
            for (column, energy) in line.iter_mut().enumerate() {
                *energy += block(plane, column * side, row * side, side);
            }
        }
    }
}

/// The same of one square of a plane.
fn block(plane: &Plane<'_>, left: usize, top: usize, side: usize) -> u32 {
    let (mut sum, mut squares) = (0u32, 0u32);
    let (width, height) = (plane.width as usize, plane.height as usize);
    let mut add = |row: &[u8]| {
        let (mut s, mut q) = (0u32, 0u32);
        for &sample in row {
            s += u32::from(sample);
            q += u32::from(sample) * u32::from(sample);
        }
        sum += s;
        squares += q;
    };
    for y in top..top + side {
        let start = y.min(height - 1) * plane.stride;
        let row = &plane.data[start..start + width];
        if left + side <= width {
            // Of a known length, so that the loop has no rest.
            match side {
                16 => add(&row[left..left + 16]),
                _ => add(&row[left..left + 8]),
            }
        } else {
            let mut padded = [0u8; 16];
            for (x, sample) in padded[..side].iter_mut().enumerate() {
                *sample = row[(left + x).min(width - 1)];
            }
            add(&padded[..side]);
        }
    }
    let shift = if side == 16 { 8 } else { 6 };
    squares - ((u64::from(sum) * u64::from(sum)) >> shift) as u32
}

/// The offsets of the quantiser that x264 makes of these energies.
pub(crate) fn offsets(mode: i32, strength: f32, energies: &[u32], out: &mut Vec<f32>) {
    out.clear();
    match mode {
        _ if strength == 0.0 => out.resize(energies.len(), 0.0),
        0 => out.resize(energies.len(), 0.0),
        1 => {
            let strength = strength * 1.0397;
            let each = energies.iter();
            out.extend(each.map(|&e| strength * ((e.max(1) as f32).log2() - 14.427)));
        }
        _ => {
            let each = energies.iter();
            // An eighth root is three square roots.
            out.extend(each.map(|&e| (e as f32 + 1.0).sqrt().sqrt().sqrt()));
            let count = energies.len() as f32;
            let mean = out.iter().sum::<f32>() / count;
            let square = out.iter().map(|v| v * v).sum::<f32>() / count;
            let strength = strength * mean;
            let middle = mean - 0.5 * (square - 14.0) / mean;
            for value in out.iter_mut() {
                *value = strength * (*value - middle);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_block_has_no_energy_and_an_edge_goes_on() {
        let data: Vec<u8> = (0..24 * 20)
            .map(|i| if i % 24 < 16 { 50 } else { 60 })
            .collect();
        let grey = vec![128; 12 * 10];
        let plane = |data, width: u32, height| Plane {
            data,
            stride: width as usize,
            width,
            height,
        };
        let planes = [
            plane(&data, 24, 20),
            plane(&grey, 12, 10),
            plane(&grey, 12, 10),
        ];
        let mut found = Vec::new();
        energies(&planes, (24, 20), &mut found);
        assert_eq!(found, [0, 0, 0, 0]);
    }

    #[test]
    fn energy_is_the_variance_of_all_samples() {
        let data: Vec<u8> = (0..256)
            .map(|i| if i % 2 == 0 { 100 } else { 104 })
            .collect();
        let grey = vec![128; 64];
        let plane = |data, width: u32| Plane {
            data,
            stride: width as usize,
            width,
            height: width,
        };
        let mut found = Vec::new();
        energies(
            &[plane(&data, 16), plane(&grey, 8), plane(&grey, 8)],
            (16, 16),
            &mut found,
        );
        assert_eq!(found, [256 * 4]);
    }
}
