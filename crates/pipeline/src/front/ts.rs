//! Transport streams (ISO/IEC 13818-1) whose clock reference comes late.
//!
//! `tsdemux` measures every time from the first clock reference. Sound that begins before a late
//! picture, which carries the reference, seems to lie before it: its times are taken for those of
//! a clock that has wrapped, or half a second of it makes the demuxer give no times at all. All
//! references are set back, so that none is later than the earliest time, and one is put in front;
//! nothing here plays at the speed of that clock.

use std::fs::File;
use std::os::unix::fs::FileExt;

use super::{Front, Piece, Source};

const PACKET: usize = 188;
/// How far the first packets are looked through.
const MOST_BYTES: u64 = 8 * 1024 * 1024;
/// Ticks of the 90 kHz clock in a second.
const SECOND: u64 = 90_000;
/// Values of the 33-bit clock.
const WRAP: u64 = 1 << 33;

/// Looks at the beginning of a transport stream; `None` if it is none.
pub(super) fn look(source: &Source) -> Option<Front> {
    let start = source.read(0, source.bytes.min(MOST_BYTES))?;
    let (first, stride) = layout(&start)?;
    let mut times = Times::default();
    for packet in start[first..].chunks(stride) {
        if let Some(packet) = packet.get(..PACKET) {
            times.note(packet);
        }
    }
    let mut front = Front {
        // There is no length in a transport stream, so nothing in it can be missing.
        complete: Some(true),
        scrambled: times.packets > 0 && times.scrambled * 2 > times.packets,
        ..Front::default()
    };
    if let (Some((pid, reference)), Some(earliest)) = (times.reference, times.earliest)
        && ahead(reference, earliest) > SECOND / 2
    {
        let stream = SetBack {
            start: first as u64,
            len: source.bytes - first as u64,
            stride: stride as u64,
            ticks: ahead(reference, earliest) + SECOND,
        };
        let clock = (reference + 2 * WRAP - stream.ticks - SECOND / 10) % WRAP;
        let mut lead = reference_packet(pid, clock).to_vec();
        lead.resize(stride, 0);
        front.pieces = Some(vec![Piece::Made(lead.into()), Piece::Clock(stream)].into());
    }
    Some(front)
}

/// Where the first packet begins and how far it is from one to the next: 188 bytes, or 192 with
/// the time stamps of a camera.
fn layout(bytes: &[u8]) -> Option<(usize, usize)> {
    const PACKETS: usize = 5;
    [PACKET, 192].into_iter().find_map(|stride| {
        let whole =
            |first: &usize| (0..PACKETS).all(|i| bytes.get(first + i * stride) == Some(&0x47));
        (0..stride).find(whole).map(|first| (first, stride))
    })
}

/// The first clock reference and the earliest time before it.
#[derive(Default)]
struct Times {
    reference: Option<(u16, u64)>,
    earliest: Option<u64>,
    packets: u64,
    scrambled: u64,
}

impl Times {
    fn note(&mut self, packet: &[u8]) {
        let pid = u16::from_be_bytes([packet[1] & 0x1f, packet[2]]);
        let (has_field, has_payload) = (packet[3] & 0x20 != 0, packet[3] & 0x10 != 0);
        if pid == 0x1fff {
            return;
        }
        if has_payload && pid > 0x1f {
            self.packets += 1;
            self.scrambled += u64::from(packet[3] & 0xc0 != 0);
        }
        let mut payload = 4;
        if has_field {
            let len = usize::from(packet[4]);
            if self.reference.is_none() {
                self.reference = reference(packet).map(|time| (pid, time));
            }
            payload += 1 + len;
        }
        if self.reference.is_none()
            && has_payload
            && packet[1] & 0x40 != 0
            && let Some(time) = packet.get(payload..).and_then(first_time)
        {
            let earlier = |e: u64| ahead(e, time) > 0;
            if self.earliest.is_none_or(earlier) {
                self.earliest = Some(time);
            }
        }
    }
}

/// How far `later` is ahead of `earlier` on the clock, 0 if it is behind.
fn ahead(later: u64, earlier: u64) -> u64 {
    let difference = (later + WRAP - earlier) % WRAP;
    if difference < WRAP / 2 { difference } else { 0 }
}

