//! Forces an IDR at the same frames in every rendition.

use std::sync::atomic::{AtomicU64, Ordering};

use clipsy_domain::frame_rate::FrameRate;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_video as gst_video;

/// Index of the frame that starts at `running_time` at a constant `rate`.
pub(crate) fn frame_index(rate: FrameRate, running_time: gst::ClockTime) -> u64 {
    rate.frames_in(running_time.nseconds())
}

/// Pushes a force-key-unit event in front of the first frame at or after every multiple of
/// `interval_s`. `pad` is the source pad in front of the tee, so every encoder sees the event
/// right before the same frame.
///
/// The event carries no running time: `x264enc` shifts its timeline and would honour a running
/// time only once. Without one, it means the frame that follows.
pub(crate) fn force_at_interval(pad: &gst::Pad, rate: FrameRate, interval_s: u32) {
    let interval_ns = u64::from(interval_s) * gst::ClockTime::SECOND.nseconds();
    let next = AtomicU64::new(0);
    pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        let Some(time) = info
            .buffer()
            .and_then(|b| b.pts())
            .and_then(|pts| running_time(pad, pts))
        else {
            return gst::PadProbeReturn::Ok;
        };
        let index = frame_index(rate, time);
        if index >= rate.first_frame_at(next.load(Ordering::Relaxed) * interval_ns) {
            let count = u32::try_from(next.load(Ordering::Relaxed)).unwrap_or(u32::MAX);
            let event = gst_video::DownstreamForceKeyUnitEvent::builder()
                .all_headers(true)
                .count(count)
                .build();
            pad.push_event(event);
            // A gap in the source may have skipped several marks.
            next.store(
                rate.frame_start_ns(index) / interval_ns + 1,
                Ordering::Relaxed,
            );
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
