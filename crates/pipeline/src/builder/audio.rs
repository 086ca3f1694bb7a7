//! The audio trunk: one AAC-LC encode that all renditions share.

use std::sync::atomic::{AtomicU32, Ordering};

use clipsy_domain::ladder::AudioSettings;
use clipsy_domain::media::AudioStream;
use gstreamer as gst;
use gstreamer::prelude::*;

use super::element::{self, make};
use super::{layout, sound};
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
    /// How much later than its time the encoder's output is heard.
    pub(crate) priming: gst::ClockTime,
    /// How much silence pushes the last sound out of the encoder.
    pub(crate) push_out: gst::ClockTime,
}

/// Every element of the trunk has a name that begins so; errors are told apart by it.
pub(crate) const NAME_PREFIX: &str = "audio-";

/// Adds the audio trunk for `stream` to `pipeline`, with the first encoder of `encoders` that is
/// installed.
pub(crate) fn add(
    pipeline: &gst::Pipeline,
    stream: &AudioStream,
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
    element::set_properties(&encoder, &spec.properties_for(stream.channels), |t| {
        numbers.fill(t)
    })?;
    let mixer = make(sound::NAME, "audio-sound")?;
    layout::watch(&input, &mixer, &stream.speakers)?;
    let parse = make("aacparse", "audio-parse")?;
    let tee = make("tee", "audio-tee")?;
    element::chain(
        pipeline.upcast_ref(),
        &[
            input.clone(),
            make("audioconvert", "audio-convert")?,
            mixer,
            make("audioresample", "audio-resample")?,
            make("audioconvert", "audio-format")?,
            element::capsfilter("audio-uniform", &caps)?,
            encoder.clone(),
            parse.clone(),
            tee.clone(),
        ],
    )?;
    let time_of = |samples: u32| {
        gst::ClockTime::SECOND
            .mul_div_round(samples.into(), settings.sample_rate.into())
            .unwrap_or(gst::ClockTime::ZERO)
    };
    let encoded = element::pad(&parse, "src")?;
    let left_out = spec.priming / AAC_FRAME;
    leave_out(&encoded, left_out, time_of(left_out * AAC_FRAME));
    Ok(Ends {
        input: element::pad(&input, "sink")?,
        tail: element::pad(&encoder, "sink")?,
        encoded,
        tee,
        priming: time_of(spec.priming % AAC_FRAME),
        push_out: if spec.drains {
            gst::ClockTime::ZERO
        } else {
            time_of(spec.priming + AAC_FRAME - 1)
        },
    })
}

/// Samples in a block of AAC-LC.
const AAC_FRAME: u32 = 1024;

/// Leaves out the first `blocks` that pass `pad`, which hold nothing but the encoder's own beginning,
/// and moves the others there: sound that begins long before the picture makes some players wait.
fn leave_out(pad: &gst::Pad, blocks: u32, length: gst::ClockTime) {
    let left = AtomicU32::new(blocks);
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let Some(gst::PadProbeData::Buffer(block)) = &mut info.data else {
            return gst::PadProbeReturn::Ok;
        };
        let leave = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
        if leave.is_ok() {
            return gst::PadProbeReturn::Drop;
        }
        let fields = block.make_mut();
        fields.set_pts(fields.pts().map(|at| at.saturating_sub(length)));
        fields.set_dts(fields.dts().map(|at| at.saturating_sub(length)));
        gst::PadProbeReturn::Ok
    });
}

/// True if `source` or what holds it is a part of the trunk, or a decoder or parser of sound.
pub(crate) fn is_part_of_sound(source: &gst::Object) -> bool {
    let takes_sound = |factory: gst::ElementFactory| {
        let class = factory
            .metadata(gst::ELEMENT_METADATA_KLASS)
            .unwrap_or_default();
        let has = |word: &str| class.split('/').any(|part| part == word);
        has("Audio") && (has("Decoder") || has("Parser"))
    };
    let mut object = Some(source.clone());
    while let Some(current) = object {
        let factory = current
            .downcast_ref::<gst::Element>()
            .and_then(ElementExt::factory);
        if current.name().starts_with(NAME_PREFIX) || factory.is_some_and(takes_sound) {
            return true;
        }
        object = current.parent();
    }
    false
}

/// True if the data of a stream was refused somewhere between its demuxer and the queue whose
/// sink pad is `input`, or right behind that. Elements only say so to the one in front of them,
/// and the demuxer then reports an error that does not tell which stream it was.
pub(crate) fn is_refused(input: &gst::Pad) -> bool {
    let refuses = |pad: &gst::Pad| {
        let result = pad.last_flow_result();
        matches!(
            result,
            Err(gst::FlowError::NotNegotiated
                | gst::FlowError::NotSupported
                | gst::FlowError::Error)
        )
    };
    let behind = input
        .parent_element()
        .and_then(|queue| queue.static_pad("src"));
    if behind.is_some_and(|pad| refuses(&pad)) {
        return true;
    }
    let mut at = source_of(input);
    while let Some(pad) = at {
        if refuses(&pad) {
            return true;
        }
        at = behind_queue(&pad).and_then(|sink| source_of(&sink));
    }
    false
}

/// The sink pad that what leaves `source` came in by, unless its element has several streams and
/// does not keep them apart.
fn behind_queue(source: &gst::Pad) -> Option<gst::Pad> {
    let element = source.parent_element()?;
    if element.factory()?.name() == "multiqueue" {
        source.iterate_internal_links().into_iter().flatten().next()
    } else {
        element
            .static_pad("sink")
            .filter(|_| element.num_src_pads() == 1)
    }
}

/// The element that gives the sound for `input`: a decoder, or a demuxer.
pub(super) fn giver(input: &gst::Pad) -> Option<gst::Element> {
    let mut pad = source_of(input)?;
    loop {
        let element = pad.parent_element()?;
        if element.factory()?.name() != "multiqueue" {
            return Some(element);
        }
        pad = source_of(&behind_queue(&pad)?)?;
    }
}

/// The element's own pad that feeds `pad`.
fn source_of(pad: &gst::Pad) -> Option<gst::Pad> {
    let mut source = pad.peer()?;
    while let Some(ghost) = source.downcast_ref::<gst::GhostPad>() {
        source = ghost.target()?;
    }
    Some(source)
}
