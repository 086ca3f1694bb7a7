//! Choosing an encoder: the first that proves itself.

pub(crate) mod diagnose;
mod prove;
mod threads;

use clipsy_domain::failure::{Failure, FailureCode, Stage};
use clipsy_domain::ladder::{Plan, VideoSettings};
use clipsy_domain::progress::PassedOver;
use gstreamer as gst;

use crate::builder::package::Encode;
use crate::catalog::{Catalog, EncoderSpec, Settings, VariantSpec};
use crate::{CancelToken, Error};
pub(crate) use prove::prove;

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
    pub(crate) variant: &'a VariantSpec,
}

/// Tries the encoders that `choice` allows, except those in `failed`, and takes the first that
/// encodes real pictures at the sizes of `plan`. Also tells which were passed over and why.
pub(crate) fn select<'a>(
    catalog: &'a Catalog,
    choice: &Choice,
    failed: &[String],
    plan: &Plan,
    video: &VideoSettings,
    cancel: &CancelToken,
) -> Result<(Option<Selected<'a>>, Vec<PassedOver>), Error> {
    check(catalog, choice)?;
    let candidates: Vec<&EncoderSpec> = match choice {
        Choice::Auto => catalog.encoders.iter().collect(),
        Choice::Only(id) => catalog.encoder(id).into_iter().collect(),
    };
    let mut passed_over = Vec::new();
    for spec in candidates
        .into_iter()
        .filter(|spec| !failed.contains(&spec.id))
    {
        if cancel.is_cancelled() {
            return Err(Failure::new(FailureCode::Cancelled, Stage::Plan, "cancelled").into());
        }
        match prove(spec, plan, video, cancel) {
            Ok(variant) => return Ok((Some(Selected { spec, variant }), passed_over)),
            Err(reason) => passed_over.push(PassedOver {
                encoder: spec.id.clone(),
                reason,
            }),
        }
    }
    Ok((None, passed_over))
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

/// One [`Encode`] for each rendition of `plan`.
pub(crate) fn encodes<'a>(
    plan: &'a Plan,
    settings: &'a [Settings],
    variant: &'a VariantSpec,
    prepare: Option<&'a [String]>,
) -> Vec<Encode<'a>> {
    plan.rungs
        .iter()
        .zip(settings)
        .map(|(rung, settings)| Encode {
            rung,
            variant,
            settings,
            prepare,
        })
        .collect()
}

/// The first variant of `spec` whose elements are all installed, or the elements that are missing.
pub(crate) fn installed(spec: &EncoderSpec) -> Result<&VariantSpec, Vec<String>> {
    let missing = |variant: &VariantSpec| -> Vec<String> {
        let names = variant.prepare.iter().chain([&variant.element]);
        names
            .filter(|name| gst::ElementFactory::find(name).is_none())
            .cloned()
            .collect()
    };
    match spec.variants.iter().find(|v| missing(v).is_empty()) {
        Some(variant) => Ok(variant),
        None => Err(spec.variants.iter().flat_map(missing).collect()),
    }
}
