//! PNG pictures of 16 bits without transparency, whose channels `pngdec` mixes up.
//!
//! Up to 1.22.3 it has opaque alpha put in front of red, green and blue and then has the last channel
//! moved to the front, where alpha should be: blue, alpha, red, green. It calls that ARGB.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gstreamer as gst;
use gstreamer::prelude::*;

/// A pixel: four channels of 16 bits.
const PIXEL: usize = 8;
/// What precedes the kind of colours in a picture (RFC 2083, 3.1 and 4.1.1).
const BEGIN: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
/// Colours without transparency.
const RGB: u8 = 2;

/// Puts the channels in order behind `element` if that is a `pngdec` which does not.
pub(super) fn mend(element: &gst::Element) {
    let is_concerned = element.factory().is_some_and(|f| f.name() == "pngdec");
    if !is_concerned || gst::version() >= (1, 22, 4, 0) {
        return;
    }
    let (Some(sink), Some(src)) = (element.static_pad("sink"), element.static_pad("src")) else {
        return;
    };
    // Each picture comes out before the next goes in.
    let mixed_up = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&mixed_up);
    sink.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        if let Some(map) = info.buffer().and_then(|b| b.map_readable().ok()) {
            // A picture in several pieces begins in the first.
            if map.starts_with(BEGIN) {
                seen.store(is_deep_rgb(&map), Ordering::Relaxed);
            }
        }
        gst::PadProbeReturn::Ok
    });
    src.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        if mixed_up.load(Ordering::Relaxed)
            && let Some(mut map) = info
                .buffer_mut()
                .and_then(|b| b.make_mut().map_writable().ok())
        {
            map.chunks_exact_mut(PIXEL).for_each(put_in_order);
        }
        gst::PadProbeReturn::Ok
    });
}

/// True of a picture of 16 bits without transparency.
fn is_deep_rgb(png: &[u8]) -> bool {
    // Width and height come first.
    let kind = png.strip_prefix(BEGIN).and_then(|rest| rest.get(8..10));
    kind == Some(&[16, RGB])
}

/// Blue, alpha, red, green becomes alpha, red, green, blue.
fn put_in_order(pixel: &mut [u8]) {
    pixel.rotate_left(2);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deep_pictures_without_transparency_are_told_by_their_header() {
        let header = |depth, kind| [BEGIN, &[0, 0, 1, 64, 0, 0, 0, 180, depth, kind]].concat();
        assert!(is_deep_rgb(&header(16, 2)));
        assert!(!is_deep_rgb(&header(8, 2)));
        assert!(!is_deep_rgb(&header(16, 6)), "with transparency");
        assert!(!is_deep_rgb(&header(16, 2)[..24]) && !is_deep_rgb(b"RIFF"));
    }

    #[test]
    fn channels_are_put_in_order() {
        let mut pixel = *b"BbAaRrGg";
        put_in_order(&mut pixel);
        assert_eq!(&pixel, b"AaRrGgBb");
    }
}
