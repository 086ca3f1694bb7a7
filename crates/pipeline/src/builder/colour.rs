//! What the numbers of a picture mean, from the demuxer to the encoders
//! (docs/decisions/0026-order-of-trust.md).

use std::sync::Mutex;

use clipsy_domain::media::{SampleAspect, VideoStream};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_video::{
    VideoColorMatrix as Matrix, VideoColorPrimaries as Primaries, VideoColorRange as Range,
    VideoColorimetry, VideoTransferFunction as Transfer,
};

/// Colour of the pictures of `source`, as the probe settled it.
pub(crate) fn of(source: &VideoStream) -> VideoColorimetry {
    let settled = source.colorimetry.as_deref().and_then(|c| c.parse().ok());
    settled.unwrap_or_else(|| {
        VideoColorimetry::new(
            Range::Range16_235,
            Matrix::Bt709,
            Transfer::Bt709,
            Primaries::Bt709,
        )
    })
}

/// Colour of pictures of `colour` once they have components of luma and chroma.
pub(crate) fn as_yuv(colour: &VideoColorimetry) -> VideoColorimetry {
    if colour.matrix() == Matrix::Rgb {
        VideoColorimetry::new(
            Range::Range16_235,
            Matrix::Bt709,
            colour.transfer(),
            colour.primaries(),
        )
    } else {
        *colour
    }
}

/// Colour in which pictures of `colour` are encoded: limited range, and their own description if
/// players honour that in H.264, else BT.709.
pub(crate) fn encoded(colour: &VideoColorimetry) -> VideoColorimetry {
    // Those of little use are replaced by what they hardly differ from.
    let matrix = match colour.matrix() {
        Matrix::Fcc => Matrix::Bt601,
        Matrix::Smpte240m => Matrix::Bt709,
        other => other,
    };
    let primaries = match colour.primaries() {
        Primaries::Smpte240m => Primaries::Smpte170m,
        other => other,
    };
    let known = matches!(matrix, Matrix::Bt709 | Matrix::Bt601)
        && is_narrow(primaries)
        && is_usual(colour.transfer());
    let (matrix, transfer, primaries) = if known {
        (matrix, colour.transfer(), primaries)
    } else if colour.transfer() == Transfer::Srgb {
        // Greys keep their values, so a screen recording stays one.
        (Matrix::Bt709, Transfer::Srgb, Primaries::Bt709)
    } else {
        (Matrix::Bt709, Transfer::Bt709, Primaries::Bt709)
    };
    VideoColorimetry::new(Range::Range16_235, matrix, transfer, primaries)
}

/// Primaries of ordinary video.
pub(crate) fn is_narrow(primaries: Primaries) -> bool {
    matches!(
        primaries,
        Primaries::Bt709
            | Primaries::Bt470m
            | Primaries::Bt470bg
            | Primaries::Smpte170m
            | Primaries::Smpte240m
    )
}

/// Transfer functions of ordinary video, which no player tells apart to the eye.
fn is_usual(transfer: Transfer) -> bool {
    matches!(
        transfer,
        Transfer::Bt709
            | Transfer::Bt601
            | Transfer::Smpte240m
            | Transfer::Srgb
            | Transfer::Gamma22
            | Transfer::Gamma28
            | Transfer::Bt202010
            | Transfer::Bt202012
    )
}

/// Takes what a container says about colour, fields and size out of the caps that leave its demuxer by
/// `pad`: parsers and decoders would believe it more than the bitstream.
pub(crate) fn let_the_bitstream_speak(pad: &gst::Pad) {
    rewrite_caps(pad, |caps| {
        for structure in caps.iter_mut() {
            structure.remove_field("colorimetry");
            if tells_size(structure.name()) {
                structure.remove_fields(["width", "height"]);
            }
            if tells_fields(structure.name()) {
                structure.remove_fields(["interlace-mode", "field-order"]);
            }
        }
    });
}

/// True if there are parsers for bitstreams of this type that tell the size of the pictures: up to
/// `GStreamer` 1.26 they repeat what the container says, and the decoder finds out by itself.
fn tells_size(media_type: &str) -> bool {
    matches!(
        media_type,
        "video/x-h264" | "video/x-h265" | "video/x-vp9" | "video/x-av1"
    )
}

/// True if bitstreams of this type say of each picture whether it is interlaced.
fn tells_fields(media_type: &str) -> bool {
    matches!(
        media_type,
        "video/mpeg"
            | "video/x-h264"
            | "video/x-h265"
            | "video/x-prores"
            | "video/x-dnxhd"
            | "video/x-dv"
    )
}

/// True if what comes out of `pad`, behind a decoder, has the colour that the bitstream tells.
/// Other decoders leave it open or make it up by the size of the picture.
pub(crate) fn is_from_bitstream(pad: &gst::Pad) -> bool {
    let mut at = pad.clone();
    while let Some(inner) = at
        .downcast_ref::<gst::GhostPad>()
        .and_then(gstreamer::prelude::GhostPadExt::target)
    {
        at = inner;
    }
    at.parent_element()
        .and_then(|element| element.factory())
        .is_some_and(|factory| {
            let name = factory.name();
            name.starts_with("avdec_") || name == "jpegdec" || name == "theoradec"
        })
}

/// True if each buffer holds one field, as HEVC can have them. No converter takes these as they are;
/// as low pictures of samples twice as high they are scaled to whole ones.
fn are_single_fields(caps: &gst::CapsRef) -> bool {
    caps.features(0)
        .is_some_and(|features| features.contains("format:Interlaced"))
}

