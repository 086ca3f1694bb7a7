//! Transport streams whose clock jumps: recordings that were joined byte by byte, or whose sender
//! began anew.
//!
//! `tsdemux` goes on behind a jump with a time that it guesses from the bitrate. Here the times
//! behind a jump are moved so that the first picture follows the last one before it by the length
//! of a picture. A hole, where packets were lost and the clock went on, keeps its length: only the
//! references are moved then, so that the demuxer takes it for no jump.
//!
//! The file is looked through as it is read, so that this costs no reading of its own.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, PoisonError};

use super::programs::Programs;
use super::ts::{
    PACKET, SECOND, WRAP, ahead, clock_field, pid, reference, shift_time, time_fields, time_of,
};

/// References further apart are a jump or a hole; the demuxer begins a new clock from here on.
const APART: u64 = SECOND * 45 / 100;
/// A longer gap is a jump even if nothing says so, as ffmpeg has it (`-dts_delta_threshold`).
const LONGEST_HOLE: u64 = 10 * SECOND;
/// From the last reference before a jump to the first one behind it.
const STEP: u64 = SECOND / 50;
/// How far the first times behind a jump are looked for.
const LOOK_AHEAD: u64 = 4 * 1024 * 1024;
/// Files up to this size are looked through at once when their end is asked for, where the
/// demuxer reads how long they are. In longer ones that length includes the jumps.
const MOST_AT_ONCE: u64 = 2 * 1024 * 1024 * 1024;
/// What is read at once when looking.
const CHUNK: u64 = 1024 * 1024;
/// Packets that are read at once behind a jump.
const NEAR: usize = 1024;
/// A stream that jumps more often has no clock worth following, and looking behind each jump costs.
const MOST_PARTS: usize = 500;

/// A transport stream whose clock goes on where its own jumps.
#[derive(Debug)]
pub(crate) struct Jumps {
    layout: Layout,
    programs: Programs,
    seen: Mutex<Seen>,
}

#[derive(Debug, Clone, Copy)]
struct Layout {
    /// Where the first packet lies in the file.
    start: u64,
    /// Bytes from one packet to the next.
    stride: u64,
    packets: u64,
    /// The stream that carries the references.
    clock: u16,
}

/// What was found in the part that has been read.
#[derive(Debug)]
struct Seen {
    /// Packets that were looked at.
    packets: u64,
    /// In order of their beginnings; the first one begins with the file.
    parts: Vec<Part>,
    streams: HashMap<u16, Stream>,
}

/// Packets of one clock.
#[derive(Debug, Clone, Copy)]
struct Part {
    /// The first packet.
    begin: u64,
    /// First and latest reference in the file.
    first: u64,
    latest: u64,
    /// What is added to references and to times, modulo [`WRAP`].
    add_clock: u64,
    add_time: u64,
}

/// Times of one stream, as they are shown.
#[derive(Debug, Clone, Copy)]
struct Stream {
    latest: u64,
    /// From one to the next.
    step: u64,
    is_picture: bool,
}

impl Jumps {
    /// A file of `bytes` whose first packet lies at `start`, with the stream that carries references
    /// and the first of those.
    pub(super) fn new(
        start: u64,
        bytes: u64,
        stride: u64,
        (clock, first): (u16, u64),
        programs: Programs,
    ) -> Self {
        let part = Part {
            begin: 0,
            first,
            latest: first,
            add_clock: 0,
            add_time: 0,
        };
        Self {
            programs,
            layout: Layout {
                start,
                stride,
                packets: (bytes - start) / stride,
                clock,
            },
            seen: Mutex::new(Seen {
                packets: 0,
                parts: vec![part],
                streams: HashMap::new(),
            }),
        }
    }

    pub(super) fn len(&self) -> u64 {
        self.layout.packets * self.layout.stride
    }

