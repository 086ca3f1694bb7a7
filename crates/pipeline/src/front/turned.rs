//! How players are to turn and mirror the pictures of a track.
//!
//! `qtdemux` up to 1.24 passes turns on but nothing that is mirrored, as front cameras record, and never
//! looks at the matrix of the movie header; `matroskademux` up to 1.24 says nothing at all.

use clipsy_domain::media::Orientation;

use super::boxes::u32_at;

/// What a matrix does, as the signs of its four parts that turn: `a b` and `c d`.
pub(super) type Turn = [i32; 4];

/// The turn by right angles in the matrix at `at` of a movie or track header (ISO/IEC 14496-12, 6.2.2);
/// `None` if it turns by another angle or says nothing. A change of size does not matter here.
pub(super) fn of_matrix(header: &[u8], at: usize) -> Option<Turn> {
    let part = |n: usize| Some(u32_at(header, at + 4 * n)?.cast_signed().signum());
    let turn = [part(0)?, part(1)?, part(3)?, part(4)?];
    let [a, b, c, d] = turn;
    let straight = a != 0 && d != 0 && b == 0 && c == 0;
    let aside = a == 0 && d == 0 && b != 0 && c != 0;
    (straight || aside).then_some(turn)
}

/// One after the other: that of a track, then that of the movie.
pub(super) fn then(first: Turn, next: Turn) -> Turn {
    let part =
        |row: usize, column: usize| first[row] * next[column] + first[row + 1] * next[column + 2];
    [part(0, 0), part(0, 1), part(2, 0), part(2, 1)]
}

pub(super) fn orientation([a, b, c, d]: Turn) -> Orientation {
    let mirrored = a * d - b * c < 0;
    // Points are rows, and mirroring comes first.
    let first = if mirrored { [-a, -b] } else { [a, b] };
    let degrees = match first {
        [0, 1] => 90,
        [-1, _] => 180,
        [0, _] => 270,
        _ => 0,
    };
    Orientation { degrees, mirrored }
}

/// The orientation that a Matroska track tells by the angles of its projection, in degrees: `yaw` of half a
/// turn mirrors, and `roll` turns anticlockwise (RFC 9559, 5.1.4.1.28). `None` for others, which are
/// for pictures on a sphere.
pub(super) fn of_projection(yaw: f64, pitch: f64, roll: f64) -> Option<Orientation> {
    let is = |angle: f64, wanted: f64| (angle - wanted).abs() < 0.01;
    let mirrored = is(yaw.abs(), 180.0);
    if !is(pitch, 0.0) || !(mirrored || is(yaw, 0.0)) {
        return None;
    }
    let degrees = match roll {
        roll if is(roll, 0.0) => 0,
        roll if is(roll, -90.0) => 90,
        roll if is(roll.abs(), 180.0) => 180,
        roll if is(roll, 90.0) => 270,
        _ => return None,
    };
    Some(Orientation { degrees, mirrored })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header([a, b, c, d]: [i32; 4]) -> Vec<u8> {
        let one = 1 << 16;
        let parts = [a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30];
        parts.iter().flat_map(|part| part.to_be_bytes()).collect()
    }

    #[test]
    fn all_eight_ways_are_told_apart() {
        for (matrix, degrees, mirrored) in [
            ([1, 0, 0, 1], 0, false),
            ([0, 1, -1, 0], 90, false),
            ([-1, 0, 0, -1], 180, false),
            ([0, -1, 1, 0], 270, false),
            ([-1, 0, 0, 1], 0, true),
            ([0, -1, -1, 0], 90, true),
            ([1, 0, 0, -1], 180, true),
            ([0, 1, 1, 0], 270, true),
        ] {
            let turn = of_matrix(&header(matrix), 0).unwrap();
            let expected = Orientation { degrees, mirrored };
            assert_eq!(orientation(turn), expected, "{matrix:?}");
        }
    }

    #[test]
    fn other_angles_and_nothing_are_left_alone() {
        assert_eq!(of_matrix(&header([1, 1, -1, 1]), 0), None);
        assert_eq!(of_matrix(&header([0; 4]), 0), None);
        assert_eq!(of_matrix(&[0; 8], 0), None);
    }

    #[test]
    fn the_movie_turns_what_the_track_has_turned() {
        let quarter = [0, 1, -1, 0];
        let (mirror, both) = ([-1, 0, 0, 1], then([-1, 0, 0, 1], quarter));
        assert_eq!(orientation(then(quarter, quarter)).degrees, 180);
        assert_eq!(orientation(then(mirror, mirror)), Orientation::default());
        let flipped_first = Orientation {
            degrees: 90,
            mirrored: true,
        };
        assert_eq!(orientation(both), flipped_first);
    }

    #[test]
    fn projections_turn_anticlockwise() {
        let of = |yaw, roll| of_projection(yaw, 0.0, roll).map(|o| (o.degrees, o.mirrored));
        assert_eq!(of(0.0, 90.0), Some((270, false)));
        assert_eq!(of(0.0, -90.0), Some((90, false)));
        assert_eq!(of(-180.0, 180.0), Some((180, true)));
        assert_eq!(of(0.0, 45.0), None);
        assert_eq!(of_projection(0.0, 20.0, 0.0), None);
    }
}
