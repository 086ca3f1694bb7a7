//! Takes a decoder through edits that go back or jump, as one time line.
//!
//! An edit list makes the demuxer send one run of packets for each edit, with a segment in front. A
//! decoder is to send that segment on between the last picture of one run and the first of the next.
//! Those of libav in `GStreamer` 1.26 send it some pictures too early, since they let go of pictures
//! before they are given out, and the times of both runs get mixed. So the decoder sees no segment but
//! the first. Packets that do not go on begin a new lap, whose times lie far behind those of the lap before.
//! Behind the decoder the segments are told, the times are put right, and what lies in no run is
//! dropped.

use std::sync::{Arc, Mutex};

use gstreamer as gst;
use gstreamer::prelude::*;

use super::segment::{Segment, says_the_same};

/// How far the times of two laps lie apart: 13 days, more than any lasts.
const APART: gst::ClockTime = gst::ClockTime::from_nseconds(1 << 50);

struct Run {
    segment: Segment,
    lap: u64,
}

#[derive(Default)]
struct State {
    runs: Vec<Run>,
    /// The lap of the packets that flow.
    lap: u64,
    /// When the last packet is decoded.
    last: Option<gst::ClockTime>,
    /// A segment without a packet so far.
    next: Option<Segment>,
    /// The last run whose segment was told behind the decoder.
    told: usize,
}

impl State {
    /// What is added to the times of this packet.
    fn shift(&mut self, packet: &gst::BufferRef) -> gst::ClockTime {
        let time = packet.dts_or_pts();
        if let Some(segment) = self.next.take() {
            // Where packets go on, pictures of both runs depend on each other.
            let goes_back = time.zip(self.last).is_some_and(|(time, last)| time <= last);
            self.lap += u64::from(goes_back);
            let lap = self.lap;
            self.runs.push(Run { segment, lap });
        }
        self.last = time.or(self.last);
        APART * self.lap
    }

    /// The run of a picture in this lap.
    fn run(&self, lap: u64, time: gst::ClockTime, end: gst::ClockTime) -> Option<usize> {
        let of_lap = self.runs.iter().enumerate().filter(|(_, r)| r.lap == lap);
        let mut begun = of_lap
            .clone()
            .filter(|(_, r)| r.segment.start().is_none_or(|s| s <= time || s < end));
        begun.next_back().or(of_lap.clone().next()).map(|(i, _)| i)
    }
}

/// The runs of one stream.
#[derive(Clone, Default)]
pub(crate) struct Runs(Arc<Mutex<State>>);

impl Runs {
    /// Puts the runs that leave the demuxer at `pad` on one time line. The end of a run `in_fragments`
    /// is that of the fragments that were known when it was written, and means nothing.
    pub(crate) fn join(&self, pad: &gst::Pad, in_fragments: bool) {
        let runs = self.clone();
        let mask = gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM;
        pad.add_probe(mask, move |_, info| {
            let Ok(mut state) = runs.0.lock() else {
                return gst::PadProbeReturn::Ok;
            };
            match &mut info.data {
                Some(gst::PadProbeData::Event(event)) => {
                    return join_event(&mut state, event, in_fragments);
                }
                Some(gst::PadProbeData::Buffer(buffer)) => {
                    let shift = state.shift(buffer);
                    if shift > gst::ClockTime::ZERO {
                        let buffer = buffer.make_mut();
                        buffer.set_pts(buffer.pts().map(|t| t + shift));
                        buffer.set_dts(buffer.dts().map(|t| t + shift));
                    }
                }
                _ => {}
            }
            gst::PadProbeReturn::Ok
        });
    }

    /// Takes them apart again where they leave the decoder at `pad`, a source pad.
    pub(crate) fn part(&self, pad: &gst::Pad) {
        let runs = self.clone();
        let mask = gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM;
        pad.add_probe(mask, move |pad, info| match &mut info.data {
            Some(gst::PadProbeData::Event(event)) => {
                if let gst::EventView::Gap(gap) = event.view() {
                    let (time, duration) = gap.get();
                    *event = gap_event(event.seqnum(), time % APART, duration);
                }
                gst::PadProbeReturn::Ok
            }
            Some(gst::PadProbeData::Buffer(picture)) => {
                let Some((time, segment)) = runs.own(pad, picture) else {
                    return gst::PadProbeReturn::Ok;
                };
                let Some((time, duration)) = clip(time, picture.duration(), &segment) else {
                    return gst::PadProbeReturn::Drop;
                };
                let picture = picture.make_mut();
                picture.set_pts(time);
                picture.set_duration(duration);
                gst::PadProbeReturn::Ok
            }
            _ => gst::PadProbeReturn::Ok,
        });
    }

    /// The time of a picture within its run, and the segment of that, which is told if it is new.
    fn own(&self, pad: &gst::Pad, picture: &gst::BufferRef) -> Option<(gst::ClockTime, Segment)> {
        let shifted = picture.pts()?;
        let (lap, time) = (shifted / APART, shifted % APART);
        let end = time + picture.duration().unwrap_or_default();
        let (segment, is_new) = {
            let mut state = self.0.lock().ok()?;
            let run = state.run(lap, time, end)?;
            let segment = state.runs.get(run)?.segment.clone();
            (segment, std::mem::replace(&mut state.told, run) != run)
        };
        if is_new {
            pad.push_event(gst::event::Segment::new(&segment));
        }
        Some((time, segment))
    }
}

