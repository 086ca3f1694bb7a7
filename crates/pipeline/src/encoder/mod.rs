//! Choosing an encoder: the first that proves itself.

pub mod diagnose;
pub mod prove;
mod threads;

use clipsy_domain::failure::{Failure, FailureCode, Stage};
use clipsy_domain::ladder::{Plan, VideoSettings};
use clipsy_domain::progress::PassedOver;
use gstreamer as gst;

use crate::builder::package::Encode;
use crate::builder::route::Route;
use crate::catalog::{Catalog, EncoderSpec, Makes, Settings, VariantSpec};
use crate::{CancelToken, Error};
use prove::{Claim, Proof, Prover, Refusal, RefusalKind};

/// Which encoder to use.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Choice {
    /// The first that works, in the order of the catalog.
    #[default]
    Auto,
    /// This one or none.
    Only(String),
}

impl Choice {
    /// `"auto"` or an identifier from the catalog.
    pub fn parse(text: &str) -> Self {
        if text == "auto" {
            Self::Auto
        } else {
            Self::Only(text.to_owned())
        }
    }
}

/// An encoder that proved itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Selected<'a> {
    pub(crate) spec: &'a EncoderSpec,
    /// Position of the variant in it.
    pub(crate) number: usize,
}

impl<'a> Selected<'a> {
    pub(crate) fn variant(self) -> &'a VariantSpec {
        &self.spec.variants[self.number]
    }
}

/// A variant of an encoder that stopped working.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FailedVariant {
    pub(crate) encoder: String,
    pub(crate) number: usize,
}

/// Who chooses, among what, and for what.
pub(crate) struct Selection<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) choice: &'a Choice,
    pub(crate) prover: &'a dyn Prover,
    pub(crate) plan: &'a Plan,
    pub(crate) video: &'a VideoSettings,
    /// Size of the pictures at the tee.
    pub(crate) from: (u32, u32),
}

impl<'a> Selection<'a> {
    /// Tries the encoders, each variant in turn except those in `failed`, and takes the first that
    /// encodes real pictures at the sizes of the plan. Also tells which were passed over and why.
    pub(crate) fn select(
        &self,
        failed: &[FailedVariant],
        cancel: &CancelToken,
    ) -> Result<(Option<Selected<'a>>, Vec<PassedOver>), Error> {
        check(self.catalog, self.choice)?;
        let candidates: Vec<&EncoderSpec> = match self.choice {
            Choice::Auto => self.catalog.automatic().collect(),
            Choice::Only(id) => self.catalog.encoder(id).into_iter().collect(),
        };
        let mut passed_over = Vec::new();
        for spec in candidates {
            let mut tried = Vec::new();
            for number in 0..spec.variants.len() {
                let this = FailedVariant {
                    encoder: spec.id.clone(),
                    number,
                };
                if failed.contains(&this) || self.is_alone(&spec.variants[number]) {
                    continue;
                }
                if cancel.is_cancelled() {
                    let failure = Failure::new(FailureCode::Cancelled, Stage::Plan, "cancelled");
                    return Err(failure.into());
                }
                match self.prove(spec, number, cancel) {
                    Ok(_) => return Ok((Some(Selected { spec, number }), passed_over)),
                    Err(refusal) => tried.push((number, refusal)),
                }
            }
            if !tried.is_empty() {
                passed_over.push(PassedOver {
                    encoder: spec.id.clone(),
                    reason: reasons(spec, &tried).reason,
                });
            }
        }
        Ok((None, passed_over))
    }

    /// True if `variant` shares work between renditions and there is one only: others are as good then.
    fn is_alone(&self, variant: &VariantSpec) -> bool {
        *self.choice == Choice::Auto && variant.makes == Makes::Ladder && self.plan.rungs.len() == 1
    }

