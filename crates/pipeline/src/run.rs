//! Runs one graph to its end and publishes as it goes.

use std::sync::atomic::Ordering;
use std::sync::mpsc::TryRecvError;
use std::time::{Duration, Instant};

use clipsy_domain::codecs;
use clipsy_domain::failure::{Failure, FailureCode, Stage};
use clipsy_domain::ladder::Plan;
use clipsy_domain::media_key;
use clipsy_domain::playlist::{self, PlaylistState, Segment, Variant};
use clipsy_domain::progress::{Event, WarningCode};
use clipsy_domain::storyboard::{self, StoryboardPlan};
use gstreamer as gst;
use gstreamer::prelude::*;

use crate::builder::graph::{Graph, MissingStream, Rendition};
use crate::builder::package;
use crate::builder::stills::Still;
use crate::output::{Durability, OutputTree};
use crate::{CancelToken, Error};

/// At most this many progress events a second.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(250);

/// What a run needs besides its graph.
pub(crate) struct Context<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) encoder: &'a str,
    pub(crate) duration_s: Option<f64>,
    pub(crate) max_duration_s: f64,
    pub(crate) audio_kbps: u32,
    pub(crate) storyboard: StoryboardPlan,
    pub(crate) stall_timeout: Duration,
    pub(crate) cancel: &'a CancelToken,
    pub(crate) output: &'a OutputTree,
}

/// What a run that reached its end made.
pub(crate) struct Made {
    pub(crate) variants: Vec<Variant>,
    pub(crate) segments: Vec<Vec<Segment>>,
    pub(crate) frames: u64,
    pub(crate) duration_us: u64,
    pub(crate) has_thumbnail: bool,
    pub(crate) tiles: u64,
    pub(crate) decoder: Option<String>,
    pub(crate) warnings: Vec<WarningCode>,
}

/// How a run ended otherwise.
pub(crate) enum Stopped {
    /// For good.
    Failed(Error),
    /// The audio that was planned for never came; the video may still be good.
    NoAudio,
}

impl<E: Into<Error>> From<E> for Stopped {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Runs `graph` to its end. Files are complete when this returns `Ok`, except for the final
/// playlists, which the caller writes with [`publish`].
pub(crate) fn run(
    graph: &Graph,
    context: &Context<'_>,
    emit: &mut dyn FnMut(Event),
) -> Result<Made, Stopped> {
    let mut run = Run::new(graph, context, emit);
    let result = run.until_end();
    graph.tails.abandon();
    stop(&graph.pipeline);
    result?;
    run.made()
}

/// Writes what makes the result complete: durable segments first, the media playlists then, the
/// multivariant playlist last.
pub(crate) fn publish(made: &Made, context: &Context<'_>) -> Result<(), Error> {
    let target = playlist::target_duration_s(context.plan.segment_s, context.plan.frame_rate);
    for (rung, segments) in context.plan.rungs.iter().zip(&made.segments) {
        context
            .output
            .sync_segments(&rung.name, segments.len() as u64)?;
    }
    for (rung, segments) in context.plan.rungs.iter().zip(&made.segments) {
        context
            .output
            .write_playlist(&rung.name, segments, target, PlaylistState::Complete)?;
        context.output.sync_folder(&rung.name)?;
    }
    if made.tiles > 0 {
        let vtt = storyboard::vtt(&context.storyboard, made.tiles, made.duration_us);
        context
            .output
            .write(media_key::STORYBOARD, vtt.as_bytes(), Durability::Durable)?;
    }
    context.output.write_master(
        &made.variants,
        context.plan.frame_rate,
        PlaylistState::Complete,
    )?;
    context.output.sync_folder("")
}

struct Run<'a> {
    graph: &'a Graph,
    context: &'a Context<'a>,
    emit: &'a mut dyn FnMut(Event),
    target_duration_s: u64,
    expected_frames: Option<u64>,
    segments: Vec<Vec<Segment>>,
    /// Frames in the segments of each rendition that are listed.
    listed_frames: Vec<u64>,
    playable: bool,
    has_thumbnail: bool,
    tiles: u64,
    stills_over: bool,
    seq: u64,
    last_progress: Instant,
    percent: f64,
    decoder: Option<String>,
    warnings: Vec<WarningCode>,
}

