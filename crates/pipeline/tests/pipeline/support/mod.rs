//! What the pipeline tests share: sources made by ffmpeg, results judged by ffprobe.

pub(crate) mod standin;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use clipsy_domain::ladder::Ladder;
use clipsy_domain::limits::Limits;
use clipsy_domain::progress::{Event, Summary};
use clipsy_pipeline::catalog::Catalog;
use clipsy_pipeline::encoder::Choice;
use clipsy_pipeline::encoder::prove::InProcess;
use clipsy_pipeline::transcode::{Decoder, Job, transcode};
use clipsy_pipeline::{CancelToken, Error};

/// A folder with a short source in it.
pub(crate) struct Bench {
    dir: tempfile::TempDir,
}

/// What came of a job.
pub(crate) struct Outcome {
    /// Kept so that the folder is there as long as anybody looks at it.
    _bench: Bench,
    pub(crate) result: Result<Summary, Error>,
    pub(crate) events: Vec<Event>,
    pub(crate) output: PathBuf,
}

impl Bench {
    /// Six seconds of moving picture with a tone, 640x360 at 25 frames per second.
    pub(crate) fn new() -> Self {
        clipsy_pipeline::init().unwrap();
        standin::register();
        let dir = tempfile::tempdir().unwrap();
        let status = Command::new("ffmpeg")
            .args([
                "-v",
                "error",
                "-f",
                "lavfi",
                "-i",
                "testsrc2=size=640x360:rate=25:duration=6",
            ])
            .args([
                "-f",
                "lavfi",
                "-i",
                "sine=frequency=440:duration=6",
                "-c:v",
                "libx264",
                "-preset",
                "ultrafast",
            ])
            .args(["-pix_fmt", "yuv420p", "-c:a", "aac"])
            .arg(dir.path().join("source.mp4"))
            .status()
            .expect("ffmpeg is installed by `make test`");
        assert!(status.success());
        Self { dir }
    }

    /// Runs a job on this source with the encoders of `catalog`.
    pub(crate) fn run(self, catalog: &str, encoder: &str, stall_timeout: Duration) -> Outcome {
        let catalog = Catalog::parse(catalog).unwrap();
        let ladder = ladder();
        let output = self.dir.path().join("out");
        let job = Job {
            input: &self.dir.path().join("source.mp4"),
            output: &output,
            ladder: &ladder,
            catalog: &catalog,
            limits: &Limits::default(),
            encoder: Choice::parse(encoder),
            decoder: Decoder::Software,
            prover: &InProcess,
            stall_timeout,
        };
        let mut events = Vec::new();
        let result = transcode(&job, &CancelToken::new(), &mut |event| events.push(event));
        Outcome {
            _bench: self,
            result,
            events,
            output,
        }
    }
}

/// Three small rungs, so that a test is quick and still has several encoders at work.
fn ladder() -> Ladder {
    let text = include_str!("../../../../../pipelines/ladder.toml");
    let mut ladder: Ladder = toml::from_str(text).unwrap();
    for (rung, side) in ladder.rungs.iter_mut().zip([360, 240, 180, 120]) {
        rung.short_side = side;
    }
    ladder.with_segment_s(2).unwrap()
}

/// A catalog whose first encoder is the stand-in, followed by x264.
pub(crate) fn catalog(behaviour: &str) -> String {
    let built_in = include_str!("../../../../../pipelines/encoders.toml");
    let software = built_in.find("[[encoder]]\nid = \"software\"").unwrap();
    format!(
        "[[encoder]]\nid = \"standin\"\nlabel = \"Stand-in\"\nhardware = true\n\
         [[encoder.variant]]\nelement = \"{}\"\nprepare = [\"clipsyscale\"]\nformat = \"I420\"\n\
         [encoder.variant.properties]\nbehaviour = \"{behaviour}\"\nno-such-property = 1\n\n{}",
        standin::NAME,
        &built_in[software..]
    )
}

/// Frames, keyframe positions and first time stamp of the video in all segments of a rung.
pub(crate) fn video_packets(output: &Path, rung: &str) -> Vec<(f64, bool)> {
    let mut names: Vec<PathBuf> = std::fs::read_dir(output.join(rung))
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    names.retain(|p| p.extension().is_some_and(|e| e == "ts"));
    names.sort();
    let list: Vec<String> = names.iter().map(|p| p.display().to_string()).collect();
    let text = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-select_streams",
            "v",
            "-show_entries",
            "packet=pts_time,flags",
            "-of",
            "csv=p=0",
        ])
        .arg(format!("concat:{}", list.join("|")))
        .output()
        .expect("ffprobe is installed by `make test`");
    let text = String::from_utf8(text.stdout).unwrap();
    let line = |l: &str| {
        let (time, flags) = l.split_once(',')?;
        Some((time.parse().ok()?, flags.starts_with('K')))
    };
    text.lines().filter_map(line).collect()
}

/// Runs ffmpeg, which must not complain, and gives what it writes to standard output.
pub(crate) fn ffmpeg(args: &[&str]) -> Vec<u8> {
    let done = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-y"])
        .args(args)
        .output()
        .expect("ffmpeg is installed by `make test`");
    let complaint = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{complaint}");
    done.stdout
}
