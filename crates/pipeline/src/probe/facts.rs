//! Gathers what passes by while a file is being opened.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use clipsy_domain::limits::Limits;
use clipsy_domain::media::{Decoding, MediaInfo, VideoStream};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_pbutils as pbutils;

use super::stream::{Stream, TOO_MANY_PACKETS};
use crate::builder::source::{self, Kind, Observer, Step, StreamKey};
use crate::builder::{colour, remarks};
use crate::front::Front;

/// Packets of a video stream that are enough to judge its frame rate.
const ENOUGH_PACKETS: usize = 240;

/// The observer of a probe.
pub(super) struct Facts {
    pipeline: gst::glib::WeakRef<gst::Pipeline>,
    limits: Limits,
    front: Front,
    sound: Sound,
    found: Arc<Mutex<Found>>,
}

/// What to do with sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sound {
    Decoded,
    /// It is known that nothing comes out.
    LeftAside,
}

#[derive(Default)]
struct Found {
    container: Option<gst::Caps>,
    /// The first caps of the file are a stream's: it has no container.
    bare: bool,
    complete: bool,
    streams: Vec<Stream>,
}

impl Facts {
    pub(super) fn new(
        pipeline: &gst::Pipeline,
        limits: Limits,
        front: &Front,
        sound: Sound,
    ) -> Self {
        Self {
            pipeline: pipeline.downgrade(),
            limits,
            front: front.clone(),
            sound,
            found: Arc::default(),
        }
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        lock(&self.found)
    }

    pub(super) fn saw_container(&self) -> bool {
        let found = self.found();
        found.container.is_some() || !found.streams.is_empty()
    }

    /// A single picture that lies in no container.
    pub(super) fn is_picture(&self) -> bool {
        let found = self.found();
        let image = |caps: &gst::Caps| {
            caps.structure(0)
                .is_some_and(|s| s.name().starts_with("image/"))
        };
        found.bare
            && found
                .streams
                .iter()
                .all(|s| s.steps.first().is_some_and(image))
    }

    /// True if the headers tell how long the file is.
    pub(super) fn knows_duration(&self) -> bool {
        self.front.duration_s.is_some()
    }

    /// True when going on would tell nothing more.
    pub(super) fn is_enough(&self) -> bool {
        let found = self.found();
        let settled = |s: &Stream| match s.key.kind {
            Kind::Video => {
                s.packets >= TOO_MANY_PACKETS
                    || (s.decoding != Decoding::NoOutput && s.packets >= ENOUGH_PACKETS)
            }
            Kind::Audio => {
                s.decoding != Decoding::NoOutput
                    || s.packets >= TOO_MANY_PACKETS
                    || self.sound == Sound::LeftAside
            }
            Kind::Other => true,
        };
        // Without pictures and sound the demuxer may still say what is wrong with the file.
        found.complete && found.has_media() && found.streams.iter().all(settled)
    }

    /// True if there are pictures or sound.
    pub(super) fn has_media(&self) -> bool {
        self.found().has_media()
    }

    /// Notes the streams for whose pictures `GStreamer` has no format. The pipeline must still run.
    pub(super) fn note_strange_pictures(&self, pipeline: &gst::Pipeline) {
        let elements = pipeline.iterate_recurse().into_iter().flatten();
        let strange = elements
            .filter(|element| remarks::is_strange(&element.name()))
            .filter_map(|decoder| decoder.static_pad("sink")?.stream_id());
        for id in strange {
            let mut found = self.found();
            let streams = found.streams.iter_mut();
            for stream in streams.filter(|s| s.id.as_deref() == Some(id.as_str())) {
                if stream.decoding == Decoding::NoOutput {
                    stream.decoding = Decoding::NoDecoder;
                }
            }
        }
    }

