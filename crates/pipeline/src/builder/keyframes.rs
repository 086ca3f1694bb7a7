//! Forces an IDR at the same frames in every rendition.

use std::sync::atomic::{AtomicU64, Ordering};

use clipsy_domain::frame_rate::FrameRate;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_video as gst_video;

/// Pushes a force-key-unit event in front of the first frame at or after every multiple of
/// `interval_s`. `pad` is the source pad in front of the tee, so every encoder sees the event
/// right before the same frame.
///
/// Frames are counted, not timed: at the constant `rate` that is the same, and a source whose
/// first time stamp is not zero gets its keyframes at the same frames as any other.
///
/// The event carries no running time: `x264enc` shifts its timeline and would honour a running
/// time only once. Without one, it means the frame that follows.
pub(crate) fn force_at_interval(pad: &gst::Pad, rate: FrameRate, interval_s: u32) {
    let interval_ns = u64::from(interval_s) * gst::ClockTime::SECOND.nseconds();
    let (frames, marks) = (AtomicU64::new(0), AtomicU64::new(0));
    pad.add_probe(gst::PadProbeType::BUFFER, move |pad, _| {
        let frame = frames.fetch_add(1, Ordering::Relaxed);
        let mark = marks.load(Ordering::Relaxed);
        if frame >= rate.first_frame_at(mark * interval_ns) {
            marks.store(mark + 1, Ordering::Relaxed);
            let count = u32::try_from(mark).unwrap_or(u32::MAX);
            let event = gst_video::DownstreamForceKeyUnitEvent::builder();
            pad.push_event(event.all_headers(true).count(count).build());
        }
        gst::PadProbeReturn::Ok
    });
}

/// `pts` on the pipeline's time line, by the segment that is in force on `pad`.
pub(crate) fn running_time(pad: &gst::Pad, pts: gst::ClockTime) -> Option<gst::ClockTime> {
    let event = pad.sticky_event::<gst::event::Segment>(0)?;
    event
        .segment()
        .downcast_ref::<gst::ClockTime>()?
        .to_running_time(pts)
}
