//! Makes encoders and decoders work on real pictures before they are trusted.
//!
//! Being installed says little: hardware is listed without a device, opens no session when all are
//! taken, accepts pictures and gives nothing back, or gives back others than it was fed. Drivers
//! crash as well, so the binary proves in a process that may (`Prover`).

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use clipsy_domain::ladder::{Plan, VideoSettings};
use gstreamer as gst;
use gstreamer::prelude::*;
use serde::{Deserialize, Serialize};

use super::diagnose;
use crate::CancelToken;
use crate::builder::route::{self, Route};
use crate::builder::trial::Ends;
use crate::builder::{pattern, trial};
use crate::catalog::{Catalog, DecoderSpec, EncoderSpec, Makes, VariantSpec};
use crate::run::{describe, stop};

/// Drivers take seconds to start the first time.
pub const TIME_LIMIT: Duration = Duration::from_secs(20);
/// Sessions that are tried at most when they are counted.
const MOST_SESSIONS: u32 = 16;

/// What is to be proven.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Claim {
    /// An encoder makes all renditions of a plan, at once if it is hardware or makes them in one element.
    Encodes {
        /// Identifier from the catalog.
        encoder: String,
        /// Position of the variant, from 0.
        variant: usize,
        /// The renditions.
        plan: Plan,
        /// Settings of the ladder.
        video: VideoSettings,
        /// Size of the pictures at the tee.
        from: (u32, u32),
    },
    /// A decoder decodes streams of a codec.
    Decodes {
        /// Identifier from the catalog.
        decoder: String,
        /// Codec as the catalog names it.
        codec: String,
    },
    /// How many sessions an encoder opens at once.
    Sessions {
        /// Identifier from the catalog.
        encoder: String,
        /// Position of the variant, from 0.
        variant: usize,
        /// Settings of the ladder.
        video: VideoSettings,
    },
}

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// The elements that pictures passed, in order.
    Works(Vec<String>),
    /// So many sessions are open at once; `more` if there may be more.
    Sessions {
        /// Those that were opened.
        opened: u32,
        /// Whether the count ended at what is tried at most.
        more: bool,
    },
}

/// Why something is not proven.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// In words.
    pub reason: String,
    /// What kind of reason it is, for what to do about it.
    pub kind: RefusalKind,
}

/// Kinds of refusals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalKind {
    /// Elements, a device, a library or a version are not there.
    Missing,
    /// The catalog or the plan asks for what the element does not do.
    Settings,
    /// It was tried and did not work.
    Failed,
}

impl Refusal {
    pub(crate) fn new(kind: RefusalKind, reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            kind,
        }
    }
}

/// Where claims are proven.
pub trait Prover {
    /// Proves `claim`, which is about `catalog`.
    fn prove(
        &self,
        catalog: &Catalog,
        claim: &Claim,
        cancel: &CancelToken,
    ) -> Result<Proof, Refusal>;
}

/// Proves in this process, which ends if a driver crashes.
#[derive(Debug, Clone, Copy, Default)]
pub struct InProcess;

impl Prover for InProcess {
    fn prove(
        &self,
        catalog: &Catalog,
        claim: &Claim,
        cancel: &CancelToken,
    ) -> Result<Proof, Refusal> {
        prove(catalog, claim, cancel)
    }
}

/// Proves `claim` in this process.
pub fn prove(catalog: &Catalog, claim: &Claim, cancel: &CancelToken) -> Result<Proof, Refusal> {
    let unknown = || Refusal::new(RefusalKind::Settings, "the catalog does not have it");
    match claim {
        Claim::Encodes {
            encoder,
            variant,
            plan,
            video,
            from,
        } => {
            let spec = catalog.encoder(encoder).ok_or_else(unknown)?;
            let variant = spec.variants.get(*variant).ok_or_else(unknown)?;
            let mut plan = plan.clone();
            if !spec.hardware && variant.makes == Makes::Rung {
                plan.rungs.truncate(1);
            }
            encodes(catalog, spec, variant, &plan, video, *from, cancel)
        }
        Claim::Decodes { decoder, codec } => {
            let mut all = catalog.decoders.iter();
            let spec = all.find(|d| d.id == *decoder).ok_or_else(unknown)?;
            decodes(catalog, spec, codec, cancel)
        }
        Claim::Sessions {
            encoder,
            variant,
            video,
        } => {
            let spec = catalog.encoder(encoder).ok_or_else(unknown)?;
            let variant = spec.variants.get(*variant).ok_or_else(unknown)?;
            Ok(sessions(catalog, variant, video, cancel))
        }
    }
}

