//! The video trunk: from the decoder to the tee that all renditions branch from.

use std::sync::Arc;

use clipsy_domain::frame_rate::FrameRate;
use clipsy_domain::ladder::Deinterlace;
use clipsy_domain::media::{HdrKind, Orientation, VideoStream};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_video as gst_video;

use super::element::{self, make};
use super::tail::Tails;
use super::{keyframes, rate};
use crate::Error;
use crate::catalog::DecoderSpec;

/// What the trunk has to do to the decoded picture.
pub(crate) struct Trunk<'a> {
    pub(crate) source: &'a VideoStream,
    pub(crate) frame_rate: FrameRate,
    pub(crate) gop_s: u32,
    pub(crate) deinterlace: Deinterlace,
    pub(crate) hardware: Option<&'a DecoderSpec>,
    pub(crate) tails: &'a Arc<Tails>,
}

/// The two ends of a trunk.
pub(crate) struct Ends {
    /// Takes the decoder's pad.
    pub(crate) input: gst::Pad,
    /// Has a branch for every rendition and the stills.
    pub(crate) tee: gst::Element,
}

impl Trunk<'_> {
    /// True if pictures can stay in the GPU's memory up to the scalers.
    pub(crate) fn stays_on_gpu(&self) -> bool {
        self.hardware.is_some() && works_in_gpu_memory(self.source)
    }

    /// Adds the trunk to `pipeline`.
    pub(crate) fn add(&self, pipeline: &gst::Pipeline) -> Result<Ends, Error> {
        let input = element::frame_queue("decoded", 2)?;
        let mut elements = vec![input.clone()];
        if let (Some(hardware), false) = (self.hardware, self.stays_on_gpu()) {
            for (i, factory) in hardware.download.iter().enumerate() {
                elements.push(make(factory, &format!("download-{i}"))?);
            }
        }
        if self.source.media_type == super::H263 {
            let aspect = self.source.sample_aspect;
            let aspect = gst::Fraction::new(fraction(aspect.num), fraction(aspect.den));
            let fix = make("capssetter", "aspect")?;
            let caps = gst::Caps::builder("video/x-raw").field("pixel-aspect-ratio", aspect);
            fix.set_property("caps", caps.build());
            elements.push(fix);
        }
        if !self.stays_on_gpu() {
            let mut i420 = gst_video::VideoCapsBuilder::new().format(gst_video::VideoFormat::I420);
            // Spelt out even if nothing is converted: where the source does not say, every element
            // would guess by the size of its picture, and small renditions would change colour.
            let colour = if must_convert_colour(self.source) {
                Some("bt709")
            } else {
                self.source.colorimetry.as_deref()
            };
            i420 = i420.field_if_some("colorimetry", colour);
            if let Some(hdr) = self.source.hdr {
                elements.extend(tone_mapper(hdr)?);
            }
            let convert = make("videoconvert", "convert")?;
            convert.set_property("n-threads", 2u32);
            elements.extend([convert, element::capsfilter("converted", &i420.build())?]);
            if self.source.interlaced {
                elements.push(deinterlacer(self.deinterlace)?);
            }
        }
        elements.push(self.rate()?);
        if !self.source.orientation.is_upright() {
            let flip = make("videoflip", "flip")?;
            flip.set_property_from_str("video-direction", direction(self.source.orientation));
            elements.push(flip);
        }
        let memory = self
            .hardware
            .filter(|_| self.stays_on_gpu())
            .map(|h| h.memory.as_str());
        let caps = element::in_memory(gst_video::VideoCapsBuilder::new().build(), memory);
        let uniform = element::capsfilter("uniform", &caps)?;
        let tee = make("tee", "video-tee")?;
        elements.extend([uniform.clone(), tee.clone()]);
        element::chain(pipeline.upcast_ref(), &elements)?;

        keyframes::force_at_interval(&element::pad(&uniform, "src")?, self.frame_rate, self.gop_s);
        Ok(Ends {
            input: element::pad(&input, "sink")?,
            tee,
        })
    }
}

impl Trunk<'_> {
    /// Brings the pictures to the rate of the plan.
    fn rate(&self) -> Result<gst::Element, Error> {
        let element = make(rate::NAME, "rate")?;
        let source_rate = self.source.frame_rate.map_or(0.0, FrameRate::as_f64);
        element
            .downcast_ref::<rate::Rate>()
            .ok_or_else(|| Error::Internal("the frame rate element is not ours".into()))?
            .configure(rate::Setup {
                rate: self.frame_rate,
                marks: (source_rate / self.frame_rate.as_f64()).round().max(1.0) as u64,
                tails: Arc::clone(self.tails),
            });
        Ok(element)
    }
}

/// True if nothing needs doing to the picture that only works in system memory.
pub(crate) fn works_in_gpu_memory(source: &VideoStream) -> bool {
    !source.interlaced && source.orientation.is_upright() && !must_convert_colour(source)
}

/// Wide gamut, full range, deep colour and RGB become limited-range BT.709, which every player
/// expects of 8-bit H.264; everything else keeps its own description.
fn must_convert_colour(source: &VideoStream) -> bool {
    let described = source.colorimetry.as_deref().unwrap_or("");
    source.hdr.is_some()
        || source.bit_depth > 8
        || source.chroma == "RGB"
        || described.starts_with("bt2020")
        || described.starts_with("1:")
}

/// What makes BT.709 of a high dynamic range picture, which would look flat and grey otherwise.
fn tone_mapper(hdr: HdrKind) -> Result<[gst::Element; 3], Error> {
    let deepen = make("videoconvert", "deepen")?;
    deepen.set_property("n-threads", 2u32);
    let deep = gst_video::VideoCapsBuilder::new()
        .format(gst_video::VideoFormat::I42010le)
        .field(
            "colorimetry",
            match hdr {
                HdrKind::Pq => "bt2100-pq",
                HdrKind::Hlg => "bt2100-hlg",
            },
        );
    Ok([
        deepen,
        element::capsfilter("deep", &deep.build())?,
        make(super::tonemap::NAME, "tonemap")?,
    ])
}

fn deinterlacer(rate: Deinterlace) -> Result<gst::Element, Error> {
    let deinterlace = make("deinterlace", "deinterlace")?;
    // The default method is a plain line doubler.
    deinterlace.set_property_from_str("method", "yadif");
    deinterlace.set_property_from_str(
        "fields",
        match rate {
            Deinterlace::Frame => "top",
            Deinterlace::Field => "all",
        },
    );
    Ok(deinterlace)
}

/// The `video-direction` that makes a picture with this orientation upright.
fn direction(orientation: Orientation) -> &'static str {
    match (orientation.mirrored, orientation.degrees) {
        (false, 90) => "90r",
        (false, 180) => "180",
        (false, 270) => "90l",
        (false, _) => "identity",
        (true, 90) => "ur-ll",
        (true, 180) => "vert",
        (true, 270) => "ul-lr",
        (true, _) => "horiz",
    }
}

fn fraction(n: u32) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}
