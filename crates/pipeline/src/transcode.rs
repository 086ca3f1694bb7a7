//! From a source file to a finished output folder.

use std::path::Path;
use std::time::{Duration, Instant};

use clipsy_domain::failure::{Failure, FailureCode, Stage};
use clipsy_domain::ladder::{Ladder, Plan};
use clipsy_domain::limits::Limits;
use clipsy_domain::media::{AudioStream, MediaInfo, VideoStream};
use clipsy_domain::media_key;
use clipsy_domain::playlist::Segment;
use clipsy_domain::progress::{
    Decoding, Event, PassedOver, RenditionSummary, Summary, WarningCode,
};
use clipsy_domain::tracks::{self, Tracks};

use crate::builder::graph::{self, Blueprint};
use crate::builder::route::Route;
use crate::builder::stills::StillsPlan;
use crate::builder::tail::Tails;
use crate::builder::video::off_card;
use crate::catalog::{Catalog, DecoderSpec, VariantSpec};
use crate::encoder::prove::Prover;
use crate::encoder::{self, Choice, FailedVariant, Selection};
use crate::error::Stall;
use crate::front::Front;
use crate::measure::round;
use crate::output::OutputTree;
use crate::run::{self, Made, Stopped};
use crate::{CancelToken, Error, doctor, probe};

/// What to make of which file.
#[derive(Clone)]
pub struct Job<'a> {
    /// The source file.
    pub input: &'a Path,
    /// The folder that takes the result; it is made if it is not there.
    pub output: &'a Path,
    /// Rungs and settings.
    pub ladder: &'a Ladder,
    /// Encoders.
    pub catalog: &'a Catalog,
    /// Limits on the source.
    pub limits: &'a Limits,
    /// Which encoder to use.
    pub encoder: Choice,
    /// Where to decode.
    pub decoder: Decoder,
    /// Where encoders and decoders prove that they work.
    pub prover: &'a dyn Prover,
    /// How long nothing may move before the job is ended.
    pub stall_timeout: Duration,
}

/// Where to decode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Decoder {
    /// On a card if it has proven that it decodes this codec, else on the CPU.
    #[default]
    Auto,
    /// On the CPU.
    Software,
    /// As [`Self::Auto`], with a warning if no card does it.
    Hardware,
}

/// Makes the ladder of `job`. `emit` is told what happens as it happens. If this fails, nothing
/// of the job is left in the output folder.
pub fn transcode(
    job: &Job<'_>,
    cancel: &CancelToken,
    emit: &mut dyn FnMut(Event),
) -> Result<Summary, Error> {
    let started = Instant::now();
    encoder::check(job.catalog, &job.encoder)?;
    let (media, front) = probe::open(job.input, job.limits, cancel)?;
    emit(Event::Probed {
        media: Box::new(media.clone()),
    });
    let video = probe::check(&media, job.limits)?;
    let plan = job.ladder.plan(video);
    let mut transcode = Transcode {
        job,
        cancel,
        media: &media,
        front: &front,
        video,
        plan: &plan,
        warnings: Vec::new(),
        decoder: None,
        without: Vec::new(),
    };
    let audio = transcode.choose_audio(emit);
    transcode.choose_decoder(emit);
    emit(Event::Planned {
        renditions: plan.rungs.clone(),
        frame_rate: plan.frame_rate.to_string(),
        segment_s: plan.segment_s,
        duration_s: media.duration_s,
        hdr_source: video.hdr,
        deinterlaced: video.interlaced,
        orientation: video.orientation,
        audio_track: audio.map(|a| a.index),
        tracks: Box::new(Tracks::choose(&media)),
        decoding: transcode.decoding(),
    });

    transcode.tell_alterations(emit);
    let mut output = OutputTree::open(job.output)?;
    match transcode.run(audio, &mut output, emit) {
        Ok((made, encoder)) => Ok(transcode.summary(&made, encoder, started)),
        Err(error) => {
            output.discard();
            Err(error)
        }
    }
}

struct Transcode<'a> {
    job: &'a Job<'a>,
    cancel: &'a CancelToken,
    media: &'a MediaInfo,
    front: &'a Front,
    video: &'a VideoStream,
    plan: &'a Plan,
    warnings: Vec<WarningCode>,
    /// The card's decoder, as long as it works; `None` is the CPU.
    decoder: Option<&'a DecoderSpec>,
    /// Memory of cards in which scaling failed.
    without: Vec<String>,
}

