//! Ends segments where the plan wants it, and as soon as that is known.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use clipsy_domain::ladder::Plan;
use gstreamer as gst;
use gstreamer::prelude::*;

use super::keyframes::running_time;

/// Time stamps of pictures that pass for keyframes between the cutter and the muxer.
#[derive(Clone, Default)]
pub(super) struct Disguised(Arc<Mutex<VecDeque<gst::ClockTime>>>);

impl Disguised {
    fn put_on(&self, buffer: &mut gst::Buffer) {
        if let Some(pts) = buffer.pts()
            && let Ok(mut waiting) = self.0.lock()
        {
            waiting.push_back(pts);
            buffer.make_mut().unset_flags(gst::BufferFlags::DELTA_UNIT);
        }
    }

    /// Makes a picture that passed for a keyframe what it is. Call it for each, in order.
    pub(super) fn take_off(&self, buffer: &mut gst::Buffer) {
        if let Ok(mut waiting) = self.0.lock()
            && let Some(first) = waiting.front()
            && buffer.pts() == Some(*first)
        {
            waiting.pop_front();
            buffer.make_mut().set_flags(gst::BufferFlags::DELTA_UNIT);
        }
    }
}

/// Has `splitter` end each segment of the video that leaves `source` in front of the first GOP that
/// begins where the plan has the next one begin.
///
/// `splitmuxsink` decides about a GOP when it is complete, so that a segment would be finished a GOP
/// late: of the first two seconds that players wait for, after four. So the second picture of a
/// segment that is shown passes for a keyframe until it gets to the muxer, and ends a GOP of one
/// picture.
pub(super) fn cut_segments(source: &gst::Pad, splitter: &gst::Element, plan: &Plan) -> Disguised {
    let disguised = Disguised::default();
    let cutter = Mutex::new(Cutter::new(plan));
    let splitter = splitter.downgrade();
    let noted = disguised.clone();
    source.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        let Some(gst::PadProbeData::Buffer(buffer)) = &mut info.data else {
            return gst::PadProbeReturn::Ok;
        };
        let time = buffer.pts().and_then(|pts| running_time(pad, pts));
        let is_key = !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT);
        let (Some(time), Ok(mut cutter)) = (time, cutter.lock()) else {
            return gst::PadProbeReturn::Ok;
        };
        match cutter.picture(time, is_key) {
            Some(Step::Mark(mark)) => {
                // It forgets what it was told before it started, which it has with the first picture.
                if let Some(splitter) = splitter.upgrade() {
                    splitter.emit_by_name::<()>("split-at-running-time", &[&mark]);
                }
            }
            Some(Step::Disguise) => noted.put_on(buffer),
            None => {}
        }
        gst::PadProbeReturn::Ok
    });
    disguised
}

/// What to do with a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Before it: say that a segment begins with the first GOP that begins then or later.
    Mark(gst::ClockTime),
    /// Have it pass for a keyframe.
    Disguise,
}

/// Where segments begin.
struct Cutter {
    /// Where the next ones begin before all are equally long, in seconds from the first picture.
    first_marks_s: VecDeque<u32>,
    segment: gst::ClockTime,
    /// GOPs begin up to a frame before or after their mark.
    tolerance: gst::ClockTime,
    /// Longest time to the next picture that is shown: a frame, and what rounding adds.
    next_shown: gst::ClockTime,
    begin: Option<gst::ClockTime>,
    mark: gst::ClockTime,
    /// With what the current segment began, until its second picture has come.
    begun: Option<gst::ClockTime>,
}

impl Cutter {
    fn new(plan: &Plan) -> Self {
        let frame = gst::ClockTime::from_nseconds(plan.frame_rate.frame_start_ns(1));
        Self {
            first_marks_s: plan.first_marks_s().collect(),
            segment: gst::ClockTime::from_seconds(plan.segment_s.into()),
            tolerance: gst::ClockTime::from_mseconds(u64::from(plan.gop_s) * 500),
            next_shown: frame + frame / 2,
            begin: None,
            mark: gst::ClockTime::ZERO,
            begun: None,
        }
    }