/// The decoding or presentation time of the PES packet that begins `payload` (2.4.3.7).
fn first_time(payload: &[u8]) -> Option<u64> {
    let rest = payload.strip_prefix(&[0, 0, 1])?;
    let is_media = matches!(rest.first()?, 0xbd | 0xc0..=0xef | 0xfd);
    let flags = rest.get(4)? >> 6;
    let at = match flags {
        2 => 6,
        // A decoding time follows, which is not later.
        3 => 11,
        _ => return None,
    };
    let t = rest.get(at..at + 5).filter(|_| is_media)?;
    let t = |i: usize| u64::from(t[i]);
    Some((t(0) >> 1 & 7) << 30 | t(1) << 22 | (t(2) >> 1) << 15 | t(3) << 7 | t(4) >> 1)
}

/// The clock reference of a packet, in ticks of 90 kHz (2.4.3.5).
fn reference(packet: &[u8]) -> Option<u64> {
    let has_reference =
        packet[0] == 0x47 && packet[3] & 0x20 != 0 && packet[4] >= 7 && packet[5] & 0x10 != 0;
    let base = packet[6..10].iter().fold(0, |n, b| n << 8 | u64::from(*b));
    has_reference.then_some(base << 1 | u64::from(packet[10] >> 7))
}

/// A packet that holds nothing but a clock reference (2.4.3.4).
fn reference_packet(pid: u16, base: u64) -> [u8; PACKET] {
    let mut packet = [0xff; PACKET];
    let [high, low] = pid.to_be_bytes();
    let clock = clock_field(base);
    packet[..6].copy_from_slice(&[0x47, high & 0x1f, low, 0x20, 183, 0x10]);
    packet[6..11].copy_from_slice(&clock);
    packet[10] |= 0x7e;
    packet[11] = 0;
    packet
}

/// The 33 bits of a clock reference, in front of those of its fine part.
fn clock_field(base: u64) -> [u8; 5] {
    let mut field = [0; 5];
    field.copy_from_slice(&(base << 7).to_be_bytes()[3..]);
    field
}

/// A transport stream whose clock references are earlier than in the file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SetBack {
    /// Where its first packet lies in the file.
    start: u64,
    pub(super) len: u64,
    /// Bytes from one packet to the next.
    stride: u64,
    /// By how much, in ticks of 90 kHz.
    ticks: u64,
}

impl SetBack {
    /// Fills `out` with what lies at `offset`.
    pub(crate) fn read(&self, file: &File, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
        // Whole packets, since a reference may lie across the end of what is asked for.
        let first = offset / self.stride * self.stride;
        let end = (offset + out.len() as u64)
            .next_multiple_of(self.stride)
            .min(self.len);
        let mut bytes = vec![0; usize::try_from(end - first).unwrap_or(usize::MAX)];
        file.read_exact_at(&mut bytes, self.start + first)?;
        let stride = usize::try_from(self.stride).unwrap_or(PACKET);
        for packet in bytes.chunks_mut(stride).filter(|p| p.len() >= PACKET) {
            self.set_back(packet);
        }
        let skip = usize::try_from(offset - first).unwrap_or(usize::MAX);
        out.copy_from_slice(&bytes[skip..skip + out.len()]);
        Ok(())
    }

    fn set_back(&self, packet: &mut [u8]) {
        if let Some(time) = reference(packet) {
            let below = packet[10] & 0x7f;
            packet[6..11].copy_from_slice(&clock_field((time + WRAP - self.ticks) % WRAP));
            packet[10] |= below;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_set_back() {
        let mut packet = reference_packet(0x101, 11);
        packet[11] = 7;
        let stream = SetBack {
            start: 0,
            len: 0,
            stride: 188,
            ticks: 12,
        };
        assert_eq!(reference(&packet), Some(11));
        stream.set_back(&mut packet);
        assert_eq!(reference(&packet), Some(WRAP - 1));
        assert_eq!(packet[11], 7);
    }

    #[test]
    fn times_are_compared_on_a_clock_that_wraps() {
        assert_eq!(ahead(5, WRAP - 5), 10);
        assert_eq!(ahead(WRAP - 5, 5), 0);
    }

    #[test]
    fn the_time_of_a_packet_is_found() {
        let mut pes = vec![0, 0, 1, 0xc0, 0, 0, 0x80, 0x80, 5];
        let t: u64 = 0x1_8765_4321;
        pes.extend([
            0x21 | ((t >> 30) as u8) << 1,
            (t >> 22) as u8,
            1 | ((t >> 15) as u8) << 1,
            (t >> 7) as u8,
            1 | (t as u8) << 1,
        ]);
        assert_eq!(first_time(&pes), Some(t));
        assert_eq!(first_time(b"\0\0\x01\xbc\0\0\0\0\0\0\0\0\0"), None);
    }
}
