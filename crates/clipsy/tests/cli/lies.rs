//! Files that say one thing in front and another behind, and files with far too much of something:
//! refused at the limit, in little memory.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::clipsy::{Running, clipsy, transcode};
use crate::support::inputs::fixture;
use crate::support::report::{Report, each, turn};
use crate::support::scratch;

/// Memory that a refusal may take, in kilobytes.
const MOST_KB: u64 = 200_000;
/// A side far beyond the limits, and a multiple of a macroblock.
const HUGE: u16 = 30_000;

/// An element of Matroska (RFC 8794) with a size of five bytes.
fn element(id: &[u8], content: &[u8]) -> Vec<u8> {
    let size = (content.len() as u64 | 0x08_0000_0000).to_be_bytes();
    [id, &size[3..], content].concat()
}

fn number(id: &[u8], value: u64) -> Vec<u8> {
    element(id, &value.to_be_bytes())
}

/// A file whose header says that its pictures are 64×64, each of 40 ms, in each of so many tracks.
fn matroska(codec: &str, private: &[u8], packets: &[Vec<u8>], tracks: u64) -> Vec<u8> {
    let header = element(
        &[0x1a, 0x45, 0xdf, 0xa3],
        &element(&[0x42, 0x82], b"matroska"),
    );
    let scale = number(&[0x2a, 0xd7, 0xb1], 1_000_000);
    let info = element(&[0x15, 0x49, 0xa9, 0x66], &scale);
    let entry = |track: u64| {
        let picture = [number(&[0xb0], 64), number(&[0xba], 64)].concat();
        let mut content = [
            number(&[0xd7], track),
            number(&[0x73, 0xc5], track),
            element(&[0x83], &[1]),
            element(&[0x86], codec.as_bytes()),
            element(&[0xe0], &picture),
        ]
        .concat();
        if !private.is_empty() {
            content.extend(element(&[0x63, 0xa2], private));
        }
        element(&[0xae], &content)
    };
    let entries: Vec<u8> = (1..=tracks).flat_map(entry).collect();
    let tracks = element(&[0x16, 0x54, 0xae, 0x6b], &entries);
    let mut blocks = number(&[0xe7], 0);
    for (time, packet) in (0_i16..).step_by(40).zip(packets) {
        let start = [0x81, time.to_be_bytes()[0], time.to_be_bytes()[1], 0x80];
        blocks.extend(element(&[0xa3], &[&start, &packet[..]].concat()));
    }
    let cluster = element(&[0x1f, 0x43, 0xb6, 0x75], &blocks);
    let segment = element(&[0x18, 0x53, 0x80, 0x67], &[info, tracks, cluster].concat());
    [header, segment].concat()
}

/// Bits of H.264 (ITU-T H.264, 7.2 and 9.1).
#[derive(Default)]
struct Bits(Vec<bool>);

impl Bits {
    fn put(&mut self, count: u32, value: u32) -> &mut Self {
        self.0
            .extend((0..count).rev().map(|at| value >> at & 1 == 1));
        self
    }

    /// An unsigned Exp-Golomb code.
    fn code(&mut self, value: u32) -> &mut Self {
        let width = 32 - (value + 1).leading_zeros();
        self.put(width - 1, 0).put(width, value + 1)
    }

    /// The unit of this type that they are, with the bytes that keep it from looking like a start.
    fn unit(&mut self, kind: u8) -> Vec<u8> {
        self.put(1, 1);
        while !self.0.len().is_multiple_of(8) {
            self.put(1, 0);
        }
        let mut unit = vec![kind];
        let mut zeroes = 0;
        for byte in self.0.chunks(8) {
            let byte = byte.iter().fold(0, |sum, bit| sum << 1 | u8::from(*bit));
            if zeroes >= 2 && byte <= 3 {
                unit.push(3);
                zeroes = 0;
            }
            unit.push(byte);
            zeroes = if byte == 0 { zeroes + 1 } else { 0 };
        }
        unit
    }
}

