//! Samples that an encoder puts in front of the sound, in Matroska.
//!
//! A track tells how long they are (RFC 9559, 5.1.4.1.25), and times of its blocks count them. `matroskademux`
//! takes them off for Opus alone; all other sound would come late by them, as ffmpeg has written it since its
//! version 7.

use gstreamer as gst;
use gstreamer::prelude::*;

/// Has the stream that leaves the demuxer at `pad` begin later by `delay`: decoders cut off what is before.
pub(super) fn take_off(pad: &gst::Pad, delay: gst::ClockTime) {
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        if let Some(gst::PadProbeData::Event(event)) = &mut info.data
            && let gst::EventView::Segment(view) = event.view()
            && let Some(segment) = view.segment().downcast_ref::<gst::ClockTime>()
        {
            let late = later(segment, delay);
            let number = event.seqnum();
            *event = gst::event::Segment::builder(&late).seqnum(number).build();
        }
        gst::PadProbeReturn::Ok
    });
}

/// `segment` with a start that is later by `delay`, at which the same is shown.
fn later(
    segment: &gst::FormattedSegment<gst::ClockTime>,
    delay: gst::ClockTime,
) -> gst::FormattedSegment<gst::ClockTime> {
    let mut late = segment.clone();
    late.set_start(segment.start().map(|start| start + delay));
    late.set_position(segment.position().map(|at| at + delay));
    late.set_stop(segment.stop().map(|stop| stop + delay));
    late
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_samples_are_before_the_beginning() {
        gst::init().unwrap();
        let ms = gst::ClockTime::from_mseconds;
        let mut segment = gst::FormattedSegment::<gst::ClockTime>::new();
        segment.set_start(ms(5000));
        segment.set_time(ms(0));
        let late = later(&segment, ms(21));
        assert_eq!(late.to_running_time(ms(5021)), Some(ms(0)));
        assert_eq!(late.to_running_time(ms(5000)), None);
        assert_eq!(late.stop(), None);
    }
}