/// Gives decoded pictures that enter by `pad` the colour and the sample aspect that the plan was
/// made with, so that all that follows goes by the same. What changes in mid-stream is followed.
pub(crate) fn hold(pad: &gst::Pad, source: &VideoStream) {
    let settled = of(source);
    let planned = source.sample_aspect;
    // H.263 has a sample aspect of its own by its picture size, which no player follows.
    let fixed_aspect = source.media_type == super::H263;
    let first = Mutex::new(None);
    let decoder = pad.clone();
    rewrite_caps(pad, move |caps| {
        let single = are_single_fields(caps);
        if single {
            caps.set_features_simple(None);
        }
        let Some(structure) = caps.structure_mut(0) else {
            return;
        };
        let colour: Option<VideoColorimetry> = structure
            .get::<&str>("colorimetry")
            .ok()
            .and_then(|c| c.parse().ok());
        let aspect = structure.get::<gst::Fraction>("pixel-aspect-ratio").ok();
        let Ok(mut first) = first.lock() else { return };
        let (first_colour, first_aspect) = *first.get_or_insert((colour, aspect));
        let is_rgb = |c: &VideoColorimetry| c.matrix() == Matrix::Rgb;
        let colour = match colour {
            Some(now)
                if is_rgb(&now) != is_rgb(&settled)
                    || (Some(now) != first_colour
                        && decoder.peer().is_some_and(|peer| is_from_bitstream(&peer))) =>
            {
                completed(&now, &settled)
            }
            _ => settled,
        };
        structure.set("colorimetry", colour.to_string());
        let aspect = match aspect {
            Some(now) if aspect != first_aspect && !fixed_aspect => {
                SampleAspect::plausible(now.numer().unsigned_abs(), now.denom().unsigned_abs())
            }
            _ => planned,
        };
        let side = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
        let mut aspect = gst::Fraction::new(side(aspect.num), side(aspect.den));
        if single && let Ok(height) = structure.get::<i32>("height") {
            structure.set("height", height / 2);
            structure.set("interlace-mode", "progressive");
            structure.remove_field("field-order");
            aspect *= gst::Fraction::new(1, 2);
        }
        structure.set("pixel-aspect-ratio", aspect);
    });
}

/// Makes the caps `filter` behind `videoconvert` ask for the colour that enters it by `pad`, so that
/// it changes the format only.
pub(crate) fn carry_over(pad: &gst::Pad, filter: &gst::Element) {
    let filter = filter.downgrade();
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        if let Some(gst::PadProbeData::Event(event)) = &info.data
            && let gst::EventView::Caps(caps) = event.view()
            && let Some(structure) = caps.caps().structure(0)
            && let Ok(colour) = structure.get::<&str>("colorimetry")
            && let Ok(colour) = colour.parse::<VideoColorimetry>()
            && let Some(filter) = filter.upgrade()
        {
            let mut caps = filter.property::<gst::Caps>("caps");
            caps.make_mut()
                .set("colorimetry", as_yuv(&colour).to_string());
            filter.set_property("caps", caps);
        }
        gst::PadProbeReturn::Ok
    });
}

/// `colour` with what it leaves open taken from `other`.
pub(crate) fn completed(colour: &VideoColorimetry, other: &VideoColorimetry) -> VideoColorimetry {
    VideoColorimetry::new(
        match colour.range() {
            Range::Unknown => other.range(),
            known => known,
        },
        match colour.matrix() {
            Matrix::Unknown => other.matrix(),
            known => known,
        },
        match colour.transfer() {
            Transfer::Unknown => other.transfer(),
            known => known,
        },
        match colour.primaries() {
            Primaries::Unknown => other.primaries(),
            known => known,
        },
    )
}

/// Changes the caps of everything that passes `pad`.
fn rewrite_caps(pad: &gst::Pad, change: impl Fn(&mut gst::CapsRef) + Send + Sync + 'static) {
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        if let Some(gst::PadProbeData::Event(event)) = &mut info.data
            && let gst::EventView::Caps(caps) = event.view()
        {
            let mut caps = caps.caps_owned();
            change(caps.make_mut());
            let number = event.seqnum();
            *event = gst::event::Caps::builder(&caps).seqnum(number).build();
        }
        gst::PadProbeReturn::Ok
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded_as(colour: &str) -> String {
        encoded(&colour.parse().unwrap()).to_string()
    }

    #[test]
    fn ordinary_colours_keep_their_description_in_limited_range() {
        gst::init().unwrap();
        for (colour, becomes) in [
            ("bt709", "bt709"),
            ("bt601", "bt601"),
            ("2:4:5:3", "2:4:5:3"),
            ("1:3:5:1", "bt709"),
            ("1:4:16:4", "bt601"),
            ("2:3:7:1", "2:3:7:1"),
            ("smpte240m", "2:3:6:4"),
            ("2:2:4:2", "2:4:4:2"),
        ] {
            assert_eq!(encoded_as(colour), becomes);
        }
    }

    #[test]
    fn others_become_bt709() {
        gst::init().unwrap();
        for colour in [
            "bt2020",
            "bt2020-10",
            "bt2100-pq",
            "bt2100-hlg",
            "1:6:5:1",
            "2:3:5:11",
        ] {
            assert_eq!(encoded_as(colour), "bt709", "{colour}");
        }
        assert_eq!(encoded_as("2:3:7:11"), "2:3:7:1");
    }

    #[test]
    fn what_is_left_open_is_completed() {
        gst::init().unwrap();
        let known = |colour: &str| {
            completed(&colour.parse().unwrap(), &"bt709".parse().unwrap()).to_string()
        };
        assert_eq!(known("1:0:0:0"), "1:3:5:1");
        assert_eq!(known("0:4:0:0"), "2:4:5:1");
        assert_eq!(known("bt601"), "bt601");
    }
}