    /// Fills `out` with what lies at `offset`.
    pub(crate) fn read(&self, file: &File, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
        let Layout { start, stride, .. } = self.layout;
        let (from, to) = (
            offset / stride,
            (offset + out.len() as u64).div_ceil(stride),
        );
        // Whole packets, since a time may lie across the end of what is asked for.
        let mut bytes = vec![0; ((to - from) * stride) as usize];
        file.read_exact_at(&mut bytes, start + from * stride)?;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let is_near = to <= seen.packets + CHUNK / stride;
        if is_near || self.len() <= MOST_AT_ONCE {
            seen.look(self.layout, file, to)?;
        }
        let has_jumps = seen.parts.len() > 1;
        if has_jumps || !self.programs.is_empty() {
            for (number, packet) in (from..).zip(bytes.chunks_mut(stride as usize)) {
                let packet = &mut packet[..PACKET];
                if packet[0] == 0x47 && has_jumps {
                    seen.mend(self.layout.clock, number, packet);
                }
                self.programs.mend(packet);
            }
        }
        let skip = (offset - from * stride) as usize;
        out.copy_from_slice(&bytes[skip..skip + out.len()]);
        Ok(())
    }
}

impl Layout {
    /// The packets from `begin` to `end`, without what lies between them; damaged ones are zero.
    fn read(self, file: &File, begin: u64, end: u64) -> std::io::Result<Vec<u8>> {
        let mut bytes = vec![0; ((end - begin) * self.stride) as usize];
        file.read_exact_at(&mut bytes, self.start + begin * self.stride)?;
        let mut packets = Vec::with_capacity(bytes.len());
        for packet in bytes.chunks(self.stride as usize) {
            let at = packets.len();
            packets.extend_from_slice(&packet[..PACKET]);
            if packet[0] != 0x47 {
                packets[at..].fill(0);
            }
        }
        Ok(packets)
    }
}

impl Seen {
    /// Looks at all packets before `to`.
    fn look(&mut self, layout: Layout, file: &File, to: u64) -> std::io::Result<()> {
        while self.packets < to.min(layout.packets) {
            let begin = self.packets;
            let count = (to.min(layout.packets) - begin).min(CHUNK / layout.stride);
            let packets = layout.read(file, begin, begin + count)?;
            for (number, packet) in (begin..).zip(packets.chunks(PACKET)) {
                self.note(layout, file, number, packet)?;
            }
            self.packets = begin + count;
        }
        Ok(())
    }

    fn note(
        &mut self,
        layout: Layout,
        file: &File,
        number: u64,
        packet: &[u8],
    ) -> std::io::Result<()> {
        let stream = pid(packet);
        if let Some(time) = reference(packet).filter(|_| stream == layout.clock) {
            let told = packet[5] & 0x80 != 0;
            if let Some(kind) = self.current().breaks(time, told)
                && self.parts.len() < MOST_PARTS
            {
                self.begin(layout, file, number, time, kind)?;
            }
            self.last().latest = time;
        }
        if let Some(time) = time_of(packet) {
            let shown = (time + self.part_of(number, time).add_time) % WRAP;
            let is_picture = matches!(packet.get(stream_id_at(packet)), Some(0xe0..=0xef));
            let entry = self.streams.entry(stream).or_insert(Stream {
                latest: shown,
                step: 0,
                is_picture,
            });
            let step = ahead(shown, entry.latest);
            if step > 0 {
                // The gap of a hole is no step.
                if step < APART {
                    entry.step = step;
                }
                entry.latest = shown;
            }
        }
        Ok(())
    }

    /// Begins a part with the packet `number`, whose reference is `time`.
    fn begin(
        &mut self,
        layout: Layout,
        file: &File,
        number: u64,
        time: u64,
        kind: Break,
    ) -> std::io::Result<()> {
        let before = self.current();
        let clock = before.latest + before.add_clock + STEP;
        let mut part = Part {
            begin: number,
            first: time,
            latest: time,
            add_clock: (clock + WRAP - time) % WRAP,
            add_time: before.add_time,
        };
        if kind == Break::Jump {
            part.add_time = part.add_clock;
            if let Some((first, stream)) = self.first_time(layout, file, number, time)? {
                part.add_time = (stream.latest + stream.step + WRAP - first) % WRAP;
            }
        }
        self.parts.push(part);
        Ok(())
    }

