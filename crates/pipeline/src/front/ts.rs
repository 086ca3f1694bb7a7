//! Transport streams (ISO/IEC 13818-1) whose clock reference is late or rare.
//!
//! `tsdemux` measures every time from the first clock reference. Sound that begins before a late
//! picture, which carries the reference, seems to lie before it: its times are taken for those of
//! a clock that has wrapped, or half a second of it makes the demuxer give no times at all; and
//! where references are half a second apart, as with slides, each begins a clock of its own. Such
//! streams are shown with references of ours instead, which are dense and earlier than all times.
//! Nothing here plays at the speed of that clock.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use super::jumps::{self, Jumps};
use super::programs::Programs;
use super::{Front, Numbers, Piece, Source, Track};

pub(super) const PACKET: usize = 188;
/// How far the first packets are looked through.
const MOST_BYTES: u64 = 8 * 1024 * 1024;
/// Ticks of the 90 kHz clock in a second.
pub(super) const SECOND: u64 = 90_000;
/// References further apart begin a new clock.
const RARE: u64 = SECOND * 45 / 100;
/// Values of the 33-bit clock.
pub(super) const WRAP: u64 = 1 << 33;

/// Looks at the beginning of a transport stream; `None` if it is none.
pub(super) fn look(source: &Source) -> Option<Front> {
    let start = source.read(0, source.bytes.min(MOST_BYTES))?;
    let (first, stride) = layout(&start)?;
    let packets = || {
        let each = start[first..].chunks(stride);
        each.filter_map(|p| p.get(..PACKET))
            .filter(|p| p[0] == 0x47)
    };
    let mut times = Times::default();
    packets().for_each(|packet| times.note(packet));
    let programs = Programs::look(packets());
    let mut front = Front {
        // There is no length in a transport stream, so nothing in it can be missing.
        complete: Some(true),
        scrambled: times.packets > 0 && times.scrambled * 2 > times.packets,
        tracks: tracks(&programs),
        numbers: Numbers::Hexadecimal,
        ..Front::default()
    };
    if let (Some((pid, _)), Some(earliest)) = (times.reference, times.earliest)
        && times.are_poor()
    {
        let stream = Reclocked {
            start: first as u64,
            bytes: (source.bytes - first as u64) / stride as u64 * stride as u64,
            stride: stride as u64,
            pid,
            clock: (earliest + WRAP - SECOND) % WRAP,
            programs,
        };
        front.duration_s = last_time(source, first, stride)
            .map(|last| ahead(last, earliest) as f64 / SECOND as f64)
            .filter(|s| *s > 0.0);
        front.pieces = Some(vec![Piece::Clock(Box::new(stream))].into());
    } else if let Some((pid, clock)) = times.reference {
        let jumps = Jumps::new(
            first as u64,
            source.bytes,
            stride as u64,
            (pid, clock),
            programs,
        );
        front.pieces = Some(vec![Piece::Jumps(Arc::new(jumps))].into());
    }
    Some(front)
}

/// What the tables say of each stream, by its PID.
fn tracks(programs: &Programs) -> HashMap<u32, Track> {
    let mut tracks: HashMap<u32, Track> = HashMap::new();
    for (pid, dolby) in &programs.dolby_vision {
        tracks.entry(u32::from(*pid)).or_default().dolby_vision = Some(*dolby);
    }
    for pid in &programs.describing {
        tracks.entry(u32::from(*pid)).or_default().commentary = true;
    }
    tracks
}

/// Where the first packet begins and how far it is from one to the next: 188 bytes, or 192 with
/// the time stamps of a camera.
pub(super) fn layout(bytes: &[u8]) -> Option<(usize, usize)> {
    const PACKETS: usize = 5;
    [PACKET, 192].into_iter().find_map(|stride| {
        let whole =
            |first: &usize| (0..PACKETS).all(|i| bytes.get(first + i * stride) == Some(&0x47));
        (0..stride).find(whole).map(|first| (first, stride))
    })
}

/// The latest time in the last packets.
fn last_time(source: &Source, first: usize, stride: usize) -> Option<u64> {
    let packets = (source.bytes - first as u64) / stride as u64;
    let read = packets.min(MOST_BYTES / stride as u64);
    let start = first as u64 + (packets - read) * stride as u64;
    let end = source.read(start, read * stride as u64)?;
    let times = end
        .chunks(stride)
        .filter_map(|packet| time_of(packet.get(..PACKET)?));
    times.reduce(|a, b| if ahead(b, a) > 0 { b } else { a })
}

/// The first clock reference, what lies before it, and how far references are from each other.
#[derive(Default)]
struct Times {
    reference: Option<(u16, u64)>,
    latest_reference: u64,
    references: u64,
    /// References more than [`RARE`] behind the one before them.
    rare: u64,
    /// Another clock has begun: all that is told of times is from before.
    has_jumped: bool,
    earliest: Option<u64>,
    /// The latest time before the first reference.
    latest: u64,
    packets: u64,
    scrambled: u64,
}

