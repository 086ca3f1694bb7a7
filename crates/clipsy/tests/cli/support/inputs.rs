//! The files that tests feed to Clipsy, and what is expected of each.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::rate::Rate;
use super::repository;

/// A file of `tools/make-fixtures.py`, which explains the fields.
#[derive(Debug, Clone)]
pub(crate) struct Fixture {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) facts: Facts,
}

/// What is expected of a file.
#[derive(Debug, Clone, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a field of the index that stands for itself"
)]
pub(crate) struct Facts {
    file: String,
    pub(crate) expect: Expect,
    /// Failure codes that are right for a refusal.
    #[serde(default)]
    pub(crate) codes: Vec<String>,
    #[serde(default)]
    pub(crate) width: u64,
    #[serde(default)]
    pub(crate) height: u64,
    fps: Option<String>,
    #[serde(default)]
    fps_any: Vec<String>,
    duration: Option<f64>,
    #[serde(default)]
    duration_any: Vec<f64>,
    #[serde(default)]
    pub(crate) audio: bool,
    audio_duration: Option<f64>,
    pub(crate) audio_start: Option<f64>,
    pub(crate) tone_hz: Option<f64>,
    pub(crate) other_tone_hz: Option<f64>,
    pub(crate) corners: Option<[String; 4]>,
    pub(crate) chart: Option<Chart>,
    pictures: Option<Vec<(f64, u64)>>,
    pub(crate) patches: Option<Vec<[u8; 3]>>,
    patches_within: Option<f64>,
    #[serde(default)]
    pub(crate) sync: bool,
    sync_within: Option<f64>,
    beeps: Option<Vec<f64>>,
    pub(crate) levels: Option<Levels>,
    level_within: Option<f64>,
    pub(crate) channels: Option<Vec<(Option<f64>, Option<f64>)>>,
    pub(crate) panned_hz: Option<(f64, f64)>,
    #[serde(default)]
    pub(crate) warnings: Vec<String>,
    #[serde(default)]
    pub(crate) may_warn: Vec<String>,
    #[serde(default)]
    pub(crate) hdr: String,
    pub(crate) exact: Option<u64>,
    shortest: Option<f64>,
    longest: Option<f64>,
    #[serde(default)]
    pub(crate) video_start: f64,
    still_from: Option<f64>,
    #[serde(default)]
    pub(crate) offset_any: bool,
    #[serde(default)]
    pub(crate) in_order: bool,
    #[serde(default)]
    pub(crate) loose_edges: bool,
    #[serde(default)]
    pub(crate) damaged: bool,
    #[serde(default)]
    pub(crate) still: bool,
    /// The streams are not as a header says, so that `probe` cannot be compared with ffprobe.
    #[serde(default)]
    pub(crate) undeclared: bool,
    /// The number of pictures must be exactly what rate and duration give.
    #[serde(skip)]
    pub(crate) is_exact: bool,
}

/// The chart in a source, by which every picture is known.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Chart {
    /// Pictures per second by which they are numbered.
    rate: String,
    /// Where in the picture it lies.
    pub(crate) band: Band,
    /// Second from which on it cannot be read.
    pub(crate) until: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Band {
    Whole,
    Middle,
    Low,
}

/// Levels of a beep in dB of full scale; silence where there is none.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Levels {
    pub(crate) left: Option<f64>,
    pub(crate) right: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Expect {
    Ok,
    Error,
    Either,
    Skip,
}

impl Facts {
    /// Facts of a clip that came from elsewhere: of its durations, that of the container and that
    /// of the pictures, either one is right.
    pub(crate) fn of_clip(
        width: u64,
        height: u64,
        fps: &str,
        durations: &[f64],
        audio: bool,
    ) -> Self {
        let facts = serde_json::json!({
            "file": "", "expect": "ok", "width": width, "height": height, "fps": fps, "audio": audio,
            "duration_any": durations, "audio_duration": durations.first().copied().unwrap_or(0.0),
        });
        serde_json::from_value(facts).unwrap()
    }

    /// Frame rates that are right; none if any is.
    pub(crate) fn rates(&self) -> Vec<Rate> {
        self.fps
            .iter()
            .chain(&self.fps_any)
            .map(|text| Rate::parse(text).unwrap())
            .collect()
    }

    /// Whether sound and pictures of the source end at different times.
    pub(crate) fn is_uneven(&self) -> bool {
        self.audio_duration.is_some() || self.durations().is_empty()
    }

