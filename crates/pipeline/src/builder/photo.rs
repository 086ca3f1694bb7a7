//! Decodes one picture that is no video.

use clipsy_domain::photo::PhotoKind;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;

use super::element::{self, make};
use crate::Error;

/// A pipeline that decodes a picture.
pub(crate) struct Decoding {
    pub(crate) pipeline: gst::Pipeline,
    /// Where the picture comes out, upright and in I420.
    pub(crate) picture: gst_app::AppSink,
}

/// Builds the pipeline for the picture in `bytes`: the one decoder of its kind, and no other.
pub(crate) fn build(bytes: Vec<u8>, kind: PhotoKind) -> Result<Decoding, Error> {
    let pipeline = gst::Pipeline::with_name("photo");
    let (media, parser, decoder) = match kind {
        PhotoKind::Jpeg => ("image/jpeg", Some("jpegparse"), "jpegdec"),
        PhotoKind::Png => ("image/png", Some("pngparse"), "pngdec"),
        PhotoKind::WebP => ("image/webp", None, "webpdec"),
    };
    let source = gst_app::AppSrc::builder()
        .name("photo.source")
        .caps(&gst::Caps::new_empty_simple(media))
        .format(gst::Format::Bytes)
        .max_bytes(0)
        .build();
    let i420 = gst_video::VideoCapsBuilder::new()
        .format(gst_video::VideoFormat::I420)
        .build();
    // Cameras note which side was up, and parsers pass it on.
    let flip = make("videoflip", "photo.flip")?;
    flip.set_property_from_str("video-direction", "auto");
    let picture = gst_app::AppSink::builder()
        .name("photo.sink")
        .sync(false)
        .max_buffers(1)
        .build();
    let mut elements: Vec<gst::Element> = vec![source.clone().upcast()];
    if let Some(parser) = parser {
        elements.push(make(parser, "photo.parser")?);
    }
    elements.extend([
        make(decoder, "photo.decoder")?,
        make("videoconvert", "photo.convert")?,
        element::capsfilter("photo.ready", &i420)?,
        flip,
        picture.clone().upcast(),
    ]);
    element::chain(pipeline.upcast_ref(), &elements)?;
    // It waits in the source until the pipeline runs.
    let _ = source.push_buffer(gst::Buffer::from_mut_slice(bytes));
    let _ = source.end_of_stream();
    Ok(Decoding { pipeline, picture })
}