    /// Proves the variant `number` of `spec`.
    pub(crate) fn prove(
        &self,
        spec: &EncoderSpec,
        number: usize,
        cancel: &CancelToken,
    ) -> Result<Proof, Refusal> {
        let variant = &spec.variants[number];
        let missing = missing(variant);
        if !missing.is_empty() {
            let reason = diagnose::why_missing(&spec.needs, &missing);
            return Err(Refusal::new(RefusalKind::Missing, reason));
        }
        for needs in [&spec.needs, &variant.needs] {
            if let Some(reason) = diagnose::too_old(needs) {
                return Err(Refusal::new(RefusalKind::Missing, reason));
            }
        }
        let claim = Claim::Encodes {
            encoder: spec.id.clone(),
            variant: number,
            plan: self.plan.clone(),
            video: self.video.clone(),
            from: self.from,
        };
        self.prover.prove(self.catalog, &claim, cancel)
    }
}

/// Why no variant of `spec` works, on one line.
pub(crate) fn reasons(spec: &EncoderSpec, tried: &[(usize, Refusal)]) -> Refusal {
    let element = |number: usize| spec.variants[number].element.as_str();
    let there: Vec<&(usize, Refusal)> = tried
        .iter()
        .filter(|(number, _)| missing(&spec.variants[*number]).is_empty())
        .collect();
    match there.as_slice() {
        // None is installed: that is one reason and not one for each.
        [] => {
            let variants = tried.iter().map(|(number, _)| &spec.variants[*number]);
            let names: Vec<String> = variants.flat_map(missing).collect();
            Refusal::new(
                RefusalKind::Missing,
                diagnose::why_missing(&spec.needs, &names),
            )
        }
        [(_, refusal)] => refusal.clone(),
        [(_, first), ..] => {
            let each = there
                .iter()
                .map(|(number, refusal)| format!("{}: {}", element(*number), refusal.reason));
            Refusal::new(first.kind, each.collect::<Vec<_>>().join("; "))
        }
    }
}

/// Refuses a choice that the catalog does not know.
pub(crate) fn check(catalog: &Catalog, choice: &Choice) -> Result<(), Error> {
    match choice {
        Choice::Only(id) if catalog.encoder(id).is_none() => {
            let known: Vec<&str> = catalog.encoders.iter().map(|e| e.id.as_str()).collect();
            Err(Error::Catalog(format!(
                "there is no encoder {id:?}; known are auto, {}",
                known.join(", ")
            )))
        }
        _ => Ok(()),
    }
}

/// The settings of each rendition of `plan`, in its order.
pub(crate) fn settings(plan: &Plan, video: &VideoSettings) -> Vec<Settings> {
    let sizes: Vec<(u32, u32)> = plan.rungs.iter().map(|r| (r.width, r.height)).collect();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = threads::budget(&sizes, u32::try_from(cores).unwrap_or(1));
    // One more than a GOP can have, so that it only acts if a forced keyframe is missed.
    let gop_ns = u64::from(plan.gop_s) * gst::ClockTime::SECOND.nseconds();
    let gop_frames = u32::try_from(plan.frame_rate.first_frame_at(gop_ns) + 1).unwrap_or(u32::MAX);
    plan.rungs
        .iter()
        .zip(threads)
        .map(|(rung, threads)| Settings {
            max_kbps: rung.max_kbps,
            quality: video.quality,
            vbv_ms: video.vbv_ms,
            gop_frames,
            threads,
        })
        .collect()
}

/// One [`Encode`] for each rendition of `plan`; `from` is the size of the pictures at the tee.
pub(crate) fn encodes<'a>(
    plan: &'a Plan,
    settings: &'a [Settings],
    variant: &'a VariantSpec,
    route: &'a Route<'a>,
    from: (u32, u32),
) -> Vec<Encode<'a>> {
    plan.rungs
        .iter()
        .zip(settings)
        .map(|(rung, settings)| Encode {
            rung,
            variant,
            settings,
            route,
            from,
        })
        .collect()
}

/// The elements of `variant` that are not installed.
pub(crate) fn missing(variant: &VariantSpec) -> Vec<String> {
    let names = variant.prepare.iter().chain([&variant.element]);
    names
        .filter(|name| gst::ElementFactory::find(name).is_none())
        .cloned()
        .collect()
}