impl<'a> Run<'a> {
    fn new(graph: &'a Graph, context: &'a Context<'a>, emit: &'a mut dyn FnMut(Event)) -> Self {
        let rate = context.plan.frame_rate;
        let count = graph.renditions.len();
        Self {
            graph,
            context,
            emit,
            target_duration_s: playlist::target_duration_s(context.plan.segment_s, rate),
            expected_frames: context
                .duration_s
                .map(|s| rate.frames_in((s * 1e9) as u64).max(1)),
            segments: vec![Vec::new(); count],
            listed_frames: vec![0; count],
            playable: false,
            has_thumbnail: false,
            tiles: 0,
            stills_over: false,
            seq: 0,
            last_progress: Instant::now(),
            percent: 0.0,
            decoder: None,
            warnings: Vec::new(),
        }
    }

    fn until_end(&mut self) -> Result<(), Stopped> {
        let pipeline = &self.graph.pipeline;
        let bus = pipeline
            .bus()
            .ok_or_else(|| Error::Internal("the pipeline has no bus".into()))?;
        // A failed state change says why on the bus.
        let _ = pipeline.set_state(gst::State::Playing);
        let mut watchdog = Watchdog::new(self.context.stall_timeout);
        self.progress(true);
        loop {
            if let Some(message) = bus.timed_pop(gst::ClockTime::from_mseconds(50)) {
                match message.view() {
                    gst::MessageView::Eos(_) => break,
                    gst::MessageView::Error(error) => return Err(self.judge(error).into()),
                    gst::MessageView::Warning(warning) => self.note_warning(warning),
                    gst::MessageView::Element(element) => self.note_segment(element)?,
                    _ => {}
                }
            }
            if self.context.cancel.is_cancelled() {
                return Err(failure(FailureCode::Cancelled, "cancelled").into());
            }
            match self.graph.missing_stream() {
                Some(MissingStream::Audio) => return Err(Stopped::NoAudio),
                Some(MissingStream::Video) => {
                    return Err(
                        failure(FailureCode::CorruptInput, "no picture could be decoded").into(),
                    );
                }
                None => {}
            }
            self.check_encoders()?;
            self.note_flaws();
            self.take_stills(false)?;
            self.progress(false);
            if watchdog.has_barked(self.graph.activity.count()) {
                let seconds = self.context.stall_timeout.as_secs();
                return Err(failure(
                    FailureCode::Stalled,
                    format!("nothing moved for {seconds} s"),
                )
                .into());
            }
        }
        while let Some(message) = bus.pop() {
            match message.view() {
                gst::MessageView::Error(error) => return Err(self.judge(error).into()),
                gst::MessageView::Element(element) => self.note_segment(element)?,
                _ => {}
            }
        }
        self.decoder = self.graph.decoder();
        self.check_encoders()?;
        self.note_flaws();
        self.take_stills(true)?;
        self.progress(true);
        Ok(())
    }

    /// Encoders that do not keep to the plan are as bad as those that stop.
    fn check_encoders(&self) -> Result<(), Error> {
        let fault = |rendition: &Rendition, what: String| {
            Err(Error::encoder(
                self.context.encoder,
                format!("the {} encoder {what}", rendition.rung),
            ))
        };
        let limit_s = self.context.max_duration_s;
        for rendition in &self.graph.renditions {
            if let Some(frame) = rendition.meter.missed_keyframe() {
                return fault(
                    rendition,
                    format!("made no keyframe at frame {frame}, where one was asked for"),
                );
            }
            let seconds = rendition.meter.frames() as f64 / self.context.plan.frame_rate.as_f64();
            if seconds > limit_s + 1.0 {
                let message = format!("the video goes on after {limit_s:.0} s, which is the limit");
                return Err(failure(FailureCode::LimitsExceeded, message).into());
            }
        }
        Ok(())
    }

