//! Runs one graph to its end and publishes as it goes.

use std::sync::mpsc::TryRecvError;
use std::time::{Duration, Instant};

use clipsy_domain::failure::FailureCode;
use clipsy_domain::ladder::Plan;
use clipsy_domain::media_key;
use clipsy_domain::playlist::{self, Segment, Variant};
use clipsy_domain::progress::{Event, WarningCode};
use clipsy_domain::storyboard::StoryboardPlan;
use gstreamer as gst;
use gstreamer::prelude::*;

use crate::builder::graph::{Graph, MissingStream, Rendition};
use crate::builder::stills::Still;
use crate::output::{Durability, OutputTree};
use crate::{CancelToken, Error};

use ending::Watchdog;
use faults::failure;

mod ending;
mod faults;
mod listing;

pub(crate) use ending::stop;
pub(crate) use faults::describe;
pub(crate) use listing::publish;

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
    /// A card decodes: what is damaged may be its own fault, so nothing is told of it yet.
    pub(crate) on_card: bool,
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
    /// Time between two tiles in microseconds.
    pub(crate) tile_interval_us: u64,
    pub(crate) decoder: Option<String>,
    pub(crate) warnings: Vec<WarningCode>,
    /// What is wrong with the pictures that a card decoded.
    pub(crate) flaw: Option<String>,
}

/// How a run ended otherwise.
pub(crate) enum Stopped {
    /// For good.
    Failed(Error),
    /// The audio that was planned for never came or broke; the video may still be good.
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

struct Run<'a> {
    graph: &'a Graph,
    context: &'a Context<'a>,
    emit: &'a mut dyn FnMut(Event),
    target_duration_s: u64,
    expected_frames: Option<u64>,
    segments: Vec<Vec<Segment>>,
    /// Segments of each rendition that are written to their end.
    closed: Vec<usize>,
    /// Frames in the segments of each rendition that are listed.
    listed_frames: Vec<u64>,
    playable: bool,
    has_thumbnail: bool,
    tiles: u64,
    tile_interval_us: u64,
    stills_over: bool,
    seq: u64,
    last_progress: Instant,
    percent: f64,
    decoder: Option<String>,
    warnings: Vec<WarningCode>,
    flaw: Option<String>,
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
            closed: vec![0; count],
            listed_frames: vec![0; count],
            playable: false,
            has_thumbnail: false,
            tiles: 0,
            tile_interval_us: 0,
            stills_over: false,
            seq: 0,
            last_progress: Instant::now(),
            percent: 0.0,
            decoder: None,
            warnings: Vec::new(),
            flaw: None,
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
                    gst::MessageView::Error(error) => return Err(self.stopped_by(error)),
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
            self.check_chains(&bus)?;
            self.note_flaws();
            self.take_stills(false)?;
            self.progress(false);
            if watchdog.has_barked(self.graph.activity.count()) {
                return Err(self.stalled().into());
            }
        }
        while let Some(message) = bus.pop() {
            match message.view() {
                gst::MessageView::Error(error) => return Err(self.stopped_by(error)),
                gst::MessageView::Element(element) => self.note_segment(element)?,
                _ => {}
            }
        }
        if self.graph.is_mute() {
            return Err(Stopped::NoAudio);
        }
        self.decoder = self.graph.decoder();
        self.check_encoders()?;
        self.check_chains(&bus)?;
        self.check_counts()?;
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

    /// Encoders that fail are not always told of: some decoders of cards take the error that comes back
    /// to them for a broken picture and go on.
    fn check_chains(&self, bus: &gst::Bus) -> Result<(), Stopped> {
        if self
            .graph
            .renditions
            .iter()
            .all(|r| r.chain.refused().is_none())
        {
            return Ok(());
        }
        // Whoever has something to say has posted it before.
        let message = bus.timed_pop_filtered(gst::ClockTime::ZERO, &[gst::MessageType::Error]);
        if let Some(message) = message
            && let gst::MessageView::Error(error) = message.view()
        {
            return Err(self.stopped_by(error));
        }
        Err(self
            .blame(None, "it gave an error back without a word")
            .unwrap_or_else(|| Error::Internal("a part stopped without a word".into()))
            .into())
    }

    /// What an encoder took it must have given back.
    fn check_counts(&self) -> Result<(), Error> {
        for rendition in &self.graph.renditions {
            let (taken, given) = (rendition.chain.scaled(), rendition.meter.frames());
            if taken != given {
                return Err(Error::encoder(
                    self.context.encoder,
                    format!(
                        "the {} encoder took {taken} pictures and gave {given} back",
                        rendition.rung
                    ),
                ));
            }
        }
        Ok(())
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
                Still::End { tiles, interval_us } => {
                    self.tiles = tiles;
                    self.tile_interval_us = interval_us;
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
}
