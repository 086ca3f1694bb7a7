//! The picture that encoders and decoders are proven with: cells of one colour each, which all change
//! from picture to picture. What comes back green, torn, shifted or in another order is told by the
//! means of the cells, and scaling and coding change those little.

/// Cells in a row, and rows, at most; those of the samples.
pub(crate) const CELLS: u32 = 8;
/// A cell is at least so wide and high, or coding blurs it.
const LEAST: u32 = 16;
/// Most that the mean of a cell may differ, and that all may on average, in steps of 8 bits.
const MOST: f64 = 24.0;
const MOST_MEAN: f64 = 5.0;

/// A picture in I420.
#[derive(Debug, Clone)]
pub(crate) struct Picture {
    pub(crate) planes: [Vec<u8>; 3],
    pub(crate) width: usize,
    pub(crate) height: usize,
}

/// The colour of a cell in the picture `number`: luma and both chroma.
fn colour(column: u32, row: u32, number: u32) -> [u8; 3] {
    // tools/make-samples.py draws the same.
    let n = column * 3 + row * 5 + number * 7;
    let at = |least: u32, step: u32, most: u32| (least + n * step % most) as u8;
    [at(48, 53, 160), at(80, 29, 96), at(80, 71, 96)]
}

/// Size of a plane: those of chroma have half the size in both directions.
fn size(plane: usize, width: usize, height: usize) -> (usize, usize) {
    if plane == 0 {
        (width, height)
    } else {
        (width.div_ceil(2), height.div_ceil(2))
    }
}

/// How many cells in a row a picture can have whose shorter side is so long.
pub(crate) fn cells(short_side: u32) -> u32 {
    (short_side / LEAST).clamp(1, CELLS)
}

/// The picture `number` with so many `cells` in a row, and rows without gaps.
pub(crate) fn draw(width: usize, height: usize, cells: u32, number: u32) -> Picture {
    let planes = [0, 1, 2].map(|plane| {
        let (width, height) = size(plane, width, height);
        let cell = |at: usize, length: usize| (at * cells as usize / length.max(1)) as u32;
        let row = |y: usize| {
            (0..width).map(move |x| colour(cell(x, width), cell(y, height), number)[plane])
        };
        (0..height).flat_map(row).collect()
    });
    Picture {
        planes,
        width,
        height,
    }
}

/// How a picture differs from the one with so many `cells` in a row and this number, in words; `None`
/// if it does not.
pub(crate) fn differs(picture: &Picture, cells: u32, number: u32) -> Option<String> {
    let (mut sum, mut most) = (0.0, 0.0f64);
    for (plane, data) in picture.planes.iter().enumerate() {
        let (width, height) = size(plane, picture.width, picture.height);
        for row in 0..cells {
            for column in 0..cells {
                let mean = mean(data, (width, height), cells, (column, row))?;
                let expected = colour(column, row, number)[plane];
                let difference = (mean - f64::from(expected)).abs();
                sum += difference;
                most = most.max(difference);
            }
        }
    }
    let mean = sum / f64::from(cells * cells * 3);
    (most > MOST || mean > MOST_MEAN).then(|| {
        format!("picture {number} came back changed, by {mean:.0} on average and {most:.0} at most")
    })
}

/// The mean of the middle of a cell.
fn mean(data: &[u8], (width, height): (usize, usize), cells: u32, cell: (u32, u32)) -> Option<f64> {
    let span = |at: u32, length: usize| {
        let edge = |n: u32| n as usize * length / cells as usize;
        let (start, end) = (edge(at), edge(at + 1));
        // The edges are blurred by scaling.
        let margin = (end - start) / 5;
        start + margin..(end - margin).max(start + margin + 1)
    };
    let (columns, rows) = (span(cell.0, width), span(cell.1, height));
    let count = columns.len() * rows.len();
    let mut sum = 0u64;
    for y in rows {
        let row = data.get(y * width..(y + 1) * width)?;
        sum += row
            .get(columns.clone())?
            .iter()
            .map(|v| u64::from(*v))
            .sum::<u64>();
    }
    Some(sum as f64 / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_itself_and_no_other() {
        for (width, height) in [(320, 180), (64, 36), (16, 16), (2, 2)] {
            let cells = cells(height as u32);
            let picture = draw(width, height, cells, 3);
            assert_eq!(differs(&picture, cells, 3), None, "{width}x{height}");
            assert!(differs(&picture, cells, 2).is_some());
        }
    }

    #[test]
    fn green_and_torn_pictures_are_told() {
        let mut green = draw(320, 180, CELLS, 0);
        for plane in &mut green.planes {
            plane.fill(0);
        }
        assert!(differs(&green, CELLS, 0).is_some());
        let mut torn = draw(320, 180, CELLS, 0);
        for plane in &mut torn.planes {
            let half = plane.len() / 2;
            plane[half..].rotate_right(17);
        }
        assert!(differs(&torn, CELLS, 0).is_some());
    }
}