    /// The first time behind a jump, and the stream that it goes on with: the picture's, or else
    /// that which comes first.
    fn first_time(
        &self,
        layout: Layout,
        file: &File,
        number: u64,
        clock: u64,
    ) -> std::io::Result<Option<(u64, Stream)>> {
        let end = layout.packets.min(number + LOOK_AHEAD / layout.stride);
        let mut best = None;
        for begin in (number..end).step_by(NEAR) {
            for packet in layout
                .read(file, begin, end.min(begin + NEAR as u64))?
                .chunks(PACKET)
            {
                let stream = self.streams.get(&pid(packet)).copied();
                let (Some(time), Some(stream)) = (time_of(packet), stream) else {
                    continue;
                };
                // Packets of the time before may still follow.
                if distance(time, self.current().latest) <= distance(time, clock) {
                    continue;
                }
                if stream.is_picture {
                    return Ok(Some((time, stream)));
                }
                best.get_or_insert((time, stream));
            }
        }
        Ok(best)
    }

    /// Moves references and times of a packet.
    fn mend(&self, clock: u16, number: u64, packet: &mut [u8]) {
        if let Some(time) = reference(packet).filter(|_| pid(packet) == clock) {
            let add = self.at(number).add_clock;
            let fine = packet[10] & 0x7f;
            packet[6..11].copy_from_slice(&clock_field((time + add) % WRAP));
            packet[10] |= fine;
            // The clock goes on, whatever was announced.
            packet[5] &= !0x80;
        }
        if let (Some(time), Some((first, second))) = (time_of(packet), time_fields(packet)) {
            let add = self.part_of(number, time).add_time;
            shift_time(packet, first, add);
            if let Some(second) = second {
                shift_time(packet, second, add);
            }
        }
    }

    fn current(&self) -> Part {
        // There is one from the beginning on.
        self.parts[self.parts.len() - 1]
    }

    fn last(&mut self) -> &mut Part {
        let last = self.parts.len() - 1;
        &mut self.parts[last]
    }

    /// The part that the packet `number` lies in.
    fn at(&self, number: u64) -> Part {
        let after = self.parts.partition_point(|part| part.begin <= number);
        self.parts[after.max(1) - 1]
    }

