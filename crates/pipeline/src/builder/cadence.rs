//! Which output frames show which picture.
//!
//! One rule for all sources: a picture stands until the time of the next. Output frames lie on a
//! grid of constant rate that begins with the phase of the source, so a source of constant rate
//! keeps its times exactly. Each picture begins at the grid mark nearest to its time.
//!
//! Time stamps jitter: phones by a third of a frame, containers that count milliseconds by less.
//! A picture that is less than [`SLACK`] from the mark behind the picture before it takes that
//! mark, so that jitter neither loses nor repeats a picture. Real gaps are longer.

use clipsy_domain::frame_rate::FrameRate;

/// How far, in marks, a picture may be moved to follow the one before it without a gap.
const SLACK: f64 = 0.75;

/// Containers that count milliseconds move a time by up to one.
const ROUNDING_NS: u64 = 1_500_000;

/// Places pictures on a grid, in the order of their times.
pub(crate) struct Cadence {
    rate: FrameRate,
    /// Marks per output frame: a source of 120 frames a second has two for each of 60.
    marks: u64,
    /// Time of the first output frame in nanoseconds, less than one mark.
    phase_ns: u64,
    /// Mark of the picture that was placed last.
    last: Option<u64>,
    /// Output frames that earlier pictures got.
    given: u64,
}

impl Cadence {
    /// A grid of `rate` output frames, counted at `marks` times that rate. `example_ns` is the
    /// time of any picture of the source: the grid has a mark there.
    pub(crate) fn new(rate: FrameRate, marks: u64, example_ns: u64) -> Self {
        let mut cadence = Self {
            rate,
            marks: marks.max(1),
            phase_ns: 0,
            last: None,
            given: 0,
        };
        // What is a little short of a mark is that mark, rounded down by a container.
        let rounded = example_ns.saturating_add(ROUNDING_NS);
        let mark = cadence.exact(rounded).floor().max(0.0);
        cadence.phase_ns = example_ns.saturating_sub(cadence.time_of_mark(mark as u64));
        cadence
    }

    /// Places a picture that begins at `time_ns`; one without a time follows the last one. The
    /// answer is how many output frames the picture before it gets. The first picture also
    /// stands for what is before it, so nothing is before the first.
    pub(crate) fn place(&mut self, time_ns: Option<u64>) -> u64 {
        let mark = self.mark(time_ns);
        let Some(last) = self.last.replace(mark) else {
            return 0;
        };
        let mark = mark.max(last);
        self.last = Some(mark);
        self.give(mark)
    }

    /// How many output frames the last picture gets if it stands until `end_ns`.
    pub(crate) fn finish(&mut self, end_ns: Option<u64>) -> u64 {
        // A length of nothing, as some containers give the last picture, shows it all the same.
        let shown = self.last.map_or(0, |last| last + 1);
        let end = self.mark(end_ns).max(shown);
        let frames = self.give(end);
        if self.given == 0 {
            self.given = 1;
            return 1;
        }
        frames
    }

    /// Time at which output frame `index` begins, in nanoseconds.
    pub(crate) fn frame_start_ns(&self, index: u64) -> u64 {
        self.phase_ns + self.rate.frame_start_ns(index)
    }

    /// Output frames that begin before `mark` and are not given yet.
    fn give(&mut self, mark: u64) -> u64 {
        let until = mark.div_ceil(self.marks);
        let frames = until.saturating_sub(self.given);
        self.given += frames;
        frames
    }

    fn mark(&self, time_ns: Option<u64>) -> u64 {
        let next = self.last.map_or(0, |last| last + 1);
        let Some(time_ns) = time_ns else {
            return next;
        };
        let exact = self.exact(time_ns);
        if self.last.is_some() && (exact - next as f64).abs() <= SLACK {
            next
        } else {
            exact.round().max(0.0) as u64
        }
    }

    fn exact(&self, time_ns: u64) -> f64 {
        let since = time_ns as f64 - self.phase_ns as f64;
        since / 1e9 * f64::from(self.rate.num()) / f64::from(self.rate.den()) * self.marks as f64
    }