    /// Shortest and longest duration that is right, in seconds, where it is not known better.
    pub(crate) fn span(&self) -> Option<(f64, f64)> {
        self.shortest.zip(self.longest)
    }

    /// Rate by which the pictures are numbered.
    pub(crate) fn chart_rate(&self) -> Option<Rate> {
        self.chart
            .as_ref()
            .and_then(|chart| Rate::parse(&chart.rate))
    }

    /// From which time on, in seconds, each picture is shown; empty if there is no chart.
    pub(crate) fn timeline(&self) -> Vec<(f64, u64)> {
        if let Some(pictures) = &self.pictures {
            return pictures.clone();
        }
        let Some(rate) = self.chart_rate() else {
            return Vec::new();
        };
        let longest = self.still_from.or(self.longest);
        let until = longest.unwrap_or_else(|| self.durations().into_iter().fold(0.0, f64::max));
        // Without a length any number may come.
        let until = if self.offset_any { 60.0 } else { until };
        let count = (until * rate.as_f64() - 0.01).ceil() as u64;
        (0..count).map(|n| (rate.seconds(n), n)).collect()
    }

    /// Whether every picture is shown for equally long.
    pub(crate) fn is_regular(&self) -> bool {
        self.pictures.is_none()
    }

    /// When beeps begin, in seconds, if that is known.
    pub(crate) fn beeps(&self) -> Option<Vec<f64>> {
        if self.beeps.is_some() || self.offset_any {
            return self.beeps.clone();
        }
        let until = self.durations().into_iter().reduce(f64::min)?;
        let count = (until - 0.2).ceil() as u32;
        Some((0..count).map(f64::from).collect())
    }

    pub(crate) fn patches_within(&self) -> f64 {
        self.patches_within.unwrap_or(6.0)
    }

    /// How far sound may be from its picture, in seconds.
    pub(crate) fn sync_within(&self) -> f64 {
        self.sync_within.unwrap_or(0.010)
    }

    /// How far levels may be off, in dB.
    pub(crate) fn level_within(&self) -> f64 {
        self.level_within.unwrap_or(0.5)
    }

    /// Durations in seconds that are right; none if any is.
    pub(crate) fn durations(&self) -> Vec<f64> {
        self.duration
            .iter()
            .chain(&self.duration_any)
            .copied()
            .collect()
    }
}

/// All fixtures, in the order of their names.
pub(crate) fn fixtures() -> Vec<Fixture> {
    let folder = repository(".media/fixtures");
    let index = std::fs::read_to_string(folder.join("index.json"))
        .unwrap_or_else(|_| panic!("the test inputs are missing: run `make media` first"));
    let index: BTreeMap<String, Facts> = serde_json::from_str(&index).unwrap();
    let all = index.into_iter().map(|(name, mut facts)| {
        facts.is_exact = name.starts_with("rate-") && facts.fps.is_some() && facts.is_regular();
        let path = folder.join(&facts.file);
        assert!(
            facts.expect == Expect::Skip || path.exists(),
            "{name} is missing: run `make media` first"
        );
        Fixture { name, path, facts }
    });
    all.filter(|fixture| fixture.facts.expect != Expect::Skip)
        .collect()
}

/// The fixtures of which `wanted` is true; `CLIPSY_TEST_FIXTURE` leaves those whose names begin so.
#[expect(
    clippy::disallowed_methods,
    reason = "a setting of this test, not of Clipsy"
)]
pub(crate) fn fixtures_where(wanted: impl Fn(&Fixture) -> bool) -> Vec<Fixture> {
    let chosen = std::env::var("CLIPSY_TEST_FIXTURE").unwrap_or_default();
    let all = fixtures().into_iter();
    all.filter(|fixture| fixture.name.starts_with(&chosen) && wanted(fixture))
        .collect()
}

/// One fixture.
pub(crate) fn fixture(name: &str) -> Fixture {
    let found = fixtures_where(|fixture| fixture.name == name).pop();
    found.unwrap_or_else(|| panic!("there is no fixture {name}: run `make media` first"))
}

/// A clip that was fetched, not made.
pub(crate) fn clip(file: &str) -> PathBuf {
    let path = repository(".media/clips").join(file);
    assert!(
        path.exists(),
        "the clip {file} is missing: run `make media` first"
    );
    path
}