fn encodes(
    catalog: &Catalog,
    spec: &EncoderSpec,
    variant: &VariantSpec,
    plan: &Plan,
    video: &VideoSettings,
    from: (u32, u32),
    cancel: &CancelToken,
) -> Result<Proof, Refusal> {
    let failed = |reason: String| {
        let reason = diagnose::explain(&spec.needs, &reason);
        Refusal::new(RefusalKind::Failed, reason)
    };
    let route = Route::of_encoder(catalog, variant);
    let settings = super::settings(plan, video);
    let encodes = super::encodes(plan, &settings, variant, &route, from);
    let outputs = run(cancel, |pipeline| {
        trial::encode(pipeline, &encodes, &route, from, Ends::Yes)
    })
    .map_err(|trouble| trouble.refusal(failed))?;
    let outputs = outputs.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(fault) = outputs.iter().find_map(trial::Output::fault) {
        return Err(failed(fault));
    }
    let decoders = ["avdec_h264", "openh264dec"];
    let decoder = decoders.into_iter().find(|name| is_installed(name));
    let cells = trial::cells(&encodes);
    for (output, encode) in outputs.iter().zip(&encodes) {
        // Where nothing decodes H.264, nothing can be compared.
        let Some(decoder) = decoder else { break };
        let units = output.units.clone();
        let seen = run(cancel, |pipeline| {
            trial::decode_units(pipeline, units, decoder)
        })
        .and_then(|pictures| compare(&pictures, cells).map_err(Trouble::Failed));
        if let Err(trouble) = seen {
            let rung = &encode.rung.name;
            return Err(trouble.refusal(|reason| failed(format!("{rung}: {reason}"))));
        }
    }
    Ok(Proof::Works(route.describe(variant)))
}

/// Samples by codec, with the parser in front of their decoders.
const SAMPLES: [(&str, Option<&str>, &[u8]); 5] = [
    (
        "h264",
        Some("h264parse"),
        include_bytes!("samples/h264.mkv"),
    ),
    (
        "h265",
        Some("h265parse"),
        include_bytes!("samples/h265.mkv"),
    ),
    ("vp8", None, include_bytes!("samples/vp8.mkv")),
    ("vp9", Some("vp9parse"), include_bytes!("samples/vp9.mkv")),
    ("av1", Some("av1parse"), include_bytes!("samples/av1.mkv")),
];

fn decodes(
    catalog: &Catalog,
    spec: &DecoderSpec,
    codec: &str,
    cancel: &CancelToken,
) -> Result<Proof, Refusal> {
    let elements = spec.elements.get(codec).map_or(&[][..], Vec::as_slice);
    let installed: Vec<&String> = elements.iter().filter(|e| is_installed(e)).collect();
    if installed.is_empty() {
        let reason = diagnose::why_missing(&spec.needs, elements);
        return Err(Refusal::new(RefusalKind::Missing, reason));
    }
    let Some((_, parser, sample)) = SAMPLES.into_iter().find(|(name, ..)| *name == codec) else {
        let reason = format!("there is no sample of {codec} to try it with");
        return Err(Refusal::new(RefusalKind::Settings, reason));
    };
    let memory = catalog.memory(&spec.memory);
    let scaled = memory.filter(|memory| route::is_usable(memory));
    let mut reasons = Vec::new();
    for element in installed {
        let seen = run(cancel, |pipeline| {
            trial::decode(pipeline, sample, parser, element, scaled)
        })
        .and_then(|pictures| compare(&pictures, pattern::CELLS).map_err(Trouble::Failed));
        match seen {
            Ok(()) => return Ok(Proof::Works(vec![element.clone()])),
            Err(trouble) => reasons.push(format!("{element}: {}", trouble.reason())),
        }
    }
    let reason = diagnose::explain(&spec.needs, &reasons.join("; "));
    Err(Refusal::new(RefusalKind::Failed, reason))
}

