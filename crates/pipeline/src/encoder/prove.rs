//! Makes an encoder encode real pictures before it is trusted.
//!
//! Being installed says little: hardware encoders are listed without a device, open no session
//! when all are taken, or accept pictures and give nothing back.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use clipsy_domain::ladder::{Plan, VideoSettings};
use gstreamer as gst;
use gstreamer::prelude::*;

use super::diagnose;
use crate::CancelToken;
use crate::builder::trial;
use crate::catalog::{EncoderSpec, VariantSpec};
use crate::run::{describe, stop};

/// Drivers take seconds to start the first time.
const TIME_LIMIT: Duration = Duration::from_secs(20);

/// Encodes a few pictures at the sizes of `plan` and looks at what comes out: all sizes at once
/// for hardware, whose sessions are limited, and the largest one for software. The error is the
/// reason in words.
pub(crate) fn prove<'a>(
    spec: &'a EncoderSpec,
    plan: &Plan,
    video: &VideoSettings,
    cancel: &CancelToken,
) -> Result<&'a VariantSpec, String> {
    let variant =
        super::installed(spec).map_err(|missing| diagnose::why_missing(&spec.needs, &missing))?;
    let mut plan = plan.clone();
    if !spec.hardware {
        plan.rungs.truncate(1);
    }
    let settings = super::settings(&plan, video);
    let encodes = super::encodes(&plan, &settings, variant, None);
    let size = plan
        .rungs
        .first()
        .map_or((640, 360), |r| (r.width, r.height));

    let pipeline = gst::Pipeline::with_name("trial");
    let outputs = trial::build(&pipeline, &encodes, size).map_err(|e| e.to_string())?;
    let outcome = wait(&pipeline, cancel);
    stop(&pipeline);
    outcome.map_err(|reason| diagnose::explain(&spec.needs, &reason))?;
    let outputs = outputs.lock().unwrap_or_else(PoisonError::into_inner);
    match outputs.iter().find_map(trial::Output::fault) {
        None => Ok(variant),
        Some(fault) => Err(fault),
    }
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