    /// Everything that was found, with `duration` as the container tells it. Without that it is
    /// measured, if the whole file was `read_to_the_end`.
    pub(super) fn media_info(
        &self,
        size_bytes: u64,
        duration: Option<gst::ClockTime>,
        read_to_the_end: bool,
    ) -> MediaInfo {
        let found = self.found();
        let declared = duration.filter(|d| !d.is_zero()).map(|d| {
            let (length, from) = (d.nseconds(), found.counted_from_ns());
            // A length that ends before the first packet does not count from zero.
            length.checked_sub(from).unwrap_or(length)
        });
        let of_tables = self.front.duration_s.map(|s| (s * 1e9) as u64);
        let declared = of_tables.or(declared);
        let duration_ns = declared.or_else(|| found.measured_ns().filter(|_| read_to_the_end));
        let encrypted = self.front.scrambled
            || self.front.tracks.values().any(|t| t.encrypted)
            || found.streams.iter().any(Stream::is_encrypted);
        let container = found.container.as_ref().map_or_else(
            || "elementary stream".to_owned(),
            |caps| pbutils::pb_utils_get_codec_description(caps).to_string(),
        );
        let of = |kind: Kind| found.streams.iter().filter(move |s| s.key.kind == kind);
        MediaInfo {
            container,
            size_bytes,
            duration_s: duration_ns.map(|ns| (ns as f64 / 1e6).round() / 1e3),
            duration_measured: declared.is_none() && duration_ns.is_some(),
            encrypted,
            video: of(Kind::Video)
                .map(|s| self.with_track(s, found.is_beside_others(s)))
                .collect(),
            audio: of(Kind::Audio)
                .map(|s| {
                    let mut audio = s.audio();
                    if let Some(track) = s.track_of(&self.front) {
                        audio.enabled &= !track.disabled;
                        audio.commentary |= track.commentary;
                        audio.duration_s = track.duration_s;
                        audio.speakers.clone_from(&track.speakers);
                    }
                    audio
                })
                .collect(),
            other: of(Kind::Other).map(Stream::codec).collect(),
        }
    }
}

impl Facts {
    /// What `stream` and the headers of its track say together.
    fn with_track(&self, stream: &Stream, beside_others: bool) -> VideoStream {
        let track = stream.track_of(&self.front);
        let mut video = stream.video(track);
        video.still = beside_others
            && match track {
                Some(track) if track.samples > 0 => track.samples == 1,
                _ => stream.packets == 1,
            };
        if let Some(track) = track {
            video.enabled &= !track.disabled;
            video.duration_s = track.duration_s;
            video.orientation = track.orientation.unwrap_or(video.orientation);
            // A base layer with a compatibility of 0 is for players of Dolby Vision alone.
            video.dolby_vision = track
                .dolby_vision
                .filter(|(_, compatible)| *compatible == 0)
                .map(|(profile, _)| profile);
        }
        video
    }
}

impl Observer for Facts {
    fn container(&self, caps: &gst::Caps) {
        let mut found = self.found();
        if found.container.is_none() && found.streams.is_empty() {
            found.container = Some(caps.clone());
        }
    }

    fn step(&self, step: &Step<'_>) -> bool {
        let mut found = self.found();
        if found.streams.is_empty() && found.container.is_none() {
            found.bare = true;
        }
        let stream = found.stream(step.key);
        // The decoder's own output passes here too; only what was raw from the start counts.
        let raw = step
            .caps
            .structure(0)
            .is_some_and(|s| s.name().ends_with("/x-raw"));
        if raw && !stream.steps.is_empty() {
            return true;
        }
        if stream.id.is_none() {
            stream.id = step.pad.stream_id().map(Into::into);
            let id = stream.id.as_deref();
            stream.track = id.and_then(|id| self.front.number(id));
        }
        let level = stream.steps.len();
        stream.steps.push(step.caps.clone());
        stream.forget_packets();
        if let Some(event) = step.pad.sticky_event::<gst::event::StreamStart>(0) {
            let flags = event.stream_flags();
            stream.default = flags.contains(gst::StreamFlags::SELECT);
            stream.enabled = !flags.contains(gst::StreamFlags::UNSELECT);
        }
        // Tags that came before the probe stay on the pad.
        step.pad.sticky_events_foreach(|event| {
            stream.note_tags(event);
            std::ops::ControlFlow::Continue(gst::EventForeachAction::Keep)
        });
        let left_aside = step.key.kind == Kind::Audio && self.sound == Sound::LeftAside;
        let wanted = step.key.kind != Kind::Other && !is_beyond(&self.limits, step.caps);
        if !wanted && step.key.kind != Kind::Other {
            stream.decoding = Decoding::Skipped;
        }
        drop(found);
        watch_packets(step.pad, &self.found, step.key, level);
        wanted && !left_aside
    }

    fn unknown(&self, step: &Step<'_>) {
        let mut found = self.found();
        let stream = found.stream(step.key);
        if stream.steps.is_empty() {
            stream.steps.push(step.caps.clone());
        }
        stream.decoding = Decoding::NoDecoder;
    }

