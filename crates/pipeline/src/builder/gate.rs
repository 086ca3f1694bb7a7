//! Stands in front of and behind every decoder of pictures, and ends the pipeline when one is beyond
//! the limits.
//!
//! What a container says of the size of its pictures is a claim, and many decoders do what is needed
//! for the size that the pictures themselves tell. So each description of the stream is looked at
//! whenever it changes, and where no parser reads the headers of pictures they are read here.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clipsy_domain::limits::Limits;
use gstreamer as gst;
use gstreamer::prelude::*;

use super::sizes;

/// Name of the details of a message that tells of something beyond the limits.
const DETAILS: &str = "clipsy-beyond-limits";
const REASON: &str = "reason";

/// What is beyond the limits, if that is what `error` tells of.
pub(crate) fn reason(error: &gst::message::Error) -> Option<String> {
    let details = error.details().filter(|d| d.name() == DETAILS)?;
    details.get::<String>(REASON).ok()
}

/// Watches over one pipeline.
#[derive(Clone)]
pub(super) struct Gate {
    pipeline: gst::glib::WeakRef<gst::Pipeline>,
    limits: Arc<Limits>,
    shut: Arc<AtomicBool>,
}

impl Gate {
    pub(super) fn new(pipeline: &gst::Pipeline, limits: &Limits) -> Self {
        Self {
            pipeline: pipeline.downgrade(),
            limits: Arc::new(limits.clone()),
            shut: Arc::default(),
        }
    }

    /// Watches `element` if it decodes pictures.
    pub(super) fn watch(&self, element: &gst::Element) {
        let class = element.factory().and_then(|factory| {
            let class = factory.metadata(gst::ELEMENT_METADATA_KLASS)?;
            Some(class.to_string())
        });
        let is_decoder = class.is_some_and(|class| {
            let has = |word: &str| class.split('/').any(|part| part == word);
            has("Decoder") && (has("Video") || has("Image"))
        });
        if !is_decoder {
            return;
        }
        for pad in [element.static_pad("sink"), element.static_pad("src")] {
            let Some(pad) = pad else { continue };
            let gate = self.clone();
            let mask = gst::PadProbeType::EVENT_DOWNSTREAM | gst::PadProbeType::BUFFER;
            pad.add_probe(mask, move |pad, info| gate.look(pad, info));
        }
    }

    /// True if there may be one more stream beside `count` others.
    pub(super) fn lets_in(&self, count: usize) -> bool {
        let most = self.limits.most_streams();
        if count < most {
            return true;
        }
        self.shut(&format!("the file has more than {most} streams"));
        false
    }

    fn look(&self, pad: &gst::Pad, info: &mut gst::PadProbeInfo<'_>) -> gst::PadProbeReturn {
        if self.shut.load(Ordering::Relaxed) {
            return refuse(info);
        }
        let size = match &info.data {
            Some(gst::PadProbeData::Event(event)) => match event.view() {
                gst::EventView::Caps(caps) => sizes::of_caps(caps.caps()),
                _ => None,
            },
            Some(gst::PadProbeData::Buffer(buffer))
                if pad.direction() == gst::PadDirection::Sink =>
            {
                let caps = pad.current_caps();
                let name = caps.as_ref().and_then(|caps| caps.structure(0));
                let map = buffer.map_readable().ok();
                name.zip(map)
                    .and_then(|(name, map)| sizes::of_picture(name.name(), &map))
            }
            _ => None,
        };
        let broken = size.and_then(|(width, height)| self.limits.size_broken_by(width, height));
        // Small pictures cost nothing: whether they are of use is another's question.
        match broken.filter(|_| size.is_some_and(|size| self.limits.is_large(size))) {
            Some(reason) => {
                self.shut(&reason);
                refuse(info)
            }
            None => gst::PadProbeReturn::Ok,
        }
    }

    fn shut(&self, reason: &str) {
        if self.shut.swap(true, Ordering::Relaxed) {
            return;
        }
        let Some(pipeline) = self.pipeline.upgrade() else {
            return;
        };
        let details = gst::Structure::builder(DETAILS)
            .field(REASON, reason)
            .build();
        let message = gst::message::Error::builder(gst::StreamError::Failed, reason)
            .src(&pipeline)
            .details(details)
            .build();
        // Not by way of the elements: some keep errors of those within them to themselves.
        if let Some(bus) = pipeline.bus() {
            let _ = bus.post(message);
        }
    }
}

fn refuse(info: &mut gst::PadProbeInfo<'_>) -> gst::PadProbeReturn {
    match &info.data {
        Some(gst::PadProbeData::Buffer(_)) => {
            info.flow_res = Err(gst::FlowError::Error);
            info.data = None;
            gst::PadProbeReturn::Handled
        }
        Some(gst::PadProbeData::Event(event)) if event.type_() == gst::EventType::Caps => {
            info.flow_res = Err(gst::FlowError::NotNegotiated);
            info.data = None;
            gst::PadProbeReturn::Handled
        }
        _ => gst::PadProbeReturn::Ok,
    }
}