impl Times {
    fn note(&mut self, packet: &[u8]) {
        let pid = pid(packet);
        let has_payload = packet[3] & 0x10 != 0;
        if pid == 0x1fff {
            return;
        }
        if has_payload && pid > 0x1f {
            self.packets += 1;
            self.scrambled += u64::from(packet[3] & 0xc0 != 0);
        }
        if let Some(time) = reference(packet) {
            let (only, _) = *self.reference.get_or_insert((pid, time));
            self.has_jumped |= only == pid
                && self.references > 0
                && jumps::is_other_clock(time, self.latest_reference);
            if only == pid && !self.has_jumped {
                self.references += 1;
                let gap = ahead(time, self.latest_reference);
                self.rare += u64::from(self.references > 1 && gap > RARE);
                self.latest_reference = time;
            }
        }
        if let Some(time) = time_of(packet).filter(|_| !self.has_jumped) {
            let is_later = self.earliest.is_none() || ahead(time, self.latest) > 0;
            if self.reference.is_none() && is_later {
                self.latest = time;
            }
            let earlier = |e: u64| ahead(e, time) > 0;
            if self.earliest.is_none_or(earlier) {
                self.earliest = Some(time);
            }
        }
    }

    /// True if the demuxer could not tell times by these references.
    fn are_poor(&self) -> bool {
        let (Some((_, reference)), Some(earliest)) = (self.reference, self.earliest) else {
            return false;
        };
        ahead(reference, earliest) > SECOND / 100
            || ahead(self.latest, earliest) > SECOND / 2
            || self.rare * 10 > self.references
    }
}

/// The time of the PES packet that begins in `packet`.
pub(super) fn time_of(packet: &[u8]) -> Option<u64> {
    let (first, second) = time_fields(packet)?;
    // A decoding time is not later.
    read_time(packet, second.unwrap_or(first))
}

/// Which stream a packet belongs to.
pub(super) fn pid(packet: &[u8]) -> u16 {
    u16::from_be_bytes([packet[1] & 0x1f, packet[2]])
}

/// How far `later` is ahead of `earlier` on the clock, 0 if it is behind.
pub(super) fn ahead(later: u64, earlier: u64) -> u64 {
    let difference = (later + WRAP - earlier) % WRAP;
    if difference < WRAP / 2 { difference } else { 0 }
}

/// Where the payload of `packet` lies, if something begins in it (2.4.3.3).
pub(super) fn payload(packet: &[u8]) -> Option<usize> {
    let (has_field, has_payload) = (packet[3] & 0x20 != 0, packet[3] & 0x10 != 0);
    let begins = has_payload && packet[1] & 0x40 != 0;
    let start = if has_field {
        5 + usize::from(packet[4])
    } else {
        4
    };
    begins.then_some(start)
}

/// Where the PES packet that begins in `packet` has its time of showing, and that of decoding if
/// there is one (2.4.3.7).
pub(super) fn time_fields(packet: &[u8]) -> Option<(usize, Option<usize>)> {
    let payload = payload(packet)?;
    let rest = packet.get(payload..)?.strip_prefix(&[0, 0, 1])?;
    let is_media = matches!(rest.first()?, 0xbd | 0xc0..=0xef | 0xfd);
    let first = payload + 9;
    match rest.get(4)? >> 6 {
        2 if is_media => Some((first, None)),
        3 if is_media => Some((first, Some(first + 5))),
        _ => None,
    }
}

/// The time in the five bytes at `at`.
fn read_time(packet: &[u8], at: usize) -> Option<u64> {
    let t = packet.get(at..at + 5)?;
    let t = |i: usize| u64::from(t[i]);
    Some((t(0) >> 1 & 7) << 30 | t(1) << 22 | (t(2) >> 1) << 15 | t(3) << 7 | t(4) >> 1)
}

/// Adds `delta` to the time in the five bytes at `at`.
pub(super) fn shift_time(packet: &mut [u8], at: usize, delta: u64) {
    let Some(time) = read_time(packet, at) else {
        return;
    };
    let time = (time + delta) % WRAP;
    let bits = |shift: u32| (time >> shift) as u8;
    let t = &mut packet[at..at + 5];
    // The lowest bits of the first, third and fifth byte are markers.
    t[0] = t[0] & 0xf1 | (bits(30) & 7) << 1;
    t[1] = bits(22);
    t[2] = bits(15) << 1 | 1;
    t[3] = bits(7);
    t[4] = bits(0) << 1 | 1;
}