impl<'a> Transcode<'a> {
    /// Runs on one encoder after the other until one makes it.
    fn run(
        &mut self,
        mut audio: Option<&'a AudioStream>,
        output: &mut OutputTree,
        emit: &mut dyn FnMut(Event),
    ) -> Result<(Made, String), Error> {
        let mut failed: Vec<FailedVariant> = Vec::new();
        let mut last_reason = None;
        loop {
            let job = self.job;
            let selection = Selection {
                catalog: job.catalog,
                choice: &job.encoder,
                prover: job.prover,
                plan: self.plan,
                video: &job.ladder.video,
                from: self.video.display_size(),
            };
            let (selected, passed_over) = selection.select(&failed, self.cancel)?;
            let Some(selected) = selected else {
                return Err(out_of_encoders(last_reason, &passed_over));
            };
            let id = selected.spec.id.clone();
            if let (Some(from), Some(reason)) = (failed.last().cloned(), last_reason.take()) {
                let from = from.encoder;
                tracing::warn!(
                    from,
                    to = id,
                    reason,
                    "an encoder failed, starting again on the next one"
                );
                emit(Event::EncoderFallback {
                    from,
                    to: id.clone(),
                    reason,
                });
            }
            let route = self.route(selected.variant(), emit);
            let mut path: Vec<String> = self.decoder.iter().map(|d| d.id.clone()).collect();
            path.extend(route.describe(selected.variant()));
            emit(Event::EncoderSelected {
                encoder: id.clone(),
                label: selected.spec.label.clone(),
                passed_over,
                path,
            });

            output.prepare(self.plan)?;
            match self.attempt(selected, &route, audio, output, emit) {
                Ok(made) => return Ok((made, id)),
                Err(Stopped::NoAudio) => {
                    self.warn(
                        WarningCode::AudioDropped,
                        "the audio could not be decoded and was left out",
                        emit,
                    );
                    audio = None;
                }
                Err(Stopped::Failed(error)) => match self.blame(&error, &route) {
                    Blame::Encoder if job.encoder == Choice::Auto => {
                        failed.push(FailedVariant {
                            encoder: id,
                            number: selected.number,
                        });
                        last_reason = Some(match error {
                            Error::Encoder { reason, .. } => reason,
                            other => other.to_string(),
                        });
                    }
                    Blame::Memory(memory) => {
                        self.without.push(memory);
                        let message = format!(
                            "scaling on the card failed, starting again with scaling on the CPU: {error}"
                        );
                        self.warn(WarningCode::ScalerFallback, &message, emit);
                    }
                    Blame::Decoder => {
                        self.decoder = None;
                        let message = format!(
                            "decoding on the card failed, starting again on the CPU: {error}"
                        );
                        self.warn(WarningCode::DecoderFallback, &message, emit);
                    }
                    _ => return Err(error),
                },
            }
        }
    }

    /// Which part is tried without next.
    fn blame(&self, error: &Error, route: &Route<'_>) -> Blame {
        let memory = || match route.scaled {
            Some(memory) => Blame::Memory(memory.id.clone()),
            None => Blame::Nobody,
        };
        match error {
            Error::Encoder { .. }
            | Error::Stalled {
                at: Stall::Encoder, ..
            } => Blame::Encoder,
            Error::Card(_)
            | Error::Stalled {
                at: Stall::Scaler, ..
            } => memory(),
            Error::CardDecoder(_) => Blame::Decoder,
            error => {
                let code = error.to_failure(Stage::Transcode).code;
                let suspicious = [
                    FailureCode::CorruptInput,
                    FailureCode::Internal,
                    FailureCode::Stalled,
                ];
                if self.decoder.is_some() && suspicious.contains(&code) {
                    Blame::Decoder
                } else {
                    Blame::Nobody
                }
            }
        }
    }

