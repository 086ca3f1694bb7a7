//! Gives each stream one segment for its whole length.

use std::sync::Mutex;

use gstreamer as gst;
use gstreamer::prelude::*;

use super::element;
use crate::Error;

/// Starts that lie closer together than this mean the same beginning.
const SAME_BEGINNING: gst::ClockTime = gst::ClockTime::SECOND;

/// Takes the end off the segments that leave `queue`, since elements drop what lies behind it and
/// a stream may have to be prolonged, and drops segments that say again what the first one said:
/// `matroskademux` corrects the start by milliseconds after the first packet, on which `videorate`
/// would begin anew.
pub(crate) fn unify(queue_input: &gst::Pad) -> Result<(), Error> {
    let queue = queue_input
        .parent_element()
        .ok_or_else(|| Error::Internal("a queue lost its pad".into()))?;
    let first: Mutex<Option<gst::FormattedSegment<gst::ClockTime>>> = Mutex::new(None);
    let pad = element::pad(&queue, "src")?;
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        let Some(event) = info.event() else {
            return gst::PadProbeReturn::Ok;
        };
        let gst::EventView::Segment(view) = event.view() else {
            return gst::PadProbeReturn::Ok;
        };
        let Some(segment) = view.segment().downcast_ref::<gst::ClockTime>() else {
            return gst::PadProbeReturn::Ok;
        };
        let Ok(mut first) = first.lock() else {
            return gst::PadProbeReturn::Ok;
        };
        if let Some(first) = first.as_ref()
            && says_the_same(first, segment)
        {
            // Handled, not dropped: GStreamer 1.22 complains about a dropped event.
            return gst::PadProbeReturn::Handled;
        }
        let mut open = segment.clone();
        open.set_stop(gst::ClockTime::NONE);
        let replaced = gst::event::Segment::builder(&open)
            .seqnum(event.seqnum())
            .build();
        first.get_or_insert(open);
        info.data = Some(gst::PadProbeData::Event(replaced));
        gst::PadProbeReturn::Ok
    });
    Ok(())
}

fn says_the_same(
    first: &gst::FormattedSegment<gst::ClockTime>,
    other: &gst::FormattedSegment<gst::ClockTime>,
) -> bool {
    let near = |a: Option<gst::ClockTime>, b: Option<gst::ClockTime>| match (a, b) {
        (Some(a), Some(b)) => a.absdiff(b) < SAME_BEGINNING,
        (a, b) => a == b,
    };
    first.base() == other.base()
        && near(first.start(), other.start())
        && near(first.time(), other.time())
}