    /// Lists segments that were finished since the last time.
    fn note_segment(&mut self, message: &gst::message::Element) -> Result<(), Error> {
        let is_end = message
            .structure()
            .is_some_and(|s| s.name() == "splitmuxsink-fragment-closed");
        let rung = message
            .src()
            .filter(|_| is_end)
            .and_then(package::rung_of_sink);
        let Some(at) =
            rung.and_then(|rung| self.graph.renditions.iter().position(|r| r.rung == rung))
        else {
            return Ok(());
        };
        let rendition = &self.graph.renditions[at];
        let counted = rendition
            .segment_frames
            .lock()
            .map(|c| c.clone())
            .unwrap_or_default();
        let rate = self.context.plan.frame_rate;
        let mut finished = Vec::new();
        for frames in counted.into_iter().skip(self.segments[at].len()) {
            let index = self.segments[at].len() as u64;
            let bytes = self.context.output.segment_size(&rendition.rung, index)?;
            let start_us = (rate.frame_start_ns(self.listed_frames[at]) + 500) / 1000;
            self.listed_frames[at] += frames;
            let end_us = (rate.frame_start_ns(self.listed_frames[at]) + 500) / 1000;
            let segment = Segment {
                start_us,
                end_us,
                bytes,
            };
            self.segments[at].push(segment);
            finished.push(Event::Segment {
                rung: rendition.rung.clone(),
                index,
                duration_s: segment.duration_us() as f64 / 1e6,
                bytes,
            });
        }
        let listed = &self.segments[at];
        self.context.output.write_playlist(
            &rendition.rung,
            listed,
            self.target_duration_s,
            PlaylistState::Growing,
        )?;
        // Told only when it is true for readers of the playlist.
        finished.into_iter().for_each(&mut *self.emit);
        if !self.playable && self.segments.iter().all(|s| !s.is_empty()) {
            self.playable = true;
            let variants = self.variants(PlaylistState::Growing);
            self.context
                .output
                .write_master(&variants, rate, PlaylistState::Growing)?;
            (self.emit)(Event::Playable {
                master: media_key::MASTER.into(),
            });
        }
        Ok(())
    }

    fn variants(&self, state: PlaylistState) -> Vec<Variant> {
        let audio = self.graph.encoded_audio.as_ref().map(|pad| {
            let caps = pad.current_caps();
            let config = caps
                .as_ref()
                .and_then(|c| c.structure(0)?.get::<gst::Buffer>("codec_data").ok());
            let config = config.and_then(|b| b.map_readable().ok().map(|m| m.to_vec()));
            config
                .and_then(|c| codecs::mp4a_from_audio_specific_config(&c))
                .unwrap_or_else(|| "mp4a.40.2".into())
        });
        let plan = self.context.plan;
        let each = plan
            .rungs
            .iter()
            .zip(&self.graph.renditions)
            .zip(&self.segments);
        each.map(|((rung, rendition), segments)| {
            let measured = playlist::peak_bandwidth(segments, self.target_duration_s);
            // Until all is measured the caps are the best guess, with a tenth for the container.
            let cap = u64::from(rung.max_kbps + self.context.audio_kbps) * 1100;
            Variant {
                rung: rung.name.clone(),
                width: rung.width,
                height: rung.height,
                bandwidth: if state == PlaylistState::Complete {
                    measured
                } else {
                    measured.max(cap)
                },
                average_bandwidth: (state == PlaylistState::Complete)
                    .then(|| playlist::average_bandwidth(segments)),
                codecs: rendition
                    .meter
                    .codec()
                    .into_iter()
                    .chain(audio.clone())
                    .collect(),
            }
        })
        .collect()
    }

    /// Writes stills that have come; with `wait`, all that will come.
    fn take_stills(&mut self, wait: bool) -> Result<(), Error> {
        while !self.stills_over {
            let still = if wait {
                match self.graph.stills.recv_timeout(Duration::from_secs(20)) {
                    Ok(still) => still,
                    Err(_) => return Ok(()),
                }
            } else {
                match self.graph.stills.try_recv() {
                    Ok(still) => still,
                    Err(TryRecvError::Empty | TryRecvError::Disconnected) => return Ok(()),
                }
            };
            match still {
                Still::Thumbnail(jpeg) => {
                    self.context
                        .output
                        .write(media_key::THUMBNAIL, &jpeg, Durability::Durable)?;
                    if !self.has_thumbnail {
                        (self.emit)(Event::Thumbnail {
                            path: media_key::THUMBNAIL.into(),
                        });
                    }
                    self.has_thumbnail = true;
                }
                Still::Sheet { index, jpeg } => {
                    self.context.output.write(
                        &media_key::storyboard_sheet(index),
                        &jpeg,
                        Durability::Durable,
                    )?;
                }
                Still::End { tiles } => {
                    self.tiles = tiles;
                    self.stills_over = true;
                }
            }
        }
        Ok(())
    }

