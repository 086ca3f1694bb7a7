//! What goes wrong in a run, and whose fault it is.

use std::sync::atomic::Ordering;

use clipsy_domain::failure::{Failure, FailureCode, Stage};
use clipsy_domain::progress::{Event, WarningCode};
use gstreamer as gst;
use gstreamer::prelude::*;

use super::{Run, Stopped};
use crate::Error;
use crate::builder::blame::{self, Chain, Part};
use crate::builder::gate;
use crate::builder::graph::Graph;
use crate::builder::package;
use crate::error::Stall;

impl Run<'_> {
    pub(super) fn note_warning(&mut self, warning: &gst::message::Warning) {
        let error = warning.error();
        tracing::debug!(%error, debug = ?warning.debug(), "warning from the pipeline");
        let damaged =
            error.matches(gst::StreamError::Decode) || error.matches(gst::StreamError::Demux);
        if damaged {
            let message = format!(
                "parts of the source are damaged and were skipped ({})",
                error.message()
            );
            self.warn_once(WarningCode::DamagedInput, message);
        }
    }

    pub(super) fn note_flaws(&mut self) {
        if self.graph.damaged.load(Ordering::Relaxed) {
            let message = "parts of the source are damaged; what could be decoded was used";
            self.warn_once(WarningCode::DamagedInput, message.into());
        }
        if self.graph.size_changed.load(Ordering::Relaxed) {
            let message =
                "the picture changes its size in mid-stream; it was fitted into the first size";
            self.warn_once(WarningCode::SizeChanged, message.into());
        }
    }

    fn warn_once(&mut self, code: WarningCode, message: String) {
        if self.context.on_card && code == WarningCode::DamagedInput {
            self.flaw.get_or_insert(message);
            return;
        }
        if !self.warnings.contains(&code) {
            self.warnings.push(code);
            (self.emit)(Event::Warning { code, message });
        }
    }

    /// What an error means for the run: without its sound the video may still be good.
    pub(super) fn stopped_by(&self, message: &gst::message::Error) -> Stopped {
        if let Some(reason) = gate::reason(message) {
            return failure(FailureCode::LimitsExceeded, reason).into();
        }
        let source = message.src();
        // A muxer that never got any sound cannot make a stream of it.
        let is_muxer = source.and_then(package::rung_of_sink).is_some();
        let lacks_sound = is_muxer && message.error().is::<gst::StreamError>();
        if self.graph.is_sound_at_fault(source) || (lacks_sound && self.graph.is_mute()) {
            tracing::warn!(reason = describe(message), "the sound cannot be used");
            Stopped::NoAudio
        } else {
            self.judge(message).into()
        }
    }

    /// Whose fault an error is.
    fn judge(&self, message: &gst::message::Error) -> Error {
        let text = describe(message);
        let error = message.error();
        let source = message.src();
        let disk_full = error.matches(gst::ResourceError::NoSpaceLeft)
            || text.contains("No space left on device");
        if disk_full {
            return failure(FailureCode::OutOfDisk, "no space left for the output").into();
        }
        if let Some(rung) = source.and_then(package::rung_of_sink) {
            return failure(
                FailureCode::Internal,
                format!("the {rung} segments cannot be written: {text}"),
            )
            .into();
        }
        if let Some(error) = self.blame(source, &text) {
            return error;
        }
        // What is above our own part of the pipeline reads and decodes.
        let is_ours = source.is_some_and(|s| !Graph::is_reading(s));
        if error.is::<gst::StreamError>() && !is_ours {
            return failure(
                FailureCode::CorruptInput,
                format!("the file cannot be read ({text})"),
            )
            .into();
        }
        failure(FailureCode::Internal, text).into()
    }

    /// The part of ours that is at fault, whoever tells of it.
    pub(super) fn blame(&self, source: Option<&gst::Object>, text: &str) -> Option<Error> {
        let chains = self.graph.renditions.iter().map(|r| &r.chain);
        let told = source.and_then(|source| {
            let own = |chain: &'_ Chain| chain.part_with(source);
            let told = chains.clone().find_map(|chain| Some((chain, own(chain)?)));
            let mut sharing = chains.clone().filter(|chain| chain.shares(source));
            told.or_else(|| sharing.next().map(|chain| (chain, Part::Encoder)))
        });
        let found = told.or_else(|| {
            chains
                .clone()
                .find_map(|chain| chain.refused().map(|part| (chain, part)))
        });
        if let Some((chain, part)) = found {
            let rung = &chain.rung;
            return Some(match part {
                Part::Encoder => Error::encoder(
                    self.context.encoder,
                    format!("the {rung} encoder stopped: {text}"),
                ),
                Part::Scaler => Error::Card(format!("the {rung} scaler stopped: {text}")),
            });
        }
        let at = blame::refuser(&self.graph.trunk)?;
        let name = self.graph.trunk[at].name();
        Some(
            if name.starts_with("upload") || name.starts_with("download") {
                Error::Card(format!(
                    "pictures cannot be moved to or from the card: {text}"
                ))
            } else {
                failure(FailureCode::Internal, format!("{name} stopped: {text}")).into()
            },
        )
    }

    /// What is waited for when nothing has moved for long.
    pub(super) fn stalled(&self) -> Error {
        let seconds = self.context.stall_timeout.as_secs();
        let chains = self.graph.renditions.iter().map(|r| &r.chain);
        let stuck = chains
            .clone()
            .find_map(|chain| chain.stuck().map(|part| (&chain.rung, part)));
        let (at, what) = match stuck {
            Some((rung, Part::Scaler)) => (Stall::Scaler, format!("the {rung} scaler")),
            Some((rung, Part::Encoder)) => (Stall::Encoder, format!("the {rung} encoder")),
            None if chains.clone().all(Chain::is_over) => (Stall::Output, "the output".to_owned()),
            // All others have come to their end.
            None if chains.clone().any(Chain::is_over) => {
                let late = chains.clone().find(|chain| !chain.is_over());
                let rung = late.map_or("last", |chain| &chain.rung);
                (Stall::Encoder, format!("the {rung} encoder"))
            }
            None => (Stall::Decoder, "the decoder".to_owned()),
        };
        Error::Stalled {
            at,
            reason: format!("nothing moved for {seconds} s: {what} is at a stop"),
        }
    }
}

pub(super) fn failure(code: FailureCode, message: impl Into<String>) -> Failure {
    Failure::new(code, Stage::Transcode, message)
}

/// What an element said, on one line.
pub(crate) fn describe(message: &gst::message::Error) -> String {
    let source = message
        .src()
        .map(|s| s.name().to_string())
        .unwrap_or_default();
    let text = message.error().message().trim().to_owned();
    // The last line of the debug text is what the element itself added.
    let debug = message
        .debug()
        .map(|d| d.lines().last().unwrap_or_default().trim().to_owned())
        .unwrap_or_default();
    let detail = if debug.is_empty() || debug.contains(".c(") {
        String::new()
    } else {
        format!(": {debug}")
    };
    format!("{source}: {text}{detail}")
}
