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
    /// What it shares with the other renditions, if one element makes all of them.
    shared: Option<Shared>,
    /// Pictures that were taken from the queue, and that reached the encoder.
    taken: Counter,
    scaled: Counter,
}

/// A queue and an encoder, and the pad on which it gives this rendition out.
struct Shared {
    elements: [gst::Element; 2],
    source: gst::Pad,
}

type Counter = Arc<AtomicU64>;

impl Chain {
    /// Of a rendition that has its elements for itself, in their order.
    pub(super) fn new(
        rung: &str,
        elements: Vec<gst::Element>,
        encoder: &gst::Element,
    ) -> Result<Self, Error> {
        let queue = elements[0].clone();
        Self::with(rung, &queue, encoder, elements, None)
    }

    /// Of a rendition that comes out of an encoder of all, with what is behind it.
    pub(super) fn of_ladder(
        rung: &str,
        shared: &[gst::Element; 2],
        source: gst::Pad,
        elements: Vec<gst::Element>,
    ) -> Result<Self, Error> {
        let [queue, encoder] = shared.clone();
        let shared = Shared {
            elements: shared.clone(),
            source,
        };
        Self::with(rung, &queue, &encoder, elements, Some(shared))
    }

    fn with(
        rung: &str,
        queue: &gst::Element,
        encoder: &gst::Element,
        elements: Vec<gst::Element>,
        shared: Option<Shared>,
    ) -> Result<Self, Error> {
        let last = elements.last().unwrap_or(encoder);
        Ok(Self {
            rung: rung.to_owned(),
            taken: count(&element::pad(queue, "src")?),
            scaled: count(&element::pad(encoder, "sink")?),
            units: element::pad(last, "src")?,
            queue: queue.clone(),
            elements,
            encoder: encoder.clone(),
            shared,
        })
    }

    /// The part that gave an error back to those above it.
    pub(crate) fn refused(&self) -> Option<Part> {
        if let Some(at) = refuser(&self.elements) {
            return Some(self.part_of(&self.elements[at]));
        }
        let [queue, encoder] = &self.shared.as_ref()?.elements;
        // Which of its renditions it was it tells by itself; if it does not, any of them may be named.
        let below = encoder.src_pads().into_iter().any(|pad| failed(Some(pad)));
        (failed(queue.static_pad("src")) && !below).then_some(Part::Encoder)
    }

    /// The part that `source`, of which a message is, belongs to; `None` if it is none of this rendition.
    pub(crate) fn part_with(&self, source: &gst::Object) -> Option<Part> {
        if let Some(shared) = &self.shared
            && shared.source.upcast_ref::<gst::Object>() == source
        {
            return Some(Part::Encoder);
        }
        let mut object = Some(source.clone());
        while let Some(current) = object {
            if let Some(element) = current.downcast_ref::<gst::Element>()
                && self.elements.contains(element)
            {
                return Some(self.part_of(element));
            }
            object = current.parent();
        }
        None
    }

    /// True if `source` is, or is in, what makes this rendition and others.
    pub(crate) fn shares(&self, source: &gst::Object) -> bool {
        let shared = self.shared.iter().flat_map(|shared| &shared.elements);
        let mut all = shared.map(Cast::upcast_ref::<gst::Object>);
        all.any(|element| element == source || source.has_as_ancestor(element))
    }

    fn part_of(&self, element: &gst::Element) -> Part {
        let position = |wanted: &gst::Element| self.elements.iter().position(|e| e == wanted);
        if self.shared.is_none() && position(element) < position(&self.encoder) {
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
    elements.iter().position(|element| {
        let above = element.static_pad("sink").and_then(|pad| pad.peer());
        failed(above) && !failed(element.static_pad("src"))
    })
}

fn failed(pad: Option<gst::Pad>) -> bool {
    let last = pad.map(|pad| pad.last_flow_result());
    matches!(
        last,
        Some(Err(gst::FlowError::Error | gst::FlowError::NotNegotiated))
    )
}
