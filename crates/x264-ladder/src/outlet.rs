//! Gives access units out on a pad, with the times and events of their pictures.

use std::collections::VecDeque;

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_video as gst_video;

use crate::x264::Unit;

/// Decoding begins before the first picture is shown, and a time cannot be below zero: so times are as much
/// later as those of `GStreamer`'s own encoders, and the segment says so.
pub(crate) const SHIFT: gst::ClockTime = gst::ClockTime::from_seconds(3600 * 1000);

/// When a picture is shown, and what goes before it.
#[derive(Debug, Clone)]
pub(crate) struct Stamp {
    pub(crate) pts: gst::ClockTime,
    pub(crate) duration: Option<gst::ClockTime>,
    /// A keyframe was asked for.
    pub(crate) forced: bool,
    pub(crate) events: Vec<gst::Event>,
}

/// The end of a rendition.
pub(crate) struct Outlet {
    pad: gst::Pad,
    /// Of the pictures from number `first` on.
    stamps: VecDeque<Stamp>,
    first: i64,
    /// Time from one picture to the next.
    step: gst::ClockTime,
}

impl Outlet {
    /// On `pad`, which has caps already; `step` is the time from one picture to the next.
    pub(crate) fn new(pad: gst::Pad, step: gst::ClockTime) -> Self {
        Self {
            pad,
            stamps: VecDeque::new(),
            first: 0,
            step,
        }
    }

    /// Pictures come in the order in which they are shown.
    pub(crate) fn note(&mut self, stamp: Stamp) {
        self.stamps.push_back(stamp);
    }

    /// Gives out a unit.
    pub(crate) fn push(&mut self, unit: Unit) -> Result<(), gst::FlowError> {
        let at = usize::try_from(unit.number - self.first).map_err(|_| gst::FlowError::Error)?;
        for stamp in self.stamps.iter_mut().take(at + 1) {
            for event in stamp.events.drain(..) {
                self.pad.push_event(event);
            }
        }
        let stamp = self.stamps.get(at).ok_or(gst::FlowError::Error)?;
        let (pts, duration) = (stamp.pts + SHIFT, stamp.duration);
        if unit.keyframe && stamp.forced {
            let event = gst_video::DownstreamForceKeyUnitEvent::builder()
                .timestamp(pts)
                .all_headers(true);
            self.pad.push_event(event.build());
        }
        let dts = self.decoded_at(unit.dts).ok_or(gst::FlowError::Error)?;
        while self.first < unit.dts && self.stamps.len() > 1 {
            self.stamps.pop_front();
            self.first += 1;
        }
        let mut buffer = gst::Buffer::from_mut_slice(unit.data);
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(pts);
            buffer.set_dts(dts);
            buffer.set_duration(duration);
            let mut flags = gst::BufferFlags::MARKER;
            if !unit.keyframe {
                flags |= gst::BufferFlags::DELTA_UNIT;
            }
            buffer.set_flags(flags);
        }
        self.pad.push(buffer).map(|_| ())
    }

    /// There is no more.
    pub(crate) fn end(&mut self) {
        for event in self.stamps.iter_mut().flat_map(|s| s.events.drain(..)) {
            self.pad.push_event(event);
        }
        self.pad.push_event(gst::event::Eos::new());
    }

    fn decoded_at(&self, number: i64) -> Option<gst::ClockTime> {
        if let Ok(at) = usize::try_from(number - self.first) {
            return Some(self.stamps.get(at)?.pts + SHIFT);
        }
        let before = (self.first - number).unsigned_abs();
        Some((self.stamps.front()?.pts + SHIFT).saturating_sub(self.step * before))
    }
}
