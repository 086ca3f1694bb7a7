//! One rendition: from the tee through scaler and encoder into `hlssink2`.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use clipsy_domain::ladder::{Plan, PlannedRung};
use clipsy_domain::media_key;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_video as gst_video;

use super::blame::Chain;
use super::cut::{Disguised, cut_segments};
use super::element::{self, make};
use super::route::{Route, side};
use crate::Error;
use crate::catalog::{Makes, Settings, VariantSpec};

/// How pictures get from the tee to the encoder.
#[derive(Clone, Copy)]
pub(crate) struct Encode<'a> {
    pub(crate) rung: &'a PlannedRung,
    pub(crate) variant: &'a VariantSpec,
    pub(crate) settings: &'a Settings,
    pub(crate) route: &'a Route<'a>,
    /// Size of the pictures at the tee.
    pub(crate) from: (u32, u32),
}

/// Pictures that wait in front of a scaler.
const WAITING_PICTURES: u32 = 2;
/// In place of a rung, in the names of what makes all of them.
const ALL: &str = "ladder";

/// Adds what makes all renditions, and answers with one chain for each, in their order.
pub(crate) fn add(
    encodes: &[Encode<'_>],
    pipeline: &gst::Pipeline,
    tee: &gst::Element,
) -> Result<Vec<Chain>, Error> {
    match encodes.first() {
        Some(first) if first.variant.makes == Makes::Ladder => {
            add_ladder(encodes, first.variant, pipeline, tee)
        }
        _ => encodes.iter().map(|e| e.add(pipeline, tee)).collect(),
    }
}

/// One queue, one encoder, and a parser for each rendition.
fn add_ladder(
    encodes: &[Encode<'_>],
    variant: &VariantSpec,
    pipeline: &gst::Pipeline,
    tee: &gst::Element,
) -> Result<Vec<Chain>, Error> {
    let queue = element::frame_queue(&format!("{ALL}:queue"), WAITING_PICTURES)?;
    let encoder = make(&variant.element, &format!("{ALL}:encoder"))?;
    element::chain(pipeline.upcast_ref(), &[queue.clone(), encoder.clone()])?;
    element::branch(tee, &queue)?;
    let chain = |encode: &Encode<'_>| {
        let rung = encode.rung;
        let source = element::request_pad(&encoder, "src_%u")?;
        source.set_property("width", rung.width);
        source.set_property("height", rung.height);
        encode.configure(&source)?;
        let elements = encode.finish()?;
        element::chain(pipeline.upcast_ref(), &elements)?;
        source.link(&element::pad(&elements[0], "sink")?)?;
        Chain::of_ladder(
            &rung.name,
            &[queue.clone(), encoder.clone()],
            source,
            elements,
        )
    };
    encodes.iter().map(chain).collect()
}

impl Encode<'_> {
    /// Name prefix of everything that makes this rendition; errors are told apart by it.
    fn name(&self, part: &str) -> String {
        format!("{}:{part}", self.rung.name)
    }

    /// Sets the properties that the catalog has for this rendition.
    fn configure(&self, target: &impl IsA<gst::Object>) -> Result<(), Error> {
        let properties = self
            .variant
            .properties_for(self.rung.width, self.rung.height);
        element::set_properties(target, &properties, |text| self.settings.fill(text))
    }

    /// What is behind the encoder: it makes access units that stand alone.
    fn finish(&self) -> Result<Vec<gst::Element>, Error> {
        let mut coded = gst::Caps::builder("video/x-h264");
        for (field, value) in &self.variant.output {
            coded = coded.field(field.as_str(), value.as_str());
        }
        let parse = make("h264parse", &self.name("parse"))?;
        // Repeats the parameter sets with every IDR, so that each segment can be decoded alone.
        parse.set_property("config-interval", -1i32);
        let units = gst::Caps::builder("video/x-h264")
            .field("stream-format", "byte-stream")
            .field("alignment", "au");
        Ok(vec![
            element::capsfilter(&self.name("profile"), &coded.build())?,
            parse,
            element::capsfilter(&self.name("units"), &units.build())?,
        ])
    }

    /// Adds queue, scaler, encoder and parser. All elements are named `{rung}:{part}`.
    fn add(&self, pipeline: &gst::Pipeline, tee: &gst::Element) -> Result<Chain, Error> {
        let size = (self.rung.width, self.rung.height);
        let queue = element::frame_queue(&self.name("queue"), WAITING_PICTURES)?;
        let mut elements = vec![queue.clone()];
        let scalers = self
            .route
            .scalers(self.variant, self.from, size, |part| self.name(part))?;
        elements.extend(scalers);
        let mut raw = gst_video::VideoCapsBuilder::new()
            .width(side(size.0))
            .height(side(size.1))
            .field("format", self.variant.format.as_str())
            .pixel_aspect_ratio(gst::Fraction::new(1, 1));
        if self.route.scaled.is_some() {
            // Encoders of cards that can encode fields would choose those where nothing is said.
            raw = raw.field("interlace-mode", "progressive");
        }
        let feature = self.route.feature().filter(|_| self.route.direct);
        let raw = element::in_memory(raw.build(), feature);
        let encoder = make(&self.variant.element, &self.name("encoder"))?;
        check_sink(&encoder, size, &self.rung.name)?;
        self.configure(&encoder)?;
        elements.extend([
            element::capsfilter(&self.name("size"), &raw)?,
            encoder.clone(),
        ]);
        elements.extend(self.finish()?);
        element::chain(pipeline.upcast_ref(), &elements)?;
        element::branch(tee, &queue)?;
        Chain::new(&self.rung.name, elements, &encoder)
    }
}

