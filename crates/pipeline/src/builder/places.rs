//! Pictures of MPEG video whose packets have no time of showing.
//!
//! Program streams give a time to the first picture of a packet alone (ISO/IEC 13818-1, 2.7.5). Decoders guess
//! the others from times of decoding, some pictures late, and move up those that they overtake. The place of a
//! picture within its group tells its time (ISO/IEC 13818-2, 6.3.9).

use std::sync::{Mutex, PoisonError};

use gstreamer as gst;
use gstreamer::prelude::*;

/// Places are counted modulo this where a stream has no groups.
const AROUND: i64 = 1024;
/// Pictures for which one that repeats a field tells that this is film.
const REMEMBERED: u8 = 8;

/// Gives times to packets that enter `element` without, if that decodes MPEG video.
pub(super) fn mend(element: &gst::Element) {
    let names = [
        "avdec_mpeg2video",
        "avdec_mpegvideo",
        "avdec_mpeg1video",
        "mpeg2dec",
    ];
    let is_concerned = element
        .factory()
        .is_some_and(|f| names.contains(&f.name().as_str()));
    let Some(sink) = element.static_pad("sink").filter(|_| is_concerned) else {
        return;
    };
    let clock = Mutex::new(Clock::default());
    sink.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        if let Some(gst::PadProbeData::Buffer(packet)) = &mut info.data
            && let Some(frame_ns) = frame_ns(pad)
        {
            let mut clock = clock.lock().unwrap_or_else(PoisonError::into_inner);
            if packet.flags().contains(gst::BufferFlags::DISCONT) {
                *clock = Clock::default();
            }
            let header = packet
                .map_readable()
                .ok()
                .and_then(|map| Header::read(&map));
            let told = packet.pts().map(gst::ClockTime::nseconds);
            if let Some(time) = header.and_then(|header| clock.tell(header, told, frame_ns)) {
                let time = gst::ClockTime::from_nseconds(time);
                packet.make_mut().set_pts(time);
            }
        }
        gst::PadProbeReturn::Ok
    });
}

/// How long a picture of two fields stands, in nanoseconds.
fn frame_ns(pad: &gst::Pad) -> Option<i64> {
    let caps = pad.current_caps()?;
    let rate = caps.structure(0)?.get::<gst::Fraction>("framerate").ok()?;
    let (num, den) = (i64::from(rate.numer()), i64::from(rate.denom()));
    (num > 0).then(|| den * 1_000_000_000 / num)
}

/// What is told of a picture in front of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Header {
    /// A group begins with it.
    begins: bool,
    /// Its place in the order of showing.
    place: i64,
    /// It shows a field once more, as film does every other time.
    repeats: bool,
}

impl Header {
    /// The header in a packet (ISO/IEC 13818-2, 6.2.2.6, 6.2.3 and 6.2.3.1).
    fn read(packet: &[u8]) -> Option<Self> {
        const PICTURE: u8 = 0x00;
        const SLICE: u8 = 0x01;
        const EXTENSION: u8 = 0xb5;
        const GROUP: u8 = 0xb8;
        const CODING: u8 = 8;
        let (mut begins, mut place, mut repeats) = (false, None, false);
        let mut at = 0;
        while let Some(next) = packet
            .get(at..)?
            .windows(4)
            .position(|w| w.starts_with(&[0, 0, 1]))
        {
            let content = &packet[at + next + 4..];
            match (packet[at + next + 3], content) {
                (GROUP, _) => begins = true,
                (PICTURE, [high, low, ..]) if place.is_none() => {
                    place = Some(i64::from(*high) << 2 | i64::from(*low) >> 6);
                }
                (EXTENSION, [kind, _, _, flags, ..]) if kind >> 4 == CODING => {
                    repeats = flags & 2 != 0;
                }
                // The picture itself.
                (SLICE, _) => break,
                _ => {}
            }
            at += next + 4;
        }
        place.map(|place| Self {
            begins,
            place,
            repeats,
        })
    }
}

/// Knows what time it is at a place.
#[derive(Debug, Default)]
struct Clock {
    /// The place and the time of the last picture that had one.
    known: Option<(i64, i64)>,
    /// The place behind the last of the group.
    end: i64,
    /// Pictures for which this is film.
    film: u8,
}

impl Clock {
    /// The time of a picture that is not `told`, in nanoseconds.
    fn tell(&mut self, header: Header, told: Option<u64>, frame_ns: i64) -> Option<u64> {
        if header.begins {
            self.known = self.known.map(|(place, time)| (place - self.end, time));
            self.end = 0;
        }
        let around = self.end - header.place + AROUND / 2;
        let place = header.place + around.max(0) / AROUND * AROUND;
        self.end = self.end.max(place + 1);
        self.film = if header.repeats {
            REMEMBERED
        } else {
            self.film.saturating_sub(1)
        };
        if let Some(told) = told {
            self.known = i64::try_from(told).ok().map(|told| (place, told));
            return None;
        }
        let (known, time) = self.known?;
        // Two fields and three in turn.
        let stands = if self.film > 0 {
            frame_ns * 5 / 4
        } else {
            frame_ns
        };
        u64::try_from(time + (place - known) * stands).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: i64 = 40_000_000;

    fn at(place: i64) -> Header {
        Header {
            begins: false,
            place,
            repeats: false,
        }
    }

    #[test]
    fn places_tell_times_within_a_group_and_behind_it() {
        let mut clock = Clock::default();
        let ms = |ms: u64| Some(ms * 1_000_000);
        assert_eq!(clock.tell(at(0), None, FRAME), None, "nothing is known yet");
        assert_eq!(clock.tell(at(0), ms(1000), FRAME), None);
        assert_eq!(clock.tell(at(3), None, FRAME), ms(1120));
        assert_eq!(clock.tell(at(1), None, FRAME), ms(1040));
        assert_eq!(clock.tell(at(2), None, FRAME), ms(1080));
        let begins = Header {
            begins: true,
            ..at(2)
        };
        assert_eq!(clock.tell(begins, None, FRAME), ms(1240));
        assert_eq!(clock.tell(at(0), None, FRAME), ms(1160));
        let film = Header {
            repeats: true,
            ..at(4)
        };
        assert_eq!(clock.tell(at(3), ms(2000), FRAME), None);
        assert_eq!(clock.tell(film, None, FRAME), ms(2050));
    }

    #[test]
    fn places_go_around() {
        let mut clock = Clock::default();
        clock.tell(at(1022), Some(0), FRAME);
        assert_eq!(clock.tell(at(1), None, FRAME), Some(3 * FRAME as u64));
        assert_eq!(clock.tell(at(1023), None, FRAME), Some(FRAME as u64));
    }

    #[test]
    fn headers_are_read_up_to_the_picture() {
        let group = [0, 0, 1, 0xb8, 0, 8, 0, 0];
        let picture = [0, 0, 1, 0, 0x01, 0xd0, 0, 0];
        let coding = [0, 0, 1, 0xb5, 0x8f, 0xff, 0xf3, 0x82, 0x80];
        let slice = [0, 0, 1, 1, 0, 0, 1, 0xb8];
        let packet = [&group[..], &picture, &coding, &slice].concat();
        let header = Header {
            begins: true,
            place: 7,
            repeats: true,
        };
        assert_eq!(Header::read(&packet), Some(header));
        assert_eq!(Header::read(&packet[8..16]), Some(at(7)));
        assert_eq!(Header::read(&slice), None);
        assert_eq!(Header::read(&[]), None);
    }
}