    fn time_of_mark(&self, mark: u64) -> u64 {
        self.rate.frame_start_ns(mark) / self.marks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    /// Which picture each output frame shows.
    fn shown(fps: u32, marks: u64, times: &[u64], end: u64) -> Vec<usize> {
        let example = times.get(1).or(times.first()).copied().unwrap_or(0);
        let mut cadence = Cadence::new(FrameRate::whole(fps), marks, example);
        let mut frames = Vec::new();
        for (picture, time) in times.iter().enumerate() {
            let count = cadence.place(Some(*time)) as usize;
            frames.extend(std::iter::repeat_n(picture.saturating_sub(1), count));
        }
        let count = cadence.finish(Some(end)) as usize;
        frames.extend(std::iter::repeat_n(times.len() - 1, count));
        frames
    }

    fn each_once(count: usize) -> Vec<usize> {
        (0..count).collect()
    }

    #[test]
    fn a_constant_rate_keeps_every_picture_and_its_phase() {
        let times: Vec<u64> = (0..50).map(|i| 21 * MS + i * 40 * MS).collect();
        assert_eq!(shown(25, 1, &times, 2021 * MS), each_once(50));
        let cadence = Cadence::new(FrameRate::whole(25), 1, 61 * MS);
        assert_eq!(cadence.frame_start_ns(0), 21 * MS);
    }

    #[test]
    fn milliseconds_and_jitter_lose_and_repeat_nothing() {
        let rounded: Vec<u64> = (0..300).map(|i| i * 1001 / 30 * MS).collect();
        let rate = FrameRate::new(30_000, 1001).unwrap();
        let mut cadence = Cadence::new(rate, 1, rounded[1]);
        assert!(
            rounded
                .iter()
                .skip(1)
                .fold(cadence.place(Some(0)) == 0, |all, t| {
                    all & (cadence.place(Some(*t)) == 1)
                })
        );
        let phone: Vec<u64> = (0..300u64)
            .map(|i| {
                let x = i as f64;
                ((x / 29.97 + 0.007 * (x * 2.3).sin() + 0.004 * (x * 0.31).sin() + 0.02) * 1e9)
                    as u64
            })
            .collect();
        assert_eq!(shown(30, 1, &phone, 10_030 * MS), each_once(300));
    }

    #[test]
    fn a_picture_stands_until_the_next_one() {
        assert_eq!(
            shown(10, 1, &[0, 200 * MS, 1400 * MS], 2000 * MS),
            [0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2]
        );
    }

    #[test]
    fn the_first_picture_stands_for_what_is_before_it() {
        assert_eq!(
            shown(10, 1, &[300 * MS, 400 * MS], 500 * MS),
            [0, 0, 0, 0, 1]
        );
    }

    #[test]
    fn every_second_picture_of_a_source_twice_as_fast_is_shown() {
        let times: Vec<u64> = (0..360).map(|i| i * 1_000_000_000 / 120).collect();
        let even: Vec<usize> = (0..180).map(|i| 2 * i).collect();
        assert_eq!(shown(60, 2, &times, 3000 * MS), even);
    }

    #[test]
    fn a_dropped_picture_leaves_its_place_to_the_one_before() {
        let times: Vec<u64> = [0u64, 1, 2, 4, 5].iter().map(|i| i * 40 * MS).collect();
        assert_eq!(shown(25, 1, &times, 240 * MS), [0, 1, 2, 2, 3, 4]);
    }

    #[test]
    fn a_single_picture_is_shown_and_time_that_goes_back_harms_nothing() {
        assert_eq!(shown(25, 1, &[0], 0), [0]);
        assert_eq!(shown(25, 1, &[0, 40 * MS], 40 * MS), [0, 1], "no length");
        assert_eq!(shown(25, 1, &[0, 40 * MS, 0, 80 * MS], 120 * MS), [0, 2, 3]);
    }

    #[test]
    fn pictures_without_a_time_follow_each_other() {
        let mut cadence = Cadence::new(FrameRate::whole(25), 1, 0);
        assert_eq!(cadence.place(Some(0)), 0);
        assert_eq!(cadence.place(None), 1);
        assert_eq!(cadence.place(Some(80 * MS)), 1);
        assert_eq!(cadence.finish(None), 1);
    }
}