    fn progress(&mut self, now_or_never: bool) {
        let now = Instant::now();
        if !now_or_never && now.duration_since(self.last_progress) < PROGRESS_INTERVAL {
            return;
        }
        self.last_progress = now;
        self.seq += 1;
        let encoder = self.context.encoder;
        let each = self.graph.renditions.iter();
        let renditions: Vec<_> = each
            .map(|r| {
                r.meter
                    .progress(&r.rung, encoder, self.expected_frames, now)
            })
            .collect();
        let slowest = renditions.iter().filter_map(|r| r.percent).reduce(f64::min);
        self.percent = self.percent.max(slowest.unwrap_or(0.0));
        (self.emit)(Event::Progress {
            seq: self.seq,
            percent: slowest.map(|_| self.percent),
            renditions,
        });
    }

    fn note_warning(&mut self, warning: &gst::message::Warning) {
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

    fn note_flaws(&mut self) {
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
        if !self.warnings.contains(&code) {
            self.warnings.push(code);
            (self.emit)(Event::Warning { code, message });
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
        if let Some(rung) = source.and_then(package::rung_of_encoder) {
            return Error::encoder(
                self.context.encoder,
                format!("the {rung} encoder stopped: {text}"),
            );
        }
        if error.is::<gst::StreamError>() {
            return failure(
                FailureCode::CorruptInput,
                format!("the file cannot be read ({text})"),
            )
            .into();
        }
        failure(FailureCode::Internal, text).into()
    }

    fn made(self) -> Result<Made, Stopped> {
        let counts: Vec<u64> = self
            .graph
            .renditions
            .iter()
            .map(|r| r.meter.frames())
            .collect();
        let frames = counts.first().copied().unwrap_or(0);
        if frames == 0 {
            return Err(failure(FailureCode::CorruptInput, "no picture could be decoded").into());
        }
        let lists: Vec<Vec<u64>> = self
            .segments
            .iter()
            .map(|list| list.iter().map(Segment::duration_us).collect())
            .collect();
        let aligned = counts.iter().all(|c| *c == frames) && lists.iter().all(|l| *l == lists[0]);
        if !aligned || self.listed_frames.iter().any(|n| *n != frames) {
            let reason = format!(
                "the renditions do not match: frames {counts:?}, in segments {:?}",
                self.listed_frames
            );
            return Err(Error::encoder(self.context.encoder, reason).into());
        }
        let variants = self.variants(PlaylistState::Complete);
        if let Some(variant) = variants
            .iter()
            .find(|v| v.codecs.first().is_none_or(|c| !c.starts_with("avc1.")))
        {
            let reason = format!("the {} stream has no parameter sets", variant.rung);
            return Err(Error::encoder(self.context.encoder, reason).into());
        }
        Ok(Made {
            variants,
            frames,
            duration_us: (self.context.plan.frame_rate.frame_start_ns(frames) + 500) / 1000,
            segments: self.segments,
            has_thumbnail: self.has_thumbnail,
            tiles: self.tiles,
            decoder: self.decoder,
            warnings: self.warnings,
        })
    }
}

/// Notices that nothing has moved for a while.
struct Watchdog {
    timeout: Duration,
    count: u64,
    since: Instant,
}

impl Watchdog {
    fn new(timeout: Duration) -> Self {
        Self {
            timeout,
            count: 0,
            since: Instant::now(),
        }
    }

    fn has_barked(&mut self, count: u64) -> bool {
        if count != self.count {
            self.count = count;
            self.since = Instant::now();
        }
        self.since.elapsed() > self.timeout
    }
}

fn failure(code: FailureCode, message: impl Into<String>) -> Failure {
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

/// Stops a pipeline. One that will not stop is given up after a while: it is the caller's
/// process that ends then.
pub(crate) fn stop(pipeline: &gst::Pipeline) -> bool {
    let (send, receive) = std::sync::mpsc::channel();
    let doomed = pipeline.clone();
    std::thread::spawn(move || {
        let result = doomed.set_state(gst::State::Null);
        let _ = send.send(result.is_ok());
    });
    let stopped = receive
        .recv_timeout(Duration::from_secs(10))
        .unwrap_or(false);
    if !stopped {
        tracing::warn!(pipeline = %pipeline.name(), "a pipeline did not stop in time");
    }
    stopped
}