/// Parameter sets of pictures with this side.
fn parameters(side: u16) -> (Vec<u8>, Vec<u8>) {
    let blocks = u32::from(side) / 16 - 1;
    let mut sequence = Bits::default();
    sequence
        .put(24, 0x42_c033)
        .code(0)
        .code(0)
        .code(2)
        .code(1)
        .put(1, 0);
    sequence.code(blocks).code(blocks).put(4, 0b1100);
    let mut picture = Bits::default();
    picture
        .code(0)
        .code(0)
        .put(2, 0)
        .code(0)
        .code(0)
        .code(0)
        .put(3, 0);
    picture.code(0).code(0).code(0).put(3, 0b100);
    (sequence.unit(0x67), picture.unit(0x68))
}

/// What an MP4 or Matroska file has in front of H.264.
fn configuration(side: u16) -> Vec<u8> {
    let (sequence, picture) = parameters(side);
    let length = |unit: &[u8]| u16::try_from(unit.len()).unwrap().to_be_bytes();
    [
        &[1, 0x42, 0xc0, 0x33, 0xff, 0xe1],
        &length(&sequence)[..],
        &sequence,
        &[1],
        &length(&picture),
        &picture,
    ]
    .concat()
}

/// A picture of H.264 with these parameter sets in front; what is in it does not matter.
fn picture(side: Option<u16>) -> Vec<u8> {
    let mut units = Vec::new();
    if let Some(side) = side {
        let (sequence, picture) = parameters(side);
        units.extend([sequence, picture]);
    }
    let mut slice = Bits::default();
    slice
        .code(0)
        .code(7)
        .code(0)
        .put(4, 0)
        .code(0)
        .put(2, 0)
        .code(0);
    for _ in 0..400 {
        slice.code(25);
    }
    units.push(slice.unit(0x65));
    let sized = |unit: Vec<u8>| {
        let length = u32::try_from(unit.len()).unwrap().to_be_bytes();
        [&length[..], &unit].concat()
    };
    units.into_iter().flat_map(sized).collect()
}

/// Puts `new` behind each place where `start` is.
fn patched(mut bytes: Vec<u8>, start: &[u8], skip: usize, new: &[u8]) -> Vec<u8> {
    let found = |bytes: &[u8], at: usize| {
        let rest = bytes.get(at..)?;
        rest.windows(start.len())
            .position(|w| w == start)
            .map(|p| p + at)
    };
    let (mut at, mut count) = (0, 0);
    while let Some(place) = found(&bytes, at) {
        let to = place + start.len() + skip;
        if to + new.len() > bytes.len() {
            break;
        }
        bytes[to..to + new.len()].copy_from_slice(new);
        (at, count) = (to, count + 1);
    }
    assert!(count > 0, "there is no {start:x?}");
    bytes
}

fn read(name: &str) -> Vec<u8> {
    std::fs::read(fixture(name).path).unwrap()
}

/// The first JPEG of a file.
fn first_jpeg(bytes: &[u8]) -> Vec<u8> {
    let movie = bytes.windows(4).position(|w| w == b"movi").unwrap();
    let find = |from: usize, end: &[u8]| {
        let rest = bytes[from..].windows(2);
        rest.into_iter().position(|w| w == end).unwrap() + from
    };
    let start = find(movie, &[0xff, 0xd8]);
    bytes[start..find(start, &[0xff, 0xd9]) + 2].to_vec()
}

/// A movie box with so many tracks, and so many bytes of something else.
fn movie(tracks: usize, more: usize) -> Vec<u8> {
    let boxed = |kind: &[u8; 4], content: &[u8]| {
        let size = u32::try_from(content.len() + 8).unwrap().to_be_bytes();
        [&size[..], kind, content].concat()
    };
    let track = boxed(b"trak", &boxed(b"tkhd", &[0; 84]));
    let content = [
        boxed(b"mvhd", &[0; 100]),
        track.repeat(tracks),
        boxed(b"udta", &vec![0; more]),
    ];
    let kind = boxed(b"ftyp", b"isom\0\0\0\0isom");
    [
        kind,
        boxed(b"moov", &content.concat()),
        boxed(b"mdat", &[0; 64]),
    ]
    .concat()
}