    /// The way of the pictures to this encoder; says so if a scaler is missing on it.
    fn route(&mut self, variant: &VariantSpec, emit: &mut dyn FnMut(Event)) -> Route<'a> {
        let route = Route::plan(
            self.job.catalog,
            self.video,
            self.decoder,
            variant,
            &self.without,
        );
        let told = self.warnings.contains(&WarningCode::ScalerFallback);
        if let Some(lack) = route.lacks.clone().filter(|_| !told) {
            let message = format!("pictures are scaled on the CPU and not on the card: {lack}");
            self.warn(WarningCode::ScalerFallback, &message, emit);
        }
        route
    }

    fn attempt(
        &mut self,
        selected: encoder::Selected<'_>,
        route: &Route<'_>,
        audio: Option<&AudioStream>,
        output: &OutputTree,
        emit: &mut dyn FnMut(Event),
    ) -> Result<Made, Stopped> {
        let job = self.job;
        let (width, height) = self.video.display_size();
        let stills = StillsPlan::new(
            self.media.duration_s.map(|s| (s * 1e6) as u64),
            width,
            height,
        );
        let settings = encoder::settings(self.plan, &job.ladder.video);
        let variant = selected.variant();
        let encodes = encoder::encodes(self.plan, &settings, variant, route, (width, height));
        let graph = graph::build(&Blueprint {
            input: job.input,
            front: self.front,
            folder: output.root(),
            ladder: job.ladder,
            plan: self.plan,
            video: self.video,
            audio,
            audio_encoders: &job.catalog.audio_encoders,
            hardware: self.decoder,
            route,
            encodes: &encodes,
            stills,
            limits: job.limits,
        })?;
        let context = run::Context {
            plan: self.plan,
            encoder: &selected.spec.id,
            duration_s: self.media.duration_s,
            max_duration_s: job.limits.duration_limit_s(self.media.size_bytes),
            audio_kbps: if audio.is_some() {
                job.ladder.audio.bitrate_kbps
            } else {
                0
            },
            storyboard: stills.storyboard,
            on_card: self.decoder.is_some(),
            stall_timeout: job.stall_timeout,
            cancel: self.cancel,
            output,
        };
        let made = run::run(&graph, &context, emit)?;
        let missing = self.missing(audio, &graph.tails);
        if self.decoder.is_some() {
            // A decoder of a card that fails may go on without a word, and only the CPU tells whether
            // it was the source.
            let flaw = made.flaw.clone().or_else(|| missing.clone());
            if let Some(flaw) = flaw {
                return Err(Error::CardDecoder(flaw).into());
            }
        }
        if let Some(message) = missing {
            self.warn(WarningCode::Truncated, &message, emit);
        }
        self.warnings.extend(made.warnings.iter().copied());
        run::publish(&made, &context)?;
        Ok(made)
    }

    /// The audio track to use; says so if there is audio that cannot be used.
    fn choose_audio(&mut self, emit: &mut dyn FnMut(Event)) -> Option<&'a AudioStream> {
        let audio = tracks::main_audio(self.media);
        if audio.is_none() && !self.media.audio.is_empty() {
            let codecs: Vec<&str> = self.media.audio.iter().map(|a| a.codec.as_str()).collect();
            let message = format!(
                "no audio track can be decoded ({}); the video has no sound",
                codecs.join(", ")
            );
            self.warn(WarningCode::AudioDropped, &message, emit);
        }
        audio
    }

    /// Chooses the card's decoder that has proven itself for the codec of this source, if one is
    /// wanted.
    fn choose_decoder(&mut self, emit: &mut dyn FnMut(Event)) {
        if self.job.decoder == Decoder::Software {
            return;
        }
        let (catalog, video) = (self.job.catalog, self.video);
        let mut reasons = Vec::new();
        for spec in &catalog.decoders {
            let found = spec.elements_for(&video.media_type, video.bit_depth);
            let Some((codec, _)) = found.filter(|_| video.chroma == "4:2:0") else {
                reasons.push(format!("{}: not for this kind of stream", spec.id));
                continue;
            };
            match doctor::prove_decoder(self.job.prover, catalog, spec, codec, self.cancel) {
                Ok(_) => {
                    self.decoder = Some(spec);
                    return;
                }
                Err(refusal) => reasons.push(format!("{}: {}", spec.id, refusal.reason)),
            }
        }
        if self.job.decoder == Decoder::Hardware {
            let message = format!("decoding on the CPU ({})", reasons.join("; "));
            self.warn(WarningCode::DecoderFallback, &message, emit);
        }
    }

    /// Where the pictures are decoded, and why they leave the card if they do.
    fn decoding(&self) -> Decoding {
        Decoding {
            decoder: self
                .decoder
                .map_or("software", |decoder| &decoder.id)
                .to_owned(),
            leaves_card: self.decoder.and_then(|_| off_card(self.video)),
        }
    }

    /// Says what will not look as the source means it to.
    fn tell_alterations(&mut self, emit: &mut dyn FnMut(Event)) {
        if let Some(profile) = self.video.dolby_vision {
            let message = format!(
                "Dolby Vision profile {profile} has no base layer for other players; colours will be wrong"
            );
            self.warn(WarningCode::DolbyVision, &message, emit);
        }
        if self.front.edited_rate {
            let message =
                "the edit list plays parts slower or faster; they are played at their own speed";
            self.warn(WarningCode::EditRate, message, emit);
        }
    }

    /// Says so if picture or sound ends before it should.
    fn missing(&self, audio: Option<&AudioStream>, tails: &Tails) -> Option<String> {
        /// What may be missing: less than a listener or viewer takes for a loss.
        const TOLERANCE_S: f64 = 0.3;
        let reached = tails.reached_s();
        let of_tracks = [
            (self.video.duration_s, reached.picture),
            (audio.and_then(|a| a.duration_s), reached.sound),
        ];
        let all = reached.picture.max(reached.sound);
        // A header may be wrong about a file that is there to its last byte.
        let announced = self.front.duration_cut_s.or(self.media.duration_s);
        let of_file = (self.front.complete != Some(true) && self.video.duration_s.is_none())
            .then_some((announced, all));
        let ends = of_tracks.into_iter().chain(of_file);
        let missing = ends
            .filter_map(|(expected, found)| expected.map(|e| (e, found)))
            .find(|(expected, found)| found + TOLERANCE_S < *expected);
        missing.map(|(expected, found)| {
            format!("the source ends after {found:.1} s of {expected:.1} s; what is there was used")
        })
    }

    fn warn(&mut self, code: WarningCode, message: &str, emit: &mut dyn FnMut(Event)) {
        self.warnings.push(code);
        emit(Event::Warning {
            code,
            message: message.to_owned(),
        });
    }

    fn summary(&self, made: &Made, encoder: String, started: Instant) -> Summary {
        let duration_s = made.duration_us as f64 / 1e6;
        let wall_s = started.elapsed().as_secs_f64();
        let each = self
            .plan
            .rungs
            .iter()
            .zip(&made.variants)
            .zip(&made.segments);
        let renditions = each.map(|((rung, variant), segments)| RenditionSummary {
            quality: rung.name.clone(),
            resolution: format!("{}x{}", rung.width, rung.height),
            bitrate: variant.average_bandwidth.unwrap_or(0).div_ceil(1000),
            peak_bitrate: variant.bandwidth.div_ceil(1000),
            file_size: segments.iter().map(|s: &Segment| s.bytes).sum(),
            codecs: variant.codecs.join(","),
            frames: made.frames,
            segments: segments.len() as u64,
            playlist_path: media_key::playlist(&rung.name),
        });
        Summary {
            master: media_key::MASTER.into(),
            duration_s,
            frame_rate: self.plan.frame_rate.to_string(),
            renditions: renditions.collect(),
            thumbnail: made.has_thumbnail.then(|| media_key::THUMBNAIL.into()),
            storyboard: (made.tiles > 0).then(|| media_key::STORYBOARD.into()),
            storyboard_tiles: made.tiles,
            encoder,
            decoder: made.decoder.clone(),
            hdr_source: self.video.hdr,
            warnings: self.warnings.clone(),
            wall_s: round(wall_s, 1000.0),
            cpu_s: round(cpu_seconds(), 1000.0),
            speed: round(duration_s / wall_s, 100.0),
        }
    }
}

/// Without which part to try next.
enum Blame {
    Encoder,
    Decoder,
    /// Scaling in the memory of this name.
    Memory(String),
    /// There is nothing else to try.
    Nobody,
}

fn out_of_encoders(last_reason: Option<String>, passed_over: &[PassedOver]) -> Error {
    let reasons: Vec<String> = passed_over
        .iter()
        .map(|p| format!("{}: {}", p.encoder, p.reason))
        .collect();
    match last_reason {
        Some(reason) => Failure::new(FailureCode::EncoderFailed, Stage::Transcode, reason),
        None => Failure::new(
            FailureCode::EncoderUnavailable,
            Stage::Plan,
            format!("no encoder works on this machine ({})", reasons.join("; ")),
        ),
    }
    .into()
}

/// Processor time of this process so far, user and system.
fn cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