    /// A picture comes, which is shown at `time`.
    fn picture(&mut self, time: gst::ClockTime, is_key: bool) -> Option<Step> {
        let begin = *self.begin.get_or_insert(time);
        let reached = time.saturating_sub(begin) + self.tolerance;
        if is_key && reached >= self.mark {
            // The first segment has none before it to be finished.
            self.begun = (time > begin).then_some(time);
            while reached >= self.mark {
                self.mark = match self.first_marks_s.pop_front() {
                    Some(mark_s) => gst::ClockTime::from_seconds(mark_s.into()),
                    None => self.mark + self.segment,
                };
            }
            return Some(Step::Mark(begin + self.mark - self.tolerance));
        }
        let begun = self.begun?;
        if is_key || time < begun || time > begun + self.next_shown {
            return None;
        }
        self.begun = None;
        Some(Step::Disguise)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clipsy_domain::frame_rate::FrameRate;

    const BEGIN_MS: u64 = 3_600_000;

    fn cutter(first_segments_s: &[u32]) -> Cutter {
        Cutter::new(&Plan {
            rungs: Vec::new(),
            frame_rate: FrameRate::new(25, 1).unwrap(),
            gop_s: 2,
            segment_s: 10,
            first_segments_s: first_segments_s.to_vec(),
        })
    }

    fn ms(time: u64) -> gst::ClockTime {
        // Streams do not begin at zero.
        gst::ClockTime::from_mseconds(BEGIN_MS + time)
    }

    /// The keyframes with which segments begin, of some at these times in milliseconds.
    fn begins(first_segments_s: &[u32], keys_ms: impl IntoIterator<Item = u64>) -> Vec<u64> {
        let mut cutter = cutter(first_segments_s);
        let mut mark = None;
        let begins_one = |key: &u64| {
            // As `splitmuxsink` does it.
            let begins = mark.is_some_and(|mark| ms(*key) >= mark);
            match cutter.picture(ms(*key), true) {
                Some(Step::Mark(next)) => mark = Some(next),
                other => assert_eq!(other, None),
            }
            begins
        };
        keys_ms.into_iter().filter(begins_one).collect()
    }

    #[test]
    fn segments_begin_at_the_marks_of_the_plan() {
        let every_2_s = || (0..16).map(|n| n * 2000);
        assert_eq!(begins(&[], every_2_s()), [10_000, 20_000, 30_000]);
        assert_eq!(
            begins(&[2, 2, 2, 4], every_2_s()),
            [2_000, 4_000, 6_000, 10_000, 20_000, 30_000]
        );
        // A frame early or late.
        let uneven = [0, 1_960, 4_040, 5_999, 8_010, 9_990, 12_000, 19_961];
        assert_eq!(
            begins(&[2, 2, 2, 4], uneven),
            [1_960, 4_040, 5_999, 9_990, 19_961]
        );
    }

    #[test]
    fn a_gap_begins_one_segment() {
        assert_eq!(
            begins(&[2, 2], [0, 7_000, 9_000, 12_000, 14_000]),
            [7_000, 14_000]
        );
    }

    #[test]
    fn the_picture_that_is_shown_second_ends_the_segment_before() {
        let mut cutter = cutter(&[2]);
        // In the order of decoding.
        let disguised: Vec<u64> = [
            0, 120, 40, 80, 2_000, 2_120, 2_040, 2_080, 2_160, 4_000, 4_040,
        ]
        .into_iter()
        .filter(|time| {
            let step = cutter.picture(ms(*time), time.is_multiple_of(2_000));
            step == Some(Step::Disguise)
        })
        .collect();
        assert_eq!(disguised, [2_040]);
    }
}