/// The liars, each with a word of the reason for which it is refused.
fn liars(folder: &Path) -> Vec<(PathBuf, &'static str)> {
    let side = HUGE.to_be_bytes();
    let square = [side, side].concat();
    let frame = [0xff, 0xc0, 0, 17, 8];
    let jpeg = |bytes| patched(bytes, &frame, 0, &square);
    let good = first_jpeg(&read("media-mjpeg"));
    let bad = jpeg(good.clone());
    let units = |first: u16, then: u16| {
        let mut packets = vec![picture(Some(first)); 5];
        packets.extend(vec![picture(Some(then)); 30]);
        packets
    };
    let avc = "V_MPEG4/ISO/AVC";
    let plain = vec![picture(None); 30];
    let png = [[0, 0], side, [0, 0], side].concat();
    let files = [
        ("jpeg.avi", jpeg(read("media-mjpeg")), "megapixels"),
        ("jpeg.mov", jpeg(read("pixel-full-mjpeg")), "megapixels"),
        (
            "jpeg.mkv",
            matroska("V_MJPEG", &[], &vec![bad.clone(); 30], 1),
            "megapixels",
        ),
        (
            "h264.mkv",
            matroska(avc, &configuration(HUGE), &plain, 1),
            "megapixels",
        ),
        (
            "h264-later.mkv",
            matroska(avc, &configuration(64), &units(64, HUGE), 1),
            "megapixels",
        ),
        (
            "png.mov",
            patched(read("pixel-rgb-png"), b"IHDR", 0, &png),
            "megapixels",
        ),
        (
            "vp8.webm",
            patched(
                read("media-vp8"),
                &[0x9d, 1, 0x2a],
                0,
                &[0xff, 0x3f, 0xff, 0x3f],
            ),
            "megapixels",
        ),
        (
            "vp9.webm",
            patched(
                read("media-vp9"),
                &[0x49, 0x83, 0x42],
                1,
                &[0x53, 0x07, 0x53, 0x00],
            ),
            "megapixels",
        ),
        (
            "tracks.mkv",
            matroska("V_MJPEG", &[], &vec![good; 3], 5000),
            "5000 tracks",
        ),
        ("tracks.mp4", movie(5000, 0), "5000 tracks"),
        ("moov.mp4", movie(1, 100 << 20), "MB"),
    ];
    let write = |(name, bytes, reason): (&str, Vec<u8>, _)| {
        let path = folder.join(name);
        std::fs::write(&path, bytes).unwrap();
        (path, reason)
    };
    files.into_iter().map(write).collect()
}

/// Runs `clipsy` to its end, and gives the most memory that it had, in kilobytes.
fn measured(running: Running) -> (crate::support::clipsy::Done, u64) {
    let status = format!("/proc/{}/status", running.id());
    let (ended, over) = std::sync::mpsc::channel::<()>();
    let watch = std::thread::spawn(move || {
        let mut most = 0;
        // It only grows, so that the last look before the end is the one that counts.
        while let Err(std::sync::mpsc::RecvTimeoutError::Timeout) =
            over.recv_timeout(std::time::Duration::from_millis(1))
        {
            let text = std::fs::read_to_string(&status).unwrap_or_default();
            let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let peak = peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse().ok());
            most = most.max(peak.unwrap_or_default());
        }
        most
    });
    let done = running.finish();
    drop(ended);
    (done, watch.join().unwrap())
}

fn check(done: &crate::support::clipsy::Done, reason: &str, report: &mut Report) {
    report.equal("code", done.error_code(), Ok("limits_exceeded".to_owned()));
    report.check(done.stderr.contains(reason), || done.stderr.clone());
}

#[test]
fn liars_are_refused_at_the_limit_in_little_memory() {
    let _turn = turn();
    let folder = scratch();
    each(
        &liars(folder.path()),
        |(path, _)| path.file_name().unwrap().to_str().unwrap(),
        |(path, reason), report| {
            let probe = Running::start([Path::new("probe"), path, Path::new("--json")]);
            let (done, most) = measured(probe);
            check(&done, reason, report);
            report.check(most > 10_000, || format!("{most} kB is no measurement"));
            report.check(most < MOST_KB, || format!("probe takes {most} kB"));

            let out = folder.path().join(path.file_stem().unwrap());
            let (done, most) = measured(Running::transcode(path, &out, &[]));
            check(&done, reason, report);
            report.check(most < MOST_KB, || format!("transcode takes {most} kB"));
            report.check(!out.exists(), || "the output folder is left".into());
        },
    );
}