    /// The part whose clock `time` goes by: around a jump, packets of both may be mixed.
    fn part_of(&self, number: u64, time: u64) -> Part {
        let after = self.parts.partition_point(|part| part.begin <= number);
        let here = self.parts[after.max(1) - 1];
        let near = [after.checked_sub(2), Some(after)];
        near.into_iter()
            .flatten()
            .filter_map(|index| self.parts.get(index))
            .fold(here, |best, part| {
                if part.distance(time) < best.distance(time) {
                    *part
                } else {
                    best
                }
            })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Break {
    /// Another clock.
    Jump,
    /// The clock went on while packets were lost.
    Hole,
}

impl Part {
    /// What lies between the latest reference and one of `time`; `told` if the stream says that
    /// its clock jumps there (`discontinuity_indicator`, 2.4.3.5).
    fn breaks(&self, time: u64, told: bool) -> Option<Break> {
        if distance(time, self.latest) <= APART {
            None
        } else if told || is_other_clock(time, self.latest) {
            Some(Break::Jump)
        } else {
            Some(Break::Hole)
        }
    }

    /// How far `time` is from the references of this part.
    fn distance(&self, time: u64) -> u64 {
        let is_within = ahead(time, self.first) > 0 && ahead(self.latest, time) > 0;
        if is_within {
            0
        } else {
            distance(time, self.first).min(distance(time, self.latest))
        }
    }
}

/// Whether a reference of `time` behind one of `latest` can only be from another clock.
pub(super) fn is_other_clock(time: u64, latest: u64) -> bool {
    ahead(time, latest) > LONGEST_HOLE || ahead(latest, time) > APART
}

/// How far two times are from each other on the clock.
fn distance(a: u64, b: u64) -> u64 {
    ahead(a, b).max(ahead(b, a))
}

/// Where the PES packet that begins in `packet` says what it holds.
fn stream_id_at(packet: &[u8]) -> usize {
    time_fields(packet).map_or(usize::MAX, |(first, _)| first - 6)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// A packet of the stream 0x100 with a reference and a PES packet whose time is a second later.
    fn packet(clock: u64, told: bool) -> [u8; PACKET] {
        let mut packet = [0xff; PACKET];
        packet[..6].copy_from_slice(&[0x47, 0x41, 0, 0x30, 7, 0x10 | u8::from(told) << 7]);
        packet[6..11].copy_from_slice(&clock_field(clock));
        packet[11] = 0;
        packet[12..21].copy_from_slice(&[0, 0, 1, 0xe0, 0, 0, 0x80, 0x80, 5]);
        packet[21..26].copy_from_slice(&[0x21, 0, 1, 0, 1]);
        shift_time(&mut packet, 21, (clock + SECOND) % WRAP);
        packet
    }

    /// References and times as they are shown, in ticks, of packets with these references.
    fn shown(clocks: &[(u64, bool)]) -> Vec<(u64, u64)> {
        let mut file = tempfile::tempfile().unwrap();
        for (clock, told) in clocks {
            file.write_all(&packet(*clock, *told)).unwrap();
        }
        let bytes = clocks.len() as u64 * 188;
        let jumps = Jumps::new(0, bytes, 188, (0x100, clocks[0].0), Programs::default());
        let mut out = vec![0; bytes as usize];
        // In odd steps, as readers do.
        for (start, part) in (0..).step_by(100).zip(out.chunks_mut(100)) {
            jumps.read(&file, start, part).unwrap();
        }
        let times = |p: &[u8]| (reference(p).unwrap(), time_of(p).unwrap());
        out.chunks(188).map(times).collect()
    }

    const PICTURE: u64 = SECOND / 25;

    fn steady(from: u64, count: u64) -> Vec<(u64, bool)> {
        (0..count)
            .map(|i| ((from + i * PICTURE) % WRAP, false))
            .collect()
    }

    #[test]
    fn a_steady_clock_stays_over_its_wrap() {
        let clocks = steady(WRAP - 3 * PICTURE, 9);
        let expected: Vec<_> = clocks
            .iter()
            .map(|(clock, _)| (*clock, (clock + SECOND) % WRAP))
            .collect();
        assert_eq!(shown(&clocks), expected);
    }

    #[test]
    fn pictures_follow_each_other_over_jumps_both_ways() {
        for second in [0, 700 * SECOND] {
            let clocks = [steady(100 * SECOND, 5), steady(second, 5)].concat();
            let times: Vec<_> = shown(&clocks).iter().map(|(_, time)| *time).collect();
            let expected: Vec<_> = (0..10).map(|i| 101 * SECOND + i * PICTURE).collect();
            assert_eq!(times, expected);
        }
    }

    #[test]
    fn a_jump_that_is_told_may_be_short() {
        let mut clocks = [steady(0, 3), steady(5 * SECOND, 3)].concat();
        clocks[3].1 = true;
        assert_eq!(shown(&clocks)[3].1, SECOND + 3 * PICTURE);
    }

    #[test]
    fn a_hole_keeps_its_length_and_the_references_go_on() {
        let clocks = [steady(0, 3), steady(5 * SECOND, 3)].concat();
        let shown = shown(&clocks);
        assert_eq!(shown[3], (2 * PICTURE + STEP, 6 * SECOND));
        assert_eq!(shown[5], (4 * PICTURE + STEP, 6 * SECOND + 2 * PICTURE));
    }
}
