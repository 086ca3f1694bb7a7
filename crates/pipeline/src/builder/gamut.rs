//! From the primaries of one colour space to those of another.

use gstreamer_video::VideoColorPrimaries;

/// Three rows of three factors.
pub(crate) type Matrix = [[f32; 3]; 3];

/// Chromaticities of red, green, blue and white: ITU-T H.273, table 2; Adobe RGB (1998), 4.3.1.
fn chromaticities(primaries: VideoColorPrimaries) -> [[f32; 2]; 4] {
    use VideoColorPrimaries as P;
    const D65: [f32; 2] = [0.3127, 0.3290];
    const C: [f32; 2] = [0.310, 0.316];
    match primaries {
        P::Bt470m => [[0.67, 0.33], [0.21, 0.71], [0.14, 0.08], C],
        P::Bt470bg => [[0.64, 0.33], [0.29, 0.60], [0.15, 0.06], D65],
        P::Smpte170m | P::Smpte240m => [[0.630, 0.340], [0.310, 0.595], [0.155, 0.070], D65],
        P::Film => [[0.681, 0.319], [0.243, 0.692], [0.145, 0.049], C],
        P::Bt2020 => [[0.708, 0.292], [0.170, 0.797], [0.131, 0.046], D65],
        P::Adobergb => [[0.64, 0.33], [0.21, 0.71], [0.15, 0.06], D65],
        P::Smptest428 => [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0], [1.0 / 3.0, 1.0 / 3.0]],
        P::Smpterp431 => [
            [0.680, 0.320],
            [0.265, 0.690],
            [0.150, 0.060],
            [0.314, 0.351],
        ],
        P::Smpteeg432 => [[0.680, 0.320], [0.265, 0.690], [0.150, 0.060], D65],
        P::Ebu3213 => [[0.630, 0.340], [0.295, 0.605], [0.155, 0.077], D65],
        _ => [[0.640, 0.330], [0.300, 0.600], [0.150, 0.060], D65],
    }
}

/// What takes light of `from` to light of `to`. White stays white: where the two differ in it, the
/// Bradford transform (ICC.1, annex E) adapts the eye.
pub(crate) fn between(from: VideoColorPrimaries, to: VideoColorPrimaries) -> Matrix {
    const BRADFORD: Matrix = [
        [0.8951, 0.2664, -0.1614],
        [-0.7502, 1.7135, 0.0367],
        [0.0389, -0.0685, 1.0296],
    ];
    let [here, there] = [from, to].map(chromaticities);
    let [cones, wanted] = [here, there].map(|c| apply(&BRADFORD, xyz(c[3])));
    let mut adapt = BRADFORD;
    for (row, (cone, wanted)) in adapt.iter_mut().zip(cones.into_iter().zip(wanted)) {
        *row = row.map(|factor| factor * wanted / cone);
    }
    let adapt = times(&inverse(&BRADFORD), &adapt);
    times(&inverse(&to_xyz(there)), &times(&adapt, &to_xyz(here)))
}

/// A colour after a matrix.
pub(crate) fn apply(matrix: &Matrix, colour: [f32; 3]) -> [f32; 3] {
    matrix.map(|row| {
        row.iter()
            .zip(colour)
            .map(|(factor, part)| factor * part)
            .sum()
    })
}

/// XYZ of a chromaticity at the brightness of 1.
fn xyz([x, y]: [f32; 2]) -> [f32; 3] {
    [x / y, 1.0, (1.0 - x - y) / y]
}

/// From RGB to XYZ (SMPTE RP 177).
fn to_xyz([red, green, blue, white]: [[f32; 2]; 4]) -> Matrix {
    let columns = [red, green, blue].map(|[x, y]| [x, y, 1.0 - x - y]);
    let rows: Matrix = std::array::from_fn(|row| columns.map(|column| column[row]));
    let strength = apply(&inverse(&rows), xyz(white));
    rows.map(|row| std::array::from_fn(|column| row[column] * strength[column]))
}

fn times(a: &Matrix, b: &Matrix) -> Matrix {
    a.map(|row| std::array::from_fn(|column| (0..3).map(|i| row[i] * b[i][column]).sum()))
}

fn inverse(m: &Matrix) -> Matrix {
    let minor = |row: usize, column: usize| {
        let at = |r: usize, c: usize| m[(row + r) % 3][(column + c) % 3];
        at(1, 1) * at(2, 2) - at(1, 2) * at(2, 1)
    };
    let whole: f32 = (0..3).map(|column| m[0][column] * minor(0, column)).sum();
    std::array::from_fn(|row| std::array::from_fn(|column| minor(column, row) / whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: &Matrix, b: &Matrix) {
        for (a, b) in a.iter().flatten().zip(b.iter().flatten()) {
            assert!((a - b).abs() < 2e-4, "{a} for {b}");
        }
    }

    #[test]
    fn bt2020_to_bt709_is_that_of_bt2087() {
        let published = [
            [1.6605, -0.5876, -0.0728],
            [-0.1246, 1.1329, -0.0083],
            [-0.0182, -0.1006, 1.1187],
        ];
        near(
            &between(VideoColorPrimaries::Bt2020, VideoColorPrimaries::Bt709),
            &published,
        );
    }

    #[test]
    fn there_and_back_is_where_it_was_and_white_is_white() {
        use VideoColorPrimaries as P;
        for other in [
            P::Bt470m,
            P::Film,
            P::Smpterp431,
            P::Smpteeg432,
            P::Adobergb,
            P::Smptest428,
        ] {
            let (there, back) = (between(other, P::Bt709), between(P::Bt709, other));
            near(
                &times(&there, &back),
                &[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
            );
            for part in apply(&there, [1.0; 3]) {
                assert!((part - 1.0).abs() < 1e-4, "{other:?}: {part}");
            }
        }
    }
}
