//! Gives pictures their times where the container only knows when they are decoded.
//!
//! AVI, and Matroska in the old manner of AVI, have one time per packet, in the order of decoding.
//! `avidemux` calls it the time of showing for keyframes alone, so behind B-frames two pictures get
//! the same time and one is lost at each keyframe. Decoders give pictures out in the order of
//! showing: the first one gets the earliest time, and so on.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gstreamer as gst;
use gstreamer::prelude::*;

use super::remarks;

/// Packets after which a stream that gives all of them a time of showing is believed.
const ENOUGH: usize = 64;
/// More times than any decoder holds back; what is older was lost with its picture.
const MOST: usize = 512;
/// By how much a picture may be behind the time that the decoder worked out, in nanoseconds. More
/// comes from pictures that were lost, whose times are still waiting.
const LATE_NS: u64 = 250_000_000;

/// Times of packets that went into the decoder and have not come out with a picture.
#[derive(Default)]
struct Times {
    waiting: BinaryHeap<Reverse<u64>>,
    packets: usize,
    /// A packet came without a time of showing.
    of_decoding: bool,
    /// Packets that came after a break.
    breaks: usize,
    /// The latest time of a packet.
    latest: Option<u64>,
    /// The demuxer left something out in front of a packet and said so in its log only.
    skipped: bool,
    watched: bool,
}

impl Times {
    fn note(&mut self, packet: &gst::BufferRef) {
        self.packets += 1;
        self.breaks += usize::from(packet.flags().contains(gst::BufferFlags::DISCONT));
        let time = packet.pts().or(packet.dts());
        self.latest = self.latest.max(time.map(gst::ClockTime::nseconds));
        let Some(dts) = packet.dts().filter(|_| packet.size() > 0) else {
            return;
        };
        self.of_decoding |= packet.pts().is_none();
        if self.of_decoding || self.packets < ENOUGH {
            self.waiting.push(Reverse(dts.nseconds()));
        } else {
            self.waiting.clear();
        }
        if self.waiting.len() > MOST {
            self.waiting.pop();
        }
    }

    /// The time of the next picture, for which the decoder worked out `own`.
    fn next(&mut self, own: Option<u64>) -> Option<u64> {
        let Reverse(mut time) = self.waiting.pop()?;
        while own.is_some_and(|own| time + LATE_NS < own) {
            match self.waiting.pop() {
                Some(Reverse(later)) => time = later,
                None => break,
            }
        }
        self.of_decoding.then_some(time)
    }
}

/// The times of one stream, from the demuxer to the decoder's output.
#[derive(Clone, Default)]
pub(crate) struct Order(Arc<Mutex<Times>>);

impl Order {
    fn lock(&self) -> MutexGuard<'_, Times> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the packets that leave the demuxer at `pad`, the first one that this is called for.
    /// False for all others.
    pub(crate) fn watch(&self, pad: &gst::Pad) -> bool {
        if std::mem::replace(&mut self.lock().watched, true) {
            return false;
        }
        let order = self.clone();
        let at_first = remarks::skipped();
        pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            if let Some(packet) = info.buffer() {
                let mut times = order.lock();
                times.note(packet);
                times.skipped |= remarks::skipped() != at_first;
            }
            gst::PadProbeReturn::Ok
        });
        true
    }

    /// Packets so far that the demuxer says came after a break.
    pub(crate) fn breaks(&self) -> usize {
        self.lock().breaks
    }

    /// The latest time in nanoseconds of a packet so far.
    pub(crate) fn latest(&self) -> Option<u64> {
        self.lock().latest
    }

    /// Whether the demuxer left something out between two packets without marking them.
    pub(crate) fn has_skipped(&self) -> bool {
        self.lock().skipped
    }

    /// Sets the times of the pictures that pass `pad`, behind the decoder.
    pub(crate) fn apply(&self, pad: &gst::Pad) {
        let order = self.clone();
        pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            if let Some(gst::PadProbeData::Buffer(picture)) = &mut info.data {
                let own = picture.pts().map(gst::ClockTime::nseconds);
                if let Some(time) = order.lock().next(own) {
                    picture
                        .make_mut()
                        .set_pts(gst::ClockTime::from_nseconds(time));
                }
            }
            gst::PadProbeReturn::Ok
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: u64 = 40_000_000;

    fn times(packets: &[u64]) -> Times {
        let mut times = Times {
            of_decoding: true,
            ..Times::default()
        };
        for packet in packets {
            times.waiting.push(Reverse(packet * FRAME));
        }
        times
    }

    #[test]
    fn pictures_get_the_times_in_order() {
        let mut times = times(&[0, 1, 2, 3]);
        let given: Vec<_> = (0..4).map(|i| times.next(Some(i * FRAME))).collect();
        assert_eq!(given, [0, 1, 2, 3].map(|i| Some(i * FRAME)));
        assert_eq!(times.next(None), None);
    }

    #[test]
    fn times_of_lost_pictures_are_given_up() {
        let mut times = times(&(0..20).collect::<Vec<_>>());
        times.next(Some(0));
        assert_eq!(times.next(Some(15 * FRAME)), Some(9 * FRAME));
    }
}
