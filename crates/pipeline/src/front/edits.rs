//! Edit lists (ISO/IEC 14496-12, 8.6.6) in the few forms that the demuxer plays rightly.

use super::boxes::{u32_at, u64_at};

/// One line of an edit list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edit {
    /// Length in units of the movie.
    pub(super) length: u64,
    /// Where it begins in the media, in units of the track; `None` shows nothing.
    pub(super) start: Option<u64>,
    /// How many times as long as in the media it lasts: a dwell is a single picture made longer.
    pub(super) slower: u64,
}

/// An edit list that was brought into form.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Edits {
    pub(super) edits: Vec<Edit>,
    /// A part was to be played at another rate.
    pub(super) other_rate: bool,
}

/// The rate of an edit that is played as it is.
const ONE: u32 = 1 << 16;
/// No rate may become 0 or 1, which would mean another thing.
const MOST_SLOWER: u64 = 16_384;

/// What the numbers of an edit list mean.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    /// Units of the movie in a second.
    pub(super) movie: u32,
    /// Units of the track in a second.
    pub(super) track: u32,
    /// Length of the track in its units.
    pub(super) length: u64,
    /// Length of a sample in units of the track, on average.
    pub(super) sample: u64,
    /// The track is sound, of which nothing is held.
    pub(super) is_sound: bool,
}

/// Reads the content of an `elst` box.
///
/// - A rate of 0 (a dwell) holds a picture: one picture of the media is played as slowly. Of sound it
///   is silence.
/// - Another rate than 1 is played at 1, with a warning; no demuxer of ours does it right.
/// - What reaches beyond the media ends with them, and what begins behind them shows nothing.
/// - Edits that follow each other in the media become one, so that nothing is decoded twice.
pub(super) fn read(elst: &[u8], scale: Scale) -> Option<Edits> {
    let wide = *elst.first()? == 1;
    let count = u32_at(elst, 4)? as usize;
    let mut list = Edits::default();
    // What an edit lacks of its length; it shows nothing, unless nothing follows.
    let mut lacking = 0;
    for row in elst
        .get(8..)?
        .chunks_exact(if wide { 20 } else { 12 })
        .take(count)
    {
        let (length, start, rate) = if wide {
            (
                u64_at(row, 0)?,
                u64_at(row, 8)?.cast_signed(),
                u32_at(row, 16)?,
            )
        } else {
            let start = u32_at(row, 4)?.cast_signed();
            (
                u64::from(u32_at(row, 0)?),
                i64::from(start),
                u32_at(row, 8)?,
            )
        };
        list.push(std::mem::take(&mut lacking), None);
        let Ok(start) = u64::try_from(start) else {
            list.push(length, None);
            continue;
        };
        let left = scale.in_movie(scale.length.saturating_sub(start));
        let length = if length == 0 { left } else { length };
        if rate == 0 {
            let picture = scale.in_movie(scale.sample).min(left).max(1);
            if scale.is_sound || left == 0 || length < picture {
                list.push(length, None);
            } else {
                list.edits.push(Edit {
                    length: picture,
                    start: Some(start),
                    slower: (length / picture).min(MOST_SLOWER),
                });
            }
            continue;
        }
        // Some programs write 1 for 1.0.
        list.other_rate |= rate != ONE && rate != 1;
        let played = length.min(left);
        if played > 0 && !list.goes_on(start, played, scale) {
            list.push(played, Some(start));
        }
        lacking = length - played;
    }
    Some(list)
}

impl Edits {
    fn push(&mut self, length: u64, start: Option<u64>) {
        if length > 0 {
            self.edits.push(Edit {
                length,
                start,
                slower: 1,
            });
        }
    }

    /// Makes the last edit longer if this one goes on where it ends.
    fn goes_on(&mut self, start: u64, length: u64, scale: Scale) -> bool {
        let Some(Edit {
            length: before,
            start: Some(from),
            slower: 1,
        }) = self.edits.last_mut()
        else {
            return false;
        };
        let end = *from + scale.in_track(*before);
        let rounding = u64::from(scale.track / scale.movie.max(1)) + 1;
        let follows = end.abs_diff(start) <= rounding;
        if follows {
            *before += length;
        }
        follows
    }

