//! The video trunk: from the decoder to the tee that all renditions branch from.

use std::sync::Arc;

use clipsy_domain::frame_rate::FrameRate;
use clipsy_domain::ladder::Deinterlace;
use clipsy_domain::media::{Orientation, VideoStream};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_video as gst_video;

use super::element::{self, make};
use super::route::Route;
use super::tail::Tails;
use super::{colour, keyframes, rate};
use crate::Error;

/// What the trunk has to do to the decoded picture.
pub(crate) struct Trunk<'a> {
    pub(crate) source: &'a VideoStream,
    pub(crate) frame_rate: FrameRate,
    pub(crate) gop_s: u32,
    pub(crate) deinterlace: Deinterlace,
    pub(crate) route: &'a Route<'a>,
    pub(crate) tails: &'a Arc<Tails>,
}

/// The two ends of a trunk.
pub(crate) struct Ends {
    /// Takes the decoder's pad.
    pub(crate) input: gst::Pad,
    /// Has a branch for every rendition and the stills.
    pub(crate) tee: gst::Element,
    /// What lies between them, in order.
    pub(crate) elements: Vec<gst::Element>,
}

impl Trunk<'_> {
    /// What makes whole pictures in I420 of anything that a decoder gives out.
    fn converters(&self) -> Result<Vec<gst::Element>, Error> {
        let colour = colour::of(self.source);
        let (yuv, encoded) = (colour::as_yuv(&colour), colour::encoded(&colour));
        // Range alone is changed in 8 bits; other changes of colour begin with all there are.
        let deep = self.source.bit_depth > 8
            && (yuv.matrix(), yuv.primaries(), yuv.transfer())
                != (encoded.matrix(), encoded.primaries(), encoded.transfer());
        let format = gst_video::VideoCapsBuilder::new().format(if deep {
            gst_video::VideoFormat::I42010le
        } else {
            gst_video::VideoFormat::I420
        });
        let convert = make("videoconvert", "convert")?;
        convert.set_property("n-threads", 2u32);
        let converted = element::capsfilter("converted", &format.build())?;
        colour::carry_over(&element::pad(&convert, "sink")?, &converted);
        // Spelt out for the encoders: where it is not, each would guess by the size of its picture.
        let mapper = make(super::tonemap::NAME, "tonemap")?;
        if let Some(own) = mapper.downcast_ref::<super::tonemap::ToneMapper>() {
            own.aim_at(&encoded);
        }
        let deinterlacer = make(super::deinterlace::NAME, "deinterlace")?;
        if self.deinterlace == Deinterlace::Field
            && let Some(own) = deinterlacer.downcast_ref::<super::deinterlace::Deinterlacer>()
        {
            own.use_every_field();
        }
        Ok(vec![convert, converted, mapper, deinterlacer])
    }

    /// Adds the trunk to `pipeline`.
    pub(crate) fn add(&self, pipeline: &gst::Pipeline) -> Result<Ends, Error> {
        let input = element::frame_queue("decoded", 2)?;
        let mut elements = vec![input.clone()];
        for (i, spec) in self.route.download().iter().enumerate() {
            elements.push(element::make_set(spec, &format!("download-{i}"))?);
        }
        if !self.route.stays() {
            elements.extend(self.converters()?);
        }
        elements.push(self.rate()?);
        if !self.source.orientation.is_upright() {
            let flip = make("videoflip", "flip")?;
            flip.set_property_from_str("video-direction", direction(self.source.orientation));
            elements.push(flip);
        }
        for (i, spec) in self.route.upload().iter().enumerate() {
            elements.push(element::make_set(spec, &format!("upload-{i}"))?);
        }
        let caps = gst_video::VideoCapsBuilder::new().build();
        let caps = element::in_memory(caps, self.route.feature());
        let uniform = element::capsfilter("uniform", &caps)?;
        let tee = make("tee", "video-tee")?;
        elements.extend([uniform.clone(), tee.clone()]);
        element::chain(pipeline.upcast_ref(), &elements)?;

        keyframes::force_at_interval(&element::pad(&uniform, "src")?, self.frame_rate, self.gop_s);
        let input = element::pad(&input, "sink")?;
        colour::hold(&input, self.source);
        Ok(Ends {
            input,
            tee,
            elements,
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
                second_late_ns: self.source.second_late_ns,
                marks: (source_rate / self.frame_rate.as_f64()).round().max(1.0) as u64,
                tails: Arc::clone(self.tails),
            });
        Ok(element)
    }
}

/// What has to be done to the picture that only works in system memory.
pub(crate) fn off_card(source: &VideoStream) -> Option<String> {
    let colour = colour::of(source);
    let reason = if source.interlaced {
        "fields are made into pictures on the CPU"
    } else if !source.orientation.is_upright() {
        "the picture is turned on the CPU"
    } else if source.hdr.is_some() {
        "high dynamic range is mapped on the CPU"
    } else if colour::encoded(&colour) != colour {
        "colours are changed on the CPU"
    } else {
        return None;
    };
    Some(reason.to_owned())
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
