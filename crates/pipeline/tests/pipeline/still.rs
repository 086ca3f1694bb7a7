//! Pictures out of segments, judged by ffmpeg.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use clipsy_domain::failure::FailureCode;
use clipsy_domain::limits::Limits;
use clipsy_pipeline::still::still;

use crate::support::ffmpeg;

const PATIENCE: Duration = Duration::from_mins(2);
/// Frames a second of the test picture.
const RATE: usize = 25;

/// Six seconds of moving picture with a tone, in segments of two seconds that go on counting, with
/// pictures that are decoded in another order than they are shown.
struct Segments(tempfile::TempDir);

impl Segments {
    fn new(size: &str) -> Self {
        clipsy_pipeline::init().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let picture = format!("testsrc2=size={size}:rate={RATE}:duration=6");
        let name = dir.path().join("segment_%05d.ts");
        ffmpeg(&[
            "-f",
            "lavfi",
            "-i",
            &picture,
            "-f",
            "lavfi",
            "-i",
            "sine=frequency=440:duration=6",
            "-c:v",
            "libx264",
            "-preset",
            "veryfast",
            "-bf",
            "2",
            "-pix_fmt",
            "yuv420p",
            "-force_key_frames",
            "expr:gte(t,n_forced*2)",
            "-sc_threshold",
            "0",
            "-c:a",
            "aac",
            "-f",
            "segment",
            "-segment_time",
            "2",
            name.to_str().unwrap(),
        ]);
        Self(dir)
    }

    fn path(&self, index: usize) -> PathBuf {
        self.0.path().join(format!("segment_{index:05}.ts"))
    }
}

/// Pixels of small versions of all pictures of a file. In RGB, since JPEG has another range and
/// matrix than video.
fn pixels(input: &Path) -> Vec<Vec<u8>> {
    let input = input.to_str().unwrap();
    let small = "scale=160:90:flags=area,format=rgb24";
    let pixels = ffmpeg(&[
        "-i",
        input,
        "-an",
        "-vf",
        small,
        "-fps_mode",
        "passthrough",
        "-f",
        "rawvideo",
        "-",
    ]);
    pixels
        .chunks_exact(160 * 90 * 3)
        .map(<[u8]>::to_vec)
        .collect()
}

/// Mean square difference.
fn difference(one: &[u8], other: &[u8]) -> f64 {
    let squares = one.iter().zip(other).map(|(a, b)| {
        let difference = f64::from(*a) - f64::from(*b);
        difference * difference
    });
    squares.sum::<f64>() / one.len() as f64
}

/// Which frame of the segment the JPEG shows: the one that it is nearest to.
fn frame_of(jpeg: &[u8], segment: &Path) -> usize {
    let file = tempfile::NamedTempFile::with_suffix(".jpg").unwrap();
    fs::write(file.path(), jpeg).unwrap();
    let picture = pixels(file.path()).remove(0);
    let frames = pixels(segment);
    assert_eq!(frames.len(), 2 * RATE);
    let scores = frames.iter().map(|frame| difference(&picture, frame));
    let mut scores: Vec<(f64, usize)> = scores.zip(0..).collect();
    scores.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (best, second) = (scores[0], scores[1]);
    assert!(best.0 < 20.0, "it shows none of the frames: {best:?}");
    assert!(
        best.0 < second.0 / 2.0,
        "{best:?} is no better than {second:?}"
    );
    best.1
}

fn size_of(jpeg: &[u8]) -> String {
    let file = tempfile::NamedTempFile::with_suffix(".jpg").unwrap();
    fs::write(file.path(), jpeg).unwrap();
    let done = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-of",
            "csv=p=0:s=x",
            "-show_entries",
            "stream=width,height",
        ])
        .arg(file.path())
        .output()
        .unwrap();
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

#[test]
fn the_picture_is_the_one_that_is_shown_at_that_moment() {
    let segments = Segments::new("640x360");
    let limits = Limits::default();
    // Frames stand for 40 ms each.
    for (segment, offset_us, frame) in [
        (0, 0, 0),
        (0, 38_000, 0),
        (1, 40_000, 1),
        (1, 1_000_000, 25),
        (1, 1_059_000, 26),
        (2, 1_960_000, 49),
        (2, 2_000_000, 49),
    ] {
        let path = segments.path(segment);
        let jpeg = still(&path, offset_us, &limits, PATIENCE).unwrap();
        assert_eq!(size_of(&jpeg), "640x360");
        assert_eq!(
            frame_of(&jpeg, &path),
            frame,
            "segment {segment} at {offset_us}"
        );
    }
}

#[test]
fn it_has_the_size_of_a_thumbnail() {
    let segments = Segments::new("1080x1920");
    let jpeg = still(&segments.path(0), 500_000, &Limits::default(), PATIENCE).unwrap();
    assert_eq!(size_of(&jpeg), "720x1280");
}

/// What it says of a file that it makes no picture of.
#[track_caller]
fn refused(path: &Path, offset_us: u64, limits: &Limits) -> FailureCode {
    let error = still(path, offset_us, limits, PATIENCE).unwrap_err();
    error
        .to_failure(clipsy_domain::failure::Stage::Transcode)
        .code
}

#[test]
fn broken_segments_are_refused() {
    let segments = Segments::new("320x180");
    let limits = Limits::default();
    let whole = fs::read(segments.path(1)).unwrap();
    let broken = segments.path(9);
    for bytes in [
        // Nothing, the beginning of a packet, and a beginning without a whole picture.
        &whole[..0],
        &whole[..100],
        &whole[..188 * 3],
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
        &[0x47; 188 * 40],
    ] {
        fs::write(&broken, bytes).unwrap();
        assert_eq!(
            refused(&broken, 0, &limits),
            FailureCode::CorruptInput,
            "{} bytes",
            bytes.len()
        );
    }
    // One that ends in the middle has its first pictures, but not its last.
    fs::write(&broken, &whole[..whole.len() / 2 / 188 * 188 + 60]).unwrap();
    still(&broken, 0, &limits, PATIENCE).unwrap();
    assert_eq!(
        refused(&broken, 1_900_000, &limits),
        FailureCode::CorruptInput
    );
    // Beyond its end there is nothing either.
    assert_eq!(
        refused(&segments.path(1), 5_000_000, &limits),
        FailureCode::CorruptInput
    );
    assert_eq!(
        refused(&segments.path(8), 0, &limits),
        FailureCode::CorruptInput,
        "there is no such file"
    );
}

#[test]
fn pictures_beyond_the_limits_are_not_decoded() {
    let segments = Segments::new("640x360");
    let limits = Limits {
        max_pixels: 640 * 359,
        ..Limits::default()
    };
    let code = refused(&segments.path(0), 0, &limits);
    assert!(
        matches!(
            code,
            FailureCode::CorruptInput | FailureCode::LimitsExceeded
        ),
        "{code:?}"
    );
}

#[test]
fn other_containers_and_codecs_are_not_opened() {
    let segments = Segments::new("320x180");
    let other = segments.0.path().join("other.ts");
    ffmpeg(&[
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=320x180:rate=25:duration=1",
        "-c:v",
        "mpeg2video",
        "-f",
        "mpegts",
        other.to_str().unwrap(),
    ]);
    assert_eq!(
        refused(&other, 0, &Limits::default()),
        FailureCode::CorruptInput
    );
}