    /// Length of the presentation in units of the movie.
    pub(super) fn length(&self) -> u64 {
        self.edits.iter().fold(0, |sum, e| {
            sum.saturating_add(e.length.saturating_mul(e.slower))
        })
    }

    /// The content of an `elst` box of version 1.
    pub(super) fn write(&self) -> Vec<u8> {
        let mut out = vec![1, 0, 0, 0];
        out.extend(
            u32::try_from(self.edits.len())
                .unwrap_or(u32::MAX)
                .to_be_bytes(),
        );
        for edit in &self.edits {
            out.extend(edit.length.to_be_bytes());
            out.extend(edit.start.map_or(u64::MAX, |s| s).to_be_bytes());
            out.extend((ONE / edit.slower as u32).to_be_bytes());
        }
        out
    }
}

impl Scale {
    fn in_movie(self, track_units: u64) -> u64 {
        scaled(track_units, self.movie, self.track)
    }

    fn in_track(self, movie_units: u64) -> u64 {
        scaled(movie_units, self.track, self.movie)
    }
}

/// `value` in other units, rounded up.
pub(super) fn scaled(value: u64, to: u32, from: u32) -> u64 {
    let exact = (u128::from(value) * u128::from(to)).div_ceil(u128::from(from.max(1)));
    u64::try_from(exact).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCALE: Scale = Scale {
        movie: 1000,
        track: 10_000,
        length: 80_000,
        sample: 400,
        is_sound: false,
    };

    fn list(rows: &[(u32, i32, u32)]) -> Vec<u8> {
        let mut elst = vec![0; 4];
        elst.extend((rows.len() as u32).to_be_bytes());
        for (length, start, rate) in rows {
            elst.extend(length.to_be_bytes());
            elst.extend(start.to_be_bytes());
            elst.extend(rate.to_be_bytes());
        }
        elst
    }

    fn edits(rows: &[(u32, i32, u32)]) -> (Vec<(u64, Option<u64>)>, bool) {
        let found = read(&list(rows), SCALE).unwrap();
        let rows = found.edits.iter().map(|e| (e.length, e.start)).collect();
        (rows, found.other_rate)
    }

    #[test]
    fn plain_lists_stay() {
        assert_eq!(
            edits(&[(500, -1, ONE), (8000, 0, ONE)]),
            (vec![(500, None), (8000, Some(0))], false)
        );
        // A middle that is cut out.
        assert_eq!(
            edits(&[(2000, 0, ONE), (3000, 50_000, ONE)]),
            (vec![(2000, Some(0)), (3000, Some(50_000))], false)
        );
    }

    #[test]
    fn other_rates_are_played_at_one_and_told() {
        assert_eq!(
            edits(&[(2000, 0, ONE), (4000, 20_000, ONE / 2), (4000, 40_000, ONE)]),
            (vec![(6000, Some(0)), (4000, Some(40_000))], true)
        );
    }

    #[test]
    fn a_dwell_is_one_picture_made_longer() {
        let rows = [(2000, 0, ONE), (1000, 50_000, 0), (3000, 50_000, ONE)];
        let found = read(&list(&rows), SCALE).unwrap();
        let held = Edit {
            length: 40,
            start: Some(50_000),
            slower: 25,
        };
        assert_eq!((found.edits.len(), found.edits[1]), (3, held));
        assert_eq!(found.length(), 6000);
        let sound = Scale {
            is_sound: true,
            ..SCALE
        };
        let found = read(&list(&rows), sound).unwrap();
        assert_eq!((found.edits[1].start, found.length()), (None, 6000));
    }

    #[test]
    fn nothing_reaches_beyond_the_media() {
        assert_eq!(
            edits(&[(9000, 10_000, ONE)]),
            (vec![(7000, Some(10_000))], false)
        );
        assert_eq!(edits(&[(0, 0, ONE)]), (vec![(8000, Some(0))], false));
        assert_eq!(
            edits(&[(1000, 90_000, ONE), (1000, 0, ONE)]),
            (vec![(1000, None), (1000, Some(0))], false)
        );
    }

    #[test]
    fn what_is_written_is_read_again() {
        let found = read(&list(&[(500, -1, ONE), (8000, 0, ONE)]), SCALE).unwrap();
        assert_eq!(read(&found.write(), SCALE), Some(found));
        assert_eq!(read(&[0, 0], SCALE), None);
    }
}
