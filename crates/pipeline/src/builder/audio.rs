//! The audio trunk: one AAC-LC encode that all renditions share.

use clipsy_domain::ladder::AudioSettings;
use gstreamer as gst;
use gstreamer::prelude::*;

use super::element::{self, make};
use crate::Error;
use crate::catalog::{AudioEncoderSpec, Settings};

/// The ends of the audio trunk.
pub(crate) struct Ends {
    /// Takes the decoder's pad.
    pub(crate) input: gst::Pad,
    /// The sink pad at which the trunk can be prolonged with silence, see [`super::tail`].
    pub(crate) tail: gst::Pad,
    /// Source pad of the encoded audio.
    pub(crate) encoded: gst::Pad,
    /// Has a branch for every rendition.
    pub(crate) tee: gst::Element,
}

/// Adds the audio trunk to `pipeline`, with the first encoder of `encoders` that is installed.
pub(crate) fn add(
    pipeline: &gst::Pipeline,
    settings: &AudioSettings,
    encoders: &[AudioEncoderSpec],
) -> Result<Ends, Error> {
    let spec = encoders
        .iter()
        .find(|spec| gst::ElementFactory::find(&spec.element).is_some())
        .ok_or_else(|| {
            Error::MissingElement(
                encoders
                    .first()
                    .map(|e| e.element.clone())
                    .unwrap_or_default(),
            )
        })?;
    let caps = gst::Caps::builder("audio/x-raw")
        .field("format", spec.format.as_str())
        .field(
            "rate",
            i32::try_from(settings.sample_rate).unwrap_or(48_000),
        )
        .field("channels", i32::try_from(settings.channels).unwrap_or(2))
        .field("layout", "interleaved")
        .build();

    let input = element::frame_queue("audio-decoded", 50)?;
    let encoder = make(&spec.element, "audio-encoder")?;
    let numbers = Settings {
        max_kbps: settings.bitrate_kbps,
        quality: 0,
        vbv_ms: 0,
        gop_frames: 0,
        threads: 1,
    };
    element::set_properties(&encoder, &spec.properties, &numbers)?;
    // Fills holes and a late start with silence, so that sound stays in step with the picture.
    let rate = make("audiorate", "audio-rate")?;
    let parse = make("aacparse", "audio-parse")?;
    let tee = make("tee", "audio-tee")?;
    element::chain(
        pipeline.upcast_ref(),
        &[
            input.clone(),
            make("audioconvert", "audio-convert")?,
            make("audioresample", "audio-resample")?,
            element::capsfilter("audio-uniform", &caps)?,
            rate,
            encoder.clone(),
            parse.clone(),
            tee.clone(),
        ],
    )?;
    Ok(Ends {
        input: element::pad(&input, "sink")?,
        tail: element::pad(&encoder, "sink")?,
        encoded: element::pad(&parse, "src")?,
        tee,
    })
}
