//! Gives each stream one segment for its whole length.

use std::sync::{Arc, Mutex};

use gstreamer as gst;
use gstreamer::prelude::*;

use super::element;
use crate::Error;

/// Starts that lie closer together than this mean the same beginning.
const SAME_BEGINNING: gst::ClockTime = gst::ClockTime::SECOND;

pub(super) type Segment = gst::FormattedSegment<gst::ClockTime>;

/// The segments of the streams of one file.
#[derive(Clone, Default)]
pub(crate) struct Segments(Arc<Mutex<Option<Segment>>>);

impl Segments {
    /// Takes the end off the segments that leave `queue`, since elements drop what lies behind it and
    /// a stream may have to be prolonged, and drops segments that say again what the first one said:
    /// `matroskademux` corrects the start by milliseconds after the first packet, on which `videorate`
    /// would begin anew. Streams that count from one zero get one beginning: `flvdemux` of 1.26 begins
    /// each with its own first packet.
    pub(crate) fn unify(&self, queue_input: &gst::Pad) -> Result<(), Error> {
        let queue = queue_input
            .parent_element()
            .ok_or_else(|| Error::Internal("a queue lost its pad".into()))?;
        let first: Mutex<Option<Segment>> = Mutex::new(None);
        let common = self.clone();
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
            let mut open = common.of_all(segment);
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

    /// `segment`, or that of the stream that came first if both count from one zero.
    fn of_all(&self, segment: &Segment) -> Segment {
        let from_zero = |s: &Segment| s.time() == s.start();
        let Ok(mut common) = self.0.lock() else {
            return segment.clone();
        };
        let known = common.get_or_insert_with(|| segment.clone());
        if from_zero(known) && from_zero(segment) && says_the_same(known, segment) {
            known.clone()
        } else {
            segment.clone()
        }
    }
}

/// True if `other` moves the start of `first` by less than a second and nothing else.
pub(super) fn says_the_same(first: &Segment, other: &Segment) -> bool {
    let near = |a: Option<gst::ClockTime>, b: Option<gst::ClockTime>| match (a, b) {
        (Some(a), Some(b)) => a.absdiff(b) < SAME_BEGINNING,
        (a, b) => a == b,
    };
    first.base() == other.base()
        && near(first.start(), other.start())
        && near(first.time(), other.time())
}