#[test]
fn a_picture_that_grows_in_mid_stream_ends_the_job() {
    let _turn = turn();
    let folder = scratch();
    let good = first_jpeg(&read("media-mjpeg"));
    let side = HUGE.to_be_bytes();
    let bad = patched(
        good.clone(),
        &[0xff, 0xc0, 0, 17, 8],
        0,
        &[side, side].concat(),
    );
    let packets = [vec![good; 400], vec![bad; 30]].concat();
    let path = folder.path().join("later.mkv");
    std::fs::write(&path, matroska("V_MJPEG", &[], &packets, 1)).unwrap();
    // It is behind what a probe looks at.
    assert_eq!(clipsy([Path::new("probe"), &path]).code(), Some(0));
    let (done, most) = measured(Running::transcode(&path, &folder.path().join("out"), &[]));
    assert_eq!(
        done.error_code().unwrap(),
        "limits_exceeded",
        "{}",
        done.stderr
    );
    assert!(most < 2 * MOST_KB, "{most} kB");
}

#[test]
fn two_pictures_eleven_hours_apart_are_not_a_night_of_work() {
    let _turn = turn();
    let folder = scratch();
    let make = |file: &str| {
        let path = folder.path().join(file);
        let made = Command::new("ffmpeg")
            .args([
                "-v",
                "error",
                "-f",
                "lavfi",
                "-i",
                "color=s=64x64:r=25:d=0.08",
                "-vf",
            ])
            .args([
                "setpts=N*39600/TB",
                "-vsync",
                "passthrough",
                "-c:v",
                "libx264",
                "-y",
            ])
            .arg(&path)
            .status()
            .unwrap();
        assert!(made.success(), "{file}");
        path
    };
    let check = |path: &Path, reason: &str| {
        let done = transcode(path, &folder.path().join("out"), &[]);
        assert_eq!(
            done.error_code().unwrap(),
            "limits_exceeded",
            "{}",
            done.stderr
        );
        assert!(done.stderr.contains(reason), "{}", done.stderr);
    };
    check(&make("apart.mp4"), "bytes at most");

    // The header says ten seconds; it is not believed.
    let path = make("apart.mkv");
    let bytes = std::fs::read(&path).unwrap();
    let short = 10_000_f64.to_be_bytes();
    std::fs::write(&path, patched(bytes, &[0x44, 0x89, 0x88], 0, &short)).unwrap();
    check(&path, "bytes at most");
}

#[test]
fn only_decoders_on_the_list_decode() {
    let _turn = turn();
    let folder = scratch();
    let source = [
        "-v",
        "error",
        "-f",
        "lavfi",
        "-i",
        "testsrc=s=64x64:d=1:r=25",
        "-y",
        "-c:v",
    ];
    for (codec, file) in [
        ("cinepak", "cinepak.mov"),
        ("svq1", "svq1.mov"),
        ("msvideo1", "msvideo1.avi"),
        ("magicyuv", "magicyuv.avi"),
        ("flashsv", "flashsv.flv"),
    ] {
        let path = folder.path().join(file);
        let args = source.into_iter().chain([codec, path.to_str().unwrap()]);
        let made = Command::new("ffmpeg").args(args).status().unwrap();
        assert!(made.success(), "{file}");
        let done = transcode(&path, &folder.path().join("out"), &[]);
        assert_eq!(
            done.error_code().unwrap(),
            "unsupported_codec",
            "{file}: {}",
            done.stderr
        );
    }

    // Who wants more has it.
    let list = folder.path().join("decoders.toml");
    let text = include_str!("../../../../pipelines/decoders.toml");
    std::fs::write(&list, text.replace("\"avdec_h264\"", "\"avdec_cinepak\"")).unwrap();
    let probe = |file: &Path| {
        let args = [
            "probe",
            "--json",
            "--decoders",
            list.to_str().unwrap(),
            file.to_str().unwrap(),
        ];
        clipsy(args)
    };
    let done = probe(&folder.path().join("cinepak.mov"));
    assert_eq!(done.code(), Some(0), "{}", done.stderr);
    let done = probe(&fixture("media-h264").path);
    assert_eq!(
        done.error_code().unwrap(),
        "unsupported_codec",
        "{}",
        done.stderr
    );
    std::fs::write(&list, "video = 1").unwrap();
    let done = probe(&fixture("media-h264").path);
    assert_eq!(done.code(), Some(2), "{}", done.stderr);
}