    fn exposed(&self, key: Option<StreamKey>, pad: &gst::Pad) {
        if let Some(key) = key {
            watch_output(pad, &self.found, key);
        }
        if let Some(pipeline) = self.pipeline.upgrade()
            && let Err(error) = source::discard(&pipeline, pad)
        {
            tracing::warn!(%error, "a stream was left hanging");
        }
    }

    fn complete(&self) {
        self.found().complete = true;
    }
}

/// Notes tags and times on the last step before the decoder, and stops packets there once the
/// decoder has shown what it makes of them: the rest of the scan costs no decoding.
fn watch_packets(pad: &gst::Pad, found: &Arc<Mutex<Found>>, key: StreamKey, level: usize) {
    let found = Arc::clone(found);
    let mask = gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM;
    pad.add_probe(mask, move |_, info| {
        let mut found = lock(&found);
        let stream = found.stream(key);
        match &info.data {
            Some(gst::PadProbeData::Event(event)) => stream.note_tags(event),
            Some(gst::PadProbeData::Buffer(buffer)) if level + 1 == stream.steps.len() => {
                stream.note_packet(buffer);
                if stream.decoding != Decoding::NoOutput {
                    return gst::PadProbeReturn::Drop;
                }
            }
            _ => {}
        }
        gst::PadProbeReturn::Ok
    });
}

/// Notes what comes out of the decoder.
fn watch_output(pad: &gst::Pad, found: &Arc<Mutex<Found>>, key: StreamKey) {
    let found = Arc::clone(found);
    pad.add_probe(gst::PadProbeType::BUFFER, move |pad, _| {
        let mut found = lock(&found);
        let stream = found.stream(key);
        if stream.decoded.is_none()
            && let Some(caps) = pad.current_caps()
            && caps
                .structure(0)
                .is_some_and(|s| s.name().ends_with("/x-raw"))
        {
            stream.decoded = Some(caps);
            stream.colour_decoded = colour::is_from_bitstream(pad);
            stream.decoding = Decoding::Works;
        }
        gst::PadProbeReturn::Ok
    });
}

/// True if the caps announce a picture that is too large to decode.
pub(crate) fn is_beyond(limits: &Limits, caps: &gst::Caps) -> bool {
    let size = |name: &str| {
        let n: i32 = caps.structure(0)?.get(name).ok()?;
        u32::try_from(n).ok()
    };
    matches!((size("width"), size("height")), (Some(w), Some(h)) if w > 0 && h > 0 && limits.size_broken_by(w, h).is_some())
}

fn lock(found: &Mutex<Found>) -> MutexGuard<'_, Found> {
    // The facts are plain notes: those made before a panic elsewhere are still true.
    found.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Found {
    fn has_media(&self) -> bool {
        self.streams.iter().any(|s| s.key.kind != Kind::Other)
    }

    fn stream(&mut self, key: StreamKey) -> &mut Stream {
        let at = self
            .streams
            .iter()
            .position(|s| s.key == key)
            .unwrap_or_else(|| {
                self.streams.push(Stream::new(key));
                self.streams.len() - 1
            });
        &mut self.streams[at]
    }

    /// True if there are moving pictures beside `stream`.
    fn is_beside_others(&self, stream: &Stream) -> bool {
        let moves = |s: &&Stream| s.key.kind == Kind::Video && s.key != stream.key;
        self.streams.iter().filter(moves).any(|s| s.packets > 1)
    }

    /// Matroska and FLV count their length from zero even if the first packet comes later.
    fn counted_from_ns(&self) -> u64 {
        let name = self
            .container
            .as_ref()
            .and_then(|caps| caps.structure(0))
            .map(|s| s.name().as_str());
        match name {
            Some(
                "video/x-matroska" | "audio/x-matroska" | "video/webm" | "audio/webm"
                | "video/x-flv",
            ) => self
                .streams
                .iter()
                .filter_map(|s| s.first_ns)
                .min()
                .unwrap_or(0),
            _ => 0,
        }
    }

    /// From the first packet to the end of the last one, over all streams.
    fn measured_ns(&self) -> Option<u64> {
        let first = self.streams.iter().filter_map(|s| s.first_ns).min()?;
        let last = self.streams.iter().map(|s| s.last_ns).max()?;
        Some(last.saturating_sub(first)).filter(|d| *d > 0)
    }
}