/// The clock reference of a packet, in ticks of 90 kHz (2.4.3.5).
pub(super) fn reference(packet: &[u8]) -> Option<u64> {
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
pub(super) fn clock_field(base: u64) -> [u8; 5] {
    let mut field = [0; 5];
    field.copy_from_slice(&(base << 7).to_be_bytes()[3..]);
    field
}

/// A transport stream with clock references of ours in it and none of its own.
#[derive(Debug, Clone)]
pub(crate) struct Reclocked {
    /// Where its first packet lies in the file.
    start: u64,
    /// Its length in the file.
    bytes: u64,
    /// Bytes from one packet to the next.
    stride: u64,
    pid: u16,
    /// The first reference.
    clock: u64,
    programs: Programs,
}

/// Packets of the file behind each of ours.
const BLOCK: u64 = 32;
/// From one of our references to the next.
const STEP: u64 = SECOND / 100;

impl Reclocked {
    /// Length with our packets.
    pub(super) fn len(&self) -> u64 {
        self.bytes + self.bytes.div_ceil(BLOCK * self.stride) * self.stride
    }

    /// Fills `out` with what lies at `offset`.
    pub(crate) fn read(&self, file: &File, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
        // Whole packets, since a reference may lie across the end of what is asked for.
        let end = offset + out.len() as u64;
        let mut at = offset / self.stride * self.stride;
        while at < end {
            let packet = self.packet(file, at / self.stride)?;
            let skip = offset.saturating_sub(at);
            let take = (end - at).min(self.stride) - skip;
            let to = (at + skip - offset) as usize;
            let from = &packet[skip as usize..(skip + take) as usize];
            out[to..to + from.len()].copy_from_slice(from);
            at += self.stride;
        }
        Ok(())
    }

    /// Packet `index`, with what is between it and the next one.
    fn packet(&self, file: &File, index: u64) -> std::io::Result<Vec<u8>> {
        let (block, within) = (index / (BLOCK + 1), index % (BLOCK + 1));
        let mut packet = vec![0; self.stride as usize];
        if within == 0 {
            let clock = (self.clock + block * STEP) % WRAP;
            packet[..PACKET].copy_from_slice(&reference_packet(self.pid, clock));
        } else {
            let source = block * BLOCK + within - 1;
            file.read_exact_at(&mut packet, self.start + source * self.stride)?;
            // What the flag announces becomes stuffing, unless more follows it.
            let more = packet[5] & 0x0f;
            if reference(&packet).is_some() && more == 0 {
                packet[5] &= !0x10;
            }
            self.programs.mend(&mut packet[..PACKET]);
        }
        Ok(packet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_read_as_it_was_written() {
        assert_eq!(
            reference(&reference_packet(0x101, 0x1_2345_6789)),
            Some(0x1_2345_6789)
        );
    }

    #[test]
    fn packets_of_ours_are_in_between() {
        use std::io::Write;
        let mut file = tempfile::tempfile().unwrap();
        let own = reference_packet(0x100, 5);
        for _ in 0..40 {
            file.write_all(&own).unwrap();
        }
        let stream = Reclocked {
            start: 0,
            bytes: 40 * 188,
            stride: 188,
            pid: 0x101,
            clock: 7,
            programs: Programs::default(),
        };
        assert_eq!(stream.len(), 42 * 188);
        let mut out = vec![0; 42 * 188];
        // In odd steps, as readers do.
        for (start, part) in (0..).step_by(1000).zip(out.chunks_mut(1000)) {
            stream.read(&file, start, part).unwrap();
        }
        let clocks: Vec<_> = out.chunks(188).map(reference).collect();
        let ours = |i: usize| (i.is_multiple_of(33)).then(|| 7 + i as u64 / 33 * STEP);
        assert_eq!(clocks, (0..42).map(ours).collect::<Vec<_>>());
    }

    #[test]
    fn times_are_compared_on_a_clock_that_wraps() {
        assert_eq!(ahead(5, WRAP - 5), 10);
        assert_eq!(ahead(WRAP - 5, 5), 0);
    }

    #[test]
    fn the_time_of_a_packet_is_found_and_moved() {
        let mut packet = [0xff; PACKET];
        packet[..13].copy_from_slice(&[0x47, 0x41, 0, 0x10, 0, 0, 1, 0xc0, 0, 0, 0x80, 0x80, 5]);
        let t: u64 = 0x1_8765_4321;
        packet[13..18].copy_from_slice(&[
            0x21 | ((t >> 30) as u8) << 1,
            (t >> 22) as u8,
            1 | ((t >> 15) << 1) as u8,
            (t >> 7) as u8,
            1 | (t << 1) as u8,
        ]);
        assert_eq!(time_of(&packet), Some(t));
        shift_time(&mut packet, 13, WRAP - 0x1_0000_0000);
        assert_eq!(time_of(&packet), Some(0x8765_4321));
        assert_eq!(packet[13] & 0xf1, 0x21);
        packet[7] = 0xbc;
        assert_eq!(time_of(&packet), None);
    }
}
