//! A small pipeline that makes encoders prove that they work.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_video as gst_video;

use super::element::{self, make};
use super::package::Encode;
use crate::Error;

/// Pictures that are encoded.
pub(crate) const FRAMES: u64 = 8;
/// The picture that must become a keyframe.
const FORCED: u64 = 5;

/// What came out of one encoder.
#[derive(Debug, Default, Clone)]
pub(crate) struct Output {
    pub(crate) frames: u64,
    pub(crate) keyframes: Vec<u64>,
    pub(crate) first: Vec<u8>,
}

/// What came out of each encoder, by the order of the renditions.
pub(crate) type Outputs = Arc<Mutex<Vec<Output>>>;

/// A test picture teed into every given encoder at once, as in the real pipeline.
pub(crate) fn build(
    pipeline: &gst::Pipeline,
    encodes: &[Encode<'_>],
    size: (u32, u32),
) -> Result<Outputs, Error> {
    let source = make("videotestsrc", "trial-source")?;
    source.set_property("num-buffers", i32::try_from(FRAMES).unwrap_or(i32::MAX));
    source.set_property_from_str("pattern", "ball");
    let side = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
    let caps = gst_video::VideoCapsBuilder::new()
        .format(gst_video::VideoFormat::I420)
        .width(side(size.0))
        .height(side(size.1))
        .framerate(gst::Fraction::new(25, 1))
        .build();
    let filter = element::capsfilter("trial-caps", &caps)?;
    let tee = make("tee", "trial-tee")?;
    element::chain(
        pipeline.upcast_ref(),
        &[source, filter.clone(), tee.clone()],
    )?;

    let count = AtomicU64::new(0);
    element::pad(&filter, "src")?.add_probe(gst::PadProbeType::BUFFER, move |pad, _| {
        if count.fetch_add(1, Ordering::Relaxed) == FORCED {
            pad.push_event(
                gst_video::DownstreamForceKeyUnitEvent::builder()
                    .all_headers(true)
                    .build(),
            );
        }
        gst::PadProbeReturn::Ok
    });

    let outputs: Outputs = Arc::new(Mutex::new(vec![Output::default(); encodes.len()]));
    for (i, encode) in encodes.iter().enumerate() {
        let pad = encode.add(pipeline, &tee)?;
        let sink = make("fakesink", &format!("trial-sink-{i}"))?;
        sink.set_property("sync", false);
        sink.set_property("async", false);
        pipeline.add(&sink)?;
        pad.link(&element::pad(&sink, "sink")?)?;
        let outputs = Arc::clone(&outputs);
        pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            if let (Some(buffer), Ok(mut outputs)) = (info.buffer(), outputs.lock()) {
                note(&mut outputs[i], buffer);
            }
            gst::PadProbeReturn::Ok
        });
    }
    Ok(outputs)
}

fn note(output: &mut Output, buffer: &gst::Buffer) {
    if !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT) {
        output.keyframes.push(output.frames);
    }
    if output.frames == 0
        && let Ok(map) = buffer.map_readable()
    {
        output.first = map.to_vec();
    }
    output.frames += 1;
}

impl Output {
    /// What is wrong with the output, in words; `None` if nothing is.
    pub(crate) fn fault(&self) -> Option<String> {
        if self.frames == 0 {
            Some("it took pictures and gave nothing back".into())
        } else if self.frames != FRAMES {
            Some(format!("it gave {} of {FRAMES} pictures back", self.frames))
        } else if clipsy_domain::codecs::avc1_from_access_unit(&self.first).is_none() {
            Some("its first picture has no parameter sets".into())
        } else if !self.keyframes.contains(&FORCED) {
            Some("it does not make keyframes where they are asked for".into())
        } else {
            None
        }
    }
}
