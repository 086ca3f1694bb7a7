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
    #[serde(default)]
    pub(crate) sync: bool,
    /// The number of pictures must be exactly what rate and duration give.
    #[serde(skip)]
    pub(crate) is_exact: bool,
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
        facts.is_exact = name.starts_with("rate-") && facts.fps.is_some();
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

/// The fixtures of which `wanted` is true.
pub(crate) fn fixtures_where(wanted: impl Fn(&Fixture) -> bool) -> Vec<Fixture> {
    fixtures().into_iter().filter(wanted).collect()
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
