//! Which part of a pipeline is at fault.
//!
//! An encoder that fails does not always say so: `nvcudah264enc` gives the error back to the element
//! above it, and it is the demuxer that tells of it in the end. The pads remember: above the part at
//! fault they have seen the error, below it they have not.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use gstreamer as gst;
use gstreamer::prelude::*;

use super::element;
use crate::Error;

/// A part of a rendition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Scaler,
    Encoder,
}

/// The elements of one rendition, from its queue to its access units.
pub(crate) struct Chain {
    pub(crate) rung: String,
    /// Gives access units.
    pub(crate) units: gst::Pad,
    queue: gst::Element,
    elements: Vec<gst::Element>,
    encoder: gst::Element,
    /// Pictures that were taken from the queue, and that reached the encoder.
    taken: Counter,
    scaled: Counter,
}

type Counter = Arc<AtomicU64>;

impl Chain {
    pub(super) fn new(
        rung: &str,
        elements: Vec<gst::Element>,
        encoder: &gst::Element,
        units: gst::Pad,
    ) -> Result<Self, Error> {
        let queue = elements[0].clone();
        Ok(Self {
            rung: rung.to_owned(),
            taken: count(&element::pad(&queue, "src")?),
            scaled: count(&element::pad(encoder, "sink")?),
            units,
            queue,
            elements,
            encoder: encoder.clone(),
        })
    }

    /// The part that gave an error back to those above it.
    pub(crate) fn refused(&self) -> Option<Part> {
        refuser(&self.elements).map(|at| self.part_of(&self.elements[at]))
    }

    /// The part of this rendition that `element` is.
    pub(crate) fn part_of(&self, element: &gst::Element) -> Part {
        let position = |wanted: &gst::Element| self.elements.iter().position(|e| e == wanted);
        if position(element) < position(&self.encoder) {
            Part::Scaler
        } else {
            Part::Encoder
        }
    }

    /// The part that takes no more pictures although some wait.
    pub(crate) fn stuck(&self) -> Option<Part> {
        let waiting: u32 = self.queue.property("current-level-buffers");
        if waiting == 0 {
            return None;
        }
        let count = |counter: &Counter| counter.load(Ordering::Relaxed);
        Some(if count(&self.taken) > count(&self.scaled) {
            Part::Scaler
        } else {
            Part::Encoder
        })
    }

    /// Pictures that reached the encoder.
    pub(crate) fn scaled(&self) -> u64 {
        self.scaled.load(Ordering::Relaxed)
    }

    /// True if the encoder has given out all that it will.
    pub(crate) fn is_over(&self) -> bool {
        self.units.sticky_event::<gst::event::Eos>(0).is_some()
    }
}

fn count(pad: &gst::Pad) -> Counter {
    let counter = Counter::default();
    let counts = Arc::clone(&counter);
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
        counts.fetch_add(1, Ordering::Relaxed);
        gst::PadProbeReturn::Ok
    });
    counter
}

/// The first of `elements`, which are linked in this order, that gave an error back and did not get
/// it from the one below.
pub(crate) fn refuser(elements: &[gst::Element]) -> Option<usize> {
    let failed = |pad: Option<gst::Pad>| {
        let last = pad.map(|pad| pad.last_flow_result());
        matches!(
            last,
            Some(Err(gst::FlowError::Error | gst::FlowError::NotNegotiated))
        )
    };
    elements.iter().position(|element| {
        let above = element.static_pad("sink").and_then(|pad| pad.peer());
        failed(above) && !failed(element.static_pad("src"))
    })
}
