//! H.264 that begins at a recovery point, which `avdec_h264` of later versions cannot decode.
//!
//! Before the first picture libav makes those that its number says are missing, as many as the stream refers
//! to. `gst-libav` finds memory for them by the packet, and since 1.24 it knows the packet no longer once the
//! second of them is let go, which is at once: the picture is not decoded, nor are those that need it, up to the
//! next such point. Each time that it is sent once more one less is missing, and in the end none.

use std::sync::{Arc, Mutex, PoisonError};

use gstreamer as gst;
use gstreamer::prelude::*;

use super::remarks;

/// As many pictures as a stream can refer to (ISO/IEC 14496-10, A.3.1).
const COPIES: usize = 16;
/// Pictures among which those of the copies come out: more than any decoder holds.
const AMONG: usize = 2 * COPIES;

/// What is under way between the two ends of a decoder.
#[derive(Default)]
struct Begun {
    /// Remarks of the decoder before the first copy went in, until another picture comes out.
    remarks: Option<usize>,
    /// Pictures that may still be copies.
    left: usize,
    /// Time of the last picture.
    last: Option<gst::ClockTime>,
    /// The copies are on their way and begin nothing by themselves.
    is_sending: bool,
}

impl Begun {
    /// Copies are to follow so many remarks.
    fn new(remarks: usize) -> Self {
        Self {
            remarks: Some(remarks),
            left: AMONG,
            last: None,
            is_sending: true,
        }
    }

    /// Takes note of a picture of this time; true if it is one of the copies.
    fn repeats(&mut self, time: Option<gst::ClockTime>) -> bool {
        let repeats = self.left > 0 && time.is_some() && self.last == time;
        self.left = self.left.saturating_sub(1);
        self.last = time;
        repeats
    }
}

/// Sends such pictures again and again to `element` if that is an `avdec_h264` which needs it.
pub(super) fn mend(element: &gst::Element) {
    let is_concerned = element.factory().is_some_and(|f| f.name() == "avdec_h264");
    if !is_concerned || gst::version() < (1, 24, 0, 0) {
        return;
    }
    let (Some(sink), Some(src)) = (element.static_pad("sink"), element.static_pad("src")) else {
        return;
    };
    let begun = Arc::new(Mutex::new(Begun::default()));
    let seen = Arc::clone(&begun);
    sink.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        let Some(gst::PadProbeData::Buffer(packet)) = &mut info.data else {
            return gst::PadProbeReturn::Ok;
        };
        let begins = {
            let mut begun = seen.lock().unwrap_or_else(PoisonError::into_inner);
            let begins = !begun.is_sending && begins_without_idr(pad, packet);
            if begins {
                *begun = Begun::new(remarks::undecoded_pictures());
            }
            begins
        };
        if begins {
            // The first of them alone is a break, or one would follow the first picture that comes out.
            let first = packet.copy();
            packet.make_mut().unset_flags(gst::BufferFlags::DISCONT);
            // If this is the end, so it is for the packet itself, which tells of it.
            let _ = pad.chain(first);
            for _ in 1..COPIES {
                let _ = pad.chain(packet.clone());
            }
            let mut begun = seen.lock().unwrap_or_else(PoisonError::into_inner);
            begun.is_sending = false;
        }
        gst::PadProbeReturn::Ok
    });
    src.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let Some(gst::PadProbeData::Buffer(picture)) = &mut info.data else {
            return gst::PadProbeReturn::Ok;
        };
        let mut begun = begun.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = begun.last.is_none();
        let repeats = begun.repeats(picture.pts());
        // What could not be decoded of the copies is no damage, and no break in front of what follows.
        if let Some(before) = begun.remarks {
            remarks::forgive(before);
            if !is_first && !repeats {
                begun.remarks = None;
                picture.make_mut().unset_flags(gst::BufferFlags::DISCONT);
            }
        }
        if repeats {
            gst::PadProbeReturn::Drop
        } else {
            gst::PadProbeReturn::Ok
        }
    });
}

/// True of a picture at which a stream begins or goes on behind a break, if it refers to none before
/// and does not say so by its kind.
fn begins_without_idr(pad: &gst::Pad, packet: &gst::BufferRef) -> bool {
    let flags = packet.flags();
    if !flags.contains(gst::BufferFlags::DISCONT) || flags.contains(gst::BufferFlags::DELTA_UNIT) {
        return false;
    }
    let caps = pad.current_caps();
    let format = caps.as_ref().and_then(|caps| caps.structure(0));
    let is_stream = format
        .and_then(|s| s.get::<&str>("stream-format").ok())
        .is_none_or(|form| form == "byte-stream");
    let map = packet.map_readable();
    map.is_ok_and(|bytes| {
        let kinds = if is_stream {
            in_stream(&bytes)
        } else {
            in_lengths(&bytes)
        };
        kinds.contains(&SLICE) && !kinds.contains(&IDR)
    })
}

/// Kinds of units (ISO/IEC 14496-10, table 7-1).
const SLICE: u8 = 1;
const IDR: u8 = 5;

/// The kinds of the units in `bytes`, which start codes part (annex B).
fn in_stream(bytes: &[u8]) -> Vec<u8> {
    let starts = bytes.windows(4).filter(|w| w.starts_with(&[0, 0, 1]));
    starts.map(|w| w[3] & 0x1f).collect()
}

/// The same where each has its length in front, in four bytes as nearly everywhere.
fn in_lengths(mut bytes: &[u8]) -> Vec<u8> {
    let mut kinds = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let Ok(length) = usize::try_from(u32::from_be_bytes(*length)) else {
            break;
        };
        kinds.extend(rest.first().map(|head| head & 0x1f));
        bytes = rest.get(length..).unwrap_or_default();
    }
    kinds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_of_the_first_picture_are_not_shown() {
        let mut begun = Begun {
            left: 4,
            ..Begun::default()
        };
        let shown: Vec<_> = [1, 1, 1, 2, 2]
            .map(|t| !begun.repeats(Some(gst::ClockTime::from_seconds(t))))
            .into();
        assert_eq!(shown, [true, false, false, true, true]);
        begun.left = 2;
        assert!(
            !begun.repeats(None) && !begun.repeats(None),
            "without a time nothing is known"
        );
    }

    #[test]
    fn units_are_found_in_both_forms() {
        let stream = [0, 0, 0, 1, 9, 0xf0, 0, 0, 0, 1, 0x67, 7, 0, 0, 1, 0x41, 8];
        assert_eq!(in_stream(&stream), [9, 7, SLICE]);
        let lengths = [0, 0, 0, 2, 6, 9, 0, 0, 0, 3, 0x65, 8, 8];
        assert_eq!(in_lengths(&lengths), [6, IDR]);
        assert_eq!(in_lengths(&[0, 0, 0, 9, 1]), [SLICE]);
        assert!(in_lengths(&[0, 0, 0]).is_empty());
    }
}