fn join_event(
    state: &mut State,
    event: &mut gst::Event,
    in_fragments: bool,
) -> gst::PadProbeReturn {
    match event.view() {
        gst::EventView::Segment(view) => {
            let Some(segment) = view.segment().downcast_ref::<gst::ClockTime>() else {
                return gst::PadProbeReturn::Ok;
            };
            let mut open = segment.clone();
            open.set_stop(gst::ClockTime::NONE);
            let segment = if in_fragments { &open } else { segment };
            let of_run = state.runs.last_mut().map(|r| &mut r.segment);
            let last = state.next.as_mut().or(of_run);
            let told = last.filter(|last| says_the_same(last, segment));
            let is_told = told.is_some();
            match told {
                // The end moves with the fragments that are found.
                Some(told) => told.set_stop(segment.stop()),
                None => state.next = Some(segment.clone()),
            }
            if is_told || !state.runs.is_empty() {
                // Handled, not dropped: GStreamer 1.22 complains about a dropped event.
                return gst::PadProbeReturn::Handled;
            }
            // The first run, or time in front of it. The decoder must not leave out what comes behind.
            *event = gst::event::Segment::builder(&open)
                .seqnum(event.seqnum())
                .build();
        }
        gst::EventView::Gap(gap) => {
            let (time, duration) = gap.get();
            *event = gap_event(event.seqnum(), time + APART * state.lap, duration);
        }
        _ => {}
    }
    gst::PadProbeReturn::Ok
}

fn gap_event(
    seqnum: gst::Seqnum,
    time: gst::ClockTime,
    duration: Option<gst::ClockTime>,
) -> gst::Event {
    gst::event::Gap::builder(time)
        .duration(duration)
        .seqnum(seqnum)
        .build()
}

/// The part of a picture that lies within `segment`; `None` if nothing does.
fn clip(
    time: gst::ClockTime,
    duration: Option<gst::ClockTime>,
    segment: &Segment,
) -> Option<(gst::ClockTime, Option<gst::ClockTime>)> {
    let end = duration.map(|d| time + d);
    let start = segment.start().unwrap_or_default();
    let is_before = time < start && end.is_none_or(|end| end <= start);
    if is_before || segment.stop().is_some_and(|stop| time >= stop) {
        return None;
    }
    let time = time.max(start);
    let end = end.map(|end| segment.stop().map_or(end, |stop| end.min(stop)));
    Some((time, end.map(|end| end.saturating_sub(time))))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> gst::ClockTime = gst::ClockTime::from_mseconds;

    #[test]
    fn pictures_are_cut_at_the_ends_of_their_run() {
        let mut segment = Segment::new();
        segment.set_start(MS(1000));
        segment.set_stop(MS(2000));
        let clip = |time, duration: Option<u64>| super::clip(MS(time), duration.map(MS), &segment);
        assert_eq!(clip(960, Some(40)), None);
        assert_eq!(clip(980, Some(40)), Some((MS(1000), Some(MS(20)))));
        assert_eq!(clip(999, None), None);
        assert_eq!(clip(1000, None), Some((MS(1000), None)));
        assert_eq!(clip(1980, Some(40)), Some((MS(1980), Some(MS(20)))));
        assert_eq!(clip(2000, Some(40)), None);
    }

    #[test]
    fn a_picture_belongs_to_the_last_run_of_its_lap_that_has_begun() {
        let run = |start, stop, lap| {
            let mut segment = Segment::new();
            segment.set_start(MS(start));
            segment.set_stop(MS(stop));
            Run { segment, lap }
        };
        let state = State {
            runs: vec![run(1000, 2000, 0), run(3000, 4000, 0), run(1500, 2500, 1)],
            ..State::default()
        };
        let run = |lap, time| state.run(lap, MS(time), MS(time + 40));
        assert_eq!(run(0, 0), Some(0));
        assert_eq!(run(0, 1500), Some(0));
        assert_eq!(run(0, 2500), Some(0));
        assert_eq!(run(0, 2980), Some(1));
        assert_eq!(run(1, 0), Some(2));
        assert_eq!(run(1, 5000), Some(2));
        assert_eq!(run(2, 0), None);
    }

    #[test]
    fn packets_that_go_back_begin_a_lap() {
        gst::init().unwrap();
        let mut state = State::default();
        let mut packet = |new: bool, dts| {
            state.next = new.then(Segment::new);
            let mut packet = gst::Buffer::new();
            packet.make_mut().set_dts(MS(dts));
            state.shift(&packet)
        };
        assert_eq!(packet(true, 0), MS(0));
        assert_eq!(packet(false, 1000), MS(0));
        assert_eq!(packet(true, 1040), MS(0));
        assert_eq!(packet(true, 1000), APART);
        assert_eq!(packet(false, 960), APART);
        assert_eq!(packet(true, 5000), APART);
    }
}