/// Opens one session after the other, each in a pipeline of its own, until one is refused.
fn sessions(
    catalog: &Catalog,
    variant: &VariantSpec,
    video: &VideoSettings,
    cancel: &CancelToken,
) -> Proof {
    let plan = Plan {
        rungs: vec![clipsy_domain::ladder::PlannedRung {
            name: "session".into(),
            width: 640,
            height: 360,
            max_kbps: 700,
        }],
        frame_rate: clipsy_domain::frame_rate::FrameRate::whole(25),
        gop_s: video.gop_s,
        segment_s: video.segment_s,
        first_segments_s: Vec::new(),
    };
    let route = Route::of_encoder(catalog, variant);
    let settings = super::settings(&plan, video);
    let encodes = super::encodes(&plan, &settings, variant, &route, (640, 360));
    let mut open = Vec::new();
    while open.len() < MOST_SESSIONS as usize {
        let pipeline = gst::Pipeline::new();
        let outputs = trial::encode(&pipeline, &encodes, &route, (640, 360), Ends::Never);
        let works = outputs.is_ok_and(|outputs| gives(&pipeline, &outputs, cancel));
        // It holds its session until it is stopped.
        open.push(pipeline);
        if !works {
            break;
        }
    }
    let all = open.len() as u32;
    let more = open.len() == MOST_SESSIONS as usize;
    for pipeline in &open {
        stop(pipeline);
    }
    Proof::Sessions {
        opened: if more { all } else { all - 1 },
        more,
    }
}

/// True once something comes out of `pipeline`.
fn gives(pipeline: &gst::Pipeline, outputs: &trial::Outputs, cancel: &CancelToken) -> bool {
    let Some(bus) = pipeline.bus() else {
        return false;
    };
    let started = Instant::now();
    let _ = pipeline.set_state(gst::State::Playing);
    while started.elapsed() < TIME_LIMIT && !cancel.is_cancelled() {
        let step = gst::ClockTime::from_mseconds(10);
        if bus
            .timed_pop_filtered(step, &[gst::MessageType::Error])
            .is_some()
        {
            return false;
        }
        let outputs = outputs.lock().unwrap_or_else(PoisonError::into_inner);
        if outputs.iter().all(|output| !output.units.is_empty()) {
            return true;
        }
    }
    false
}

/// What went wrong in a trial.
enum Trouble {
    /// The pipeline cannot be built as the catalog has it.
    Settings(String),
    Failed(String),
}

impl Trouble {
    fn reason(self) -> String {
        match self {
            Self::Settings(reason) | Self::Failed(reason) => reason,
        }
    }

    fn refusal(self, failed: impl Fn(String) -> Refusal) -> Refusal {
        match self {
            Self::Settings(reason) => Refusal::new(RefusalKind::Settings, reason),
            Self::Failed(reason) => failed(reason),
        }
    }
}

/// Runs what `build` makes to its end.
fn run<T>(
    cancel: &CancelToken,
    build: impl FnOnce(&gst::Pipeline) -> Result<T, crate::Error>,
) -> Result<T, Trouble> {
    let pipeline = gst::Pipeline::with_name("trial");
    let made = build(&pipeline).map_err(|error| match error {
        crate::Error::Catalog(reason) => Trouble::Settings(reason),
        other => Trouble::Settings(other.to_string()),
    })?;
    let outcome = wait(&pipeline, cancel);
    stop(&pipeline);
    outcome.map_err(Trouble::Failed)?;
    Ok(made)
}

/// Fails unless `pictures` are those of the pattern with so many cells in a row.
fn compare(pictures: &trial::Pictures, cells: u32) -> Result<(), String> {
    let pictures = pictures.lock().unwrap_or_else(PoisonError::into_inner);
    let count = pictures.len() as u64;
    if count != trial::FRAMES {
        return Err(format!("{count} of {} pictures came back", trial::FRAMES));
    }
    let mut each = (0u32..).zip(pictures.iter());
    match each.find_map(|(number, picture)| pattern::differs(picture, cells, number)) {
        Some(difference) => Err(difference),
        None => Ok(()),
    }
}

fn is_installed(element: &str) -> bool {
    gst::ElementFactory::find(element).is_some()
}

fn wait(pipeline: &gst::Pipeline, cancel: &CancelToken) -> Result<(), String> {
    let bus = pipeline.bus().ok_or("the pipeline has no bus")?;
    let started = Instant::now();
    // A failed state change says why on the bus.
    let _ = pipeline.set_state(gst::State::Playing);
    while started.elapsed() < TIME_LIMIT {
        if cancel.is_cancelled() {
            return Err("cancelled".into());
        }
        let Some(message) = bus.timed_pop(gst::ClockTime::from_mseconds(100)) else {
            continue;
        };
        match message.view() {
            gst::MessageView::Eos(_) => return Ok(()),
            gst::MessageView::Error(error) => return Err(describe(error)),
            _ => {}
        }
    }
    Err(format!(
        "it did not finish {} pictures within {} s",
        trial::FRAMES,
        TIME_LIMIT.as_secs()
    ))
}