/// Says in words that an encoder does not take such pictures.
fn check_sink(encoder: &gst::Element, size: (u32, u32), rung: &str) -> Result<(), Error> {
    let Some(template) = encoder.pad_template("sink") else {
        return Ok(());
    };
    let caps = template.caps();
    let progressive = gst::Caps::builder("video/x-raw")
        .any_features()
        .field("interlace-mode", "progressive")
        .build();
    if !caps.can_intersect(&progressive) {
        return Err(Error::Catalog(
            "it takes no progressive pictures, which is a fault of GStreamer before 1.22.2 with cards \
             that can encode fields"
                .into(),
        ));
    }
    let bounds = |name: &str, length: u32| {
        let length = side(length);
        let mut least = i32::MAX;
        for structure in caps.iter() {
            match structure.get::<gst::IntRange<i32>>(name) {
                Ok(range) if length < range.min() => least = least.min(range.min()),
                // Within the range, or not limited by one.
                _ => return None,
            }
        }
        (least < i32::MAX).then_some(least)
    };
    for (name, length) in [("width", size.0), ("height", size.1)] {
        if let Some(least) = bounds(name, length) {
            return Err(Error::Catalog(format!(
                "the {rung} picture is {}x{}, and its {name} must be {least} at least",
                size.0, size.1
            )));
        }
    }
    Ok(())
}

/// Frames in each finished segment of a rendition, in order.
pub(crate) type SegmentFrames = Arc<Mutex<Vec<u64>>>;

/// Adds `hlssink2` behind `encoded`, writing segments to `folder`. `audio` is the tee of the sound
/// and how much later than its time it is heard. The answer counts the frames of each segment at
/// the muxer, which is exact whatever the encoder does to its time line.
pub(crate) fn add_sink(
    pipeline: &gst::Pipeline,
    rung: &str,
    folder: &Path,
    plan: &Plan,
    encoded: &gst::Pad,
    audio: Option<(&gst::Element, gst::ClockTime)>,
) -> Result<SegmentFrames, Error> {
    let sink = make("hlssink2", &format!("{rung}:hls"))?;
    sink.set_property("target-duration", plan.segment_s);
    sink.set_property("max-files", 0u32);
    sink.set_property("playlist-length", 0u32);
    // Keyframes are forced above the tee; requests from here would come at random.
    sink.set_property("send-keyframe-requests", false);
    sink.set_property("location", location(folder)?);
    // We write playlists ourselves: hlssink2 ends its own with ENDLIST even after an error.
    sink.connect("get-playlist-stream", false, |_| {
        let nowhere = gio::MemoryOutputStream::new_resizable();
        Some(nowhere.to_value())
    });
    let queue = element::endless_queue(&format!("{rung}:video-queue"))?;
    pipeline.add_many([&queue, &sink])?;

    let splitter = child(&sink, "splitmuxsink")?;
    // It is told where to cut.
    splitter.set_property("max-size-time", 0u64);

    let video_pad = element::request_pad(&sink, "video")?;
    encoded.link(&element::pad(&queue, "sink")?)?;
    let video_source = element::pad(&queue, "src")?;
    let disguised = cut_segments(&video_source, &splitter, plan);
    let frames = count_segment_frames(&splitter, disguised)?;
    video_source.link(&video_pad)?;

    if let Some((tee, priming)) = audio {
        // Sound cannot begin before zero, so pictures begin after it: the muxer drops what comes
        // too early, and the first block of sound is needed to decode the second.
        let priming = i64::try_from(priming.nseconds()).unwrap_or(0);
        video_source.set_offset(priming);
        let queue = element::endless_queue(&format!("{rung}:audio-queue"))?;
        pipeline.add(&queue)?;
        element::branch(tee, &queue)?;
        element::pad(&queue, "src")?.link(&element::request_pad(&sink, "audio")?)?;
    }
    Ok(frames)
}

/// The rung whose `hlssink2` sent this message.
pub(crate) fn rung_of_sink(source: &gst::Object) -> Option<String> {
    let mut object = Some(source.clone());
    while let Some(current) = object {
        if let Some(rung) = current.name().strip_suffix(":hls") {
            return Some(rung.to_owned());
        }
        object = current.parent();
    }
    None
}

fn location(folder: &Path) -> Result<String, Error> {
    let folder = folder.to_str().ok_or_else(|| {
        Error::Internal(format!(
            "the output folder {} is not valid UTF-8",
            folder.display()
        ))
    })?;
    // The location is a printf pattern.
    let pattern = media_key::segment_name(0).replace("00000", "%05d");
    Ok(format!("{}/{pattern}", folder.replace('%', "%%")))
}

/// The child of `bin` made by `factory`.
fn child(bin: &gst::Element, factory: &str) -> Result<gst::Element, Error> {
    let missing = || Error::Internal(format!("{} has no {factory} in it", bin.name()));
    let bin = bin.downcast_ref::<gst::Bin>().ok_or_else(missing)?;
    bin.iterate_recurse()
        .into_iter()
        .flatten()
        .find(|e| e.factory().is_some_and(|f| f.name() == factory))
        .ok_or_else(missing)
}

/// Counts pictures between the ends of fragments at the muxer's first pad, which is the video's, and
/// has them be there what they are.
fn count_segment_frames(
    splitter: &gst::Element,
    disguised: Disguised,
) -> Result<SegmentFrames, Error> {
    let muxer = child(splitter, "mpegtsmux")?;
    let pad = muxer
        .sink_pads()
        .into_iter()
        .next()
        .ok_or_else(|| Error::Internal("the muxer has no video pad".into()))?;
    let finished = SegmentFrames::default();
    let counts = Arc::clone(&finished);
    let current = AtomicU64::new(0);
    let mask = gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM;
    pad.add_probe(mask, move |_, info| {
        match &mut info.data {
            Some(gst::PadProbeData::Buffer(buffer)) => {
                disguised.take_off(buffer);
                current.fetch_add(1, Ordering::Relaxed);
            }
            Some(gst::PadProbeData::Event(event)) if event.type_() == gst::EventType::Eos => {
                let frames = current.swap(0, Ordering::Relaxed);
                if let Ok(mut counts) = counts.lock()
                    && frames > 0
                {
                    counts.push(frames);
                }
            }
            _ => {}
        }
        gst::PadProbeReturn::Ok
    });
    Ok(finished)
}
