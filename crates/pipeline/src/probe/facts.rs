//! Gathers what passes by while a file is being opened.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use clipsy_domain::frame_rate::FrameRate;
use clipsy_domain::limits::Limits;
use clipsy_domain::media::{
    AudioStream, Decoding, HdrKind, MediaInfo, Orientation, SampleAspect, VideoStream,
};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_pbutils as pbutils;
use gstreamer_video as gst_video;

use super::timing;
use crate::builder::H263;
use crate::builder::source::{self, Kind, Observer, Step, StreamKey};

/// Packets of a video stream that are enough to judge its frame rate.
const ENOUGH_PACKETS: usize = 240;
/// Packets after which a stream that has given no picture is not waited for any longer.
const TOO_MANY_PACKETS: usize = 1500;

/// The observer of a probe.
pub(super) struct Facts {
    pipeline: gst::glib::WeakRef<gst::Pipeline>,
    limits: Limits,
    found: Arc<Mutex<Found>>,
}

#[derive(Default)]
struct Found {
    container: Option<gst::Caps>,
    /// The first caps of the file are a stream's: it has no container.
    bare: bool,
    complete: bool,
    streams: Vec<Stream>,
}

struct Stream {
    key: StreamKey,
    /// Caps of the compressed stream at each step on its way to the decoder.
    steps: Vec<gst::Caps>,
    decoded: Option<gst::Caps>,
    decoding: Decoding,
    default: bool,
    tags: gst::TagList,
    packets: usize,
    /// Presentation times of the first packets in nanoseconds.
    pts: Vec<u64>,
    first_ns: Option<u64>,
    last_ns: u64,
}

impl Facts {
    pub(super) fn new(pipeline: &gst::Pipeline, limits: Limits) -> Self {
        Self {
            pipeline: pipeline.downgrade(),
            limits,
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

    /// True when going on would tell nothing more.
    pub(super) fn is_enough(&self) -> bool {
        let found = self.found();
        let settled = |s: &Stream| match s.key.kind {
            Kind::Video => {
                s.packets >= TOO_MANY_PACKETS
                    || (s.decoding != Decoding::NoOutput && s.packets >= ENOUGH_PACKETS)
            }
            Kind::Audio => s.decoding != Decoding::NoOutput || s.packets >= TOO_MANY_PACKETS,
            Kind::Other => true,
        };
        found.complete && !found.streams.is_empty() && found.streams.iter().all(settled)
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
        let declared = duration
            .filter(|d| !d.is_zero())
            .map(|d| d.nseconds().saturating_sub(found.counted_from_ns()));
        let duration_ns = declared.or_else(|| found.measured_ns().filter(|_| read_to_the_end));
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
            video: of(Kind::Video).map(Stream::video).collect(),
            audio: of(Kind::Audio).map(Stream::audio).collect(),
            other: of(Kind::Other).map(Stream::codec).collect(),
        }
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
        let level = stream.steps.len();
        stream.steps.push(step.caps.clone());
        if let Some(event) = step.pad.sticky_event::<gst::event::StreamStart>(0) {
            stream.default = event.stream_flags().contains(gst::StreamFlags::SELECT);
        }
        // Tags that came before the probe stay on the pad.
        step.pad.sticky_events_foreach(|event| {
            stream.note_tags(event);
            std::ops::ControlFlow::Continue(gst::EventForeachAction::Keep)
        });
        let wanted = step.key.kind != Kind::Other && !is_beyond(&self.limits, step.caps);
        if !wanted && step.key.kind != Kind::Other {
            stream.decoding = Decoding::Skipped;
        }
        drop(found);
        watch_packets(step.pad, &self.found, step.key, level);
        wanted
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
            stream.decoding = Decoding::Works;
        }
        gst::PadProbeReturn::Ok
    });
}

/// True if the caps announce a picture that is too large to decode.
fn is_beyond(limits: &Limits, caps: &gst::Caps) -> bool {
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

    /// Matroska counts its length from zero even if the first packet comes later.
    fn counted_from_ns(&self) -> u64 {
        let name = self
            .container
            .as_ref()
            .and_then(|caps| caps.structure(0))
            .map(|s| s.name().as_str());
        match name {
            Some("video/x-matroska" | "audio/x-matroska" | "video/webm" | "audio/webm") => self
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

impl Stream {
    fn new(key: StreamKey) -> Self {
        Self {
            key,
            steps: Vec::new(),
            decoded: None,
            decoding: Decoding::NoOutput,
            default: false,
            tags: gst::TagList::new(),
            packets: 0,
            pts: Vec::new(),
            first_ns: None,
            last_ns: 0,
        }
    }

    fn note_tags(&mut self, event: &gst::EventRef) {
        if let gst::EventView::Tag(tag) = event.view() {
            self.tags = self.tags.merge(tag.tag(), gst::TagMergeMode::Keep);
        }
    }

    fn note_packet(&mut self, buffer: &gst::Buffer) {
        self.packets += 1;
        let Some(pts) = buffer.pts().map(gst::ClockTime::nseconds) else {
            return;
        };
        let end = pts + buffer.duration().map_or(0, gst::ClockTime::nseconds);
        self.first_ns = Some(self.first_ns.map_or(pts, |first| first.min(pts)));
        self.last_ns = self.last_ns.max(end);
        if self.pts.len() < TOO_MANY_PACKETS {
            self.pts.push(pts);
        }
    }

    fn media_type(&self) -> String {
        let structure = self.steps.last().and_then(|c| c.structure(0));
        structure.map(|s| s.name().to_string()).unwrap_or_default()
    }

    fn codec(&self) -> String {
        let Some(caps) = self.steps.last() else {
            return "unknown".into();
        };
        let name = caps.structure(0).map_or("unknown", |s| s.name().as_str());
        // Parsers add the profile, demuxers the name of codecs that nobody knows.
        let described = pbutils::pb_utils_get_codec_description(caps).to_string();
        let described = match caps.structure(0).and_then(|s| {
            ["fourcc", "codec-id"]
                .iter()
                .find_map(|f| s.get::<String>(*f).ok())
        }) {
            Some(fourcc) => format!("{described} [{fourcc}]"),
            None => described,
        };
        if described.starts_with("Unknown") {
            name.to_owned()
        } else {
            described
        }
    }

    /// The value of a caps field at the step nearest to the decoder that has it.
    fn field<T>(&self, name: &str) -> Option<T>
    where
        for<'a> T: gst::glib::value::FromValue<'a> + 'static,
    {
        self.steps
            .iter()
            .rev()
            .find_map(|caps| caps.structure(0)?.get::<T>(name).ok())
    }

    fn bitrate(&self) -> Option<u32> {
        let bitrate = self.tags.get::<gst::tags::Bitrate>().map(|v| v.get());
        bitrate
            .or_else(|| {
                self.tags
                    .get::<gst::tags::NominalBitrate>()
                    .map(|v| v.get())
            })
            .filter(|b| *b > 0)
    }

    fn language(&self) -> Option<String> {
        self.tags
            .get::<gst::tags::LanguageCode>()
            .map(|v| v.get().to_owned())
            .filter(|l| l != "und")
    }

    fn video(&self) -> VideoStream {
        let info = self
            .decoded
            .as_ref()
            .and_then(|caps| gst_video::VideoInfo::from_caps(caps).ok());
        let side = |name: &str| {
            self.field::<i32>(name)
                .and_then(|n| u32::try_from(n).ok())
                .unwrap_or(0)
        };
        let media_type = self.media_type();
        // H.263 has a sample aspect of its own by its picture size, which no player follows.
        let decoded_par = info
            .as_ref()
            .filter(|_| media_type != H263)
            .map(gst_video::VideoInfo::par);
        let par = decoded_par.or_else(|| self.field("pixel-aspect-ratio"));
        let format = info.as_ref().map(gst_video::VideoInfo::format_info);
        let interlaced = match &info {
            Some(info) => info.interlace_mode() != gst_video::VideoInterlaceMode::Progressive,
            None => self
                .field::<String>("interlace-mode")
                .is_some_and(|mode| mode != "progressive"),
        };
        let declared = self
            .field::<gst::Fraction>("framerate")
            .or_else(|| info.as_ref().map(gst_video::VideoInfo::fps))
            .and_then(|f| FrameRate::new(f.numer().unsigned_abs(), f.denom().unsigned_abs()));
        let timing = timing::judge(
            &self.pts,
            self.packets.min(TOO_MANY_PACKETS),
            declared,
            interlaced,
        );
        let colorimetry = info.as_ref().map(gst_video::VideoInfo::colorimetry);
        VideoStream {
            index: self.key.index,
            codec: self.codec(),
            media_type,
            decoding: self.decoding,
            default: self.default,
            width: info
                .as_ref()
                .map_or_else(|| side("width"), gst_video::VideoInfo::width),
            height: info
                .as_ref()
                .map_or_else(|| side("height"), gst_video::VideoInfo::height),
            orientation: self.orientation(),
            sample_aspect: par.map_or(SampleAspect::SQUARE, sample_aspect),
            frame_rate: timing.rate,
            variable_frame_rate: timing.variable,
            interlaced,
            bit_depth: format
                .and_then(|f| f.depth().first().copied())
                .and_then(|d| u8::try_from(d).ok())
                .unwrap_or(8),
            chroma: format.map_or_else(|| "4:2:0".into(), |f| chroma(f).into()),
            hdr: colorimetry.as_ref().and_then(hdr),
            colorimetry: colorimetry.map(|c| c.to_string()).filter(|c| !c.is_empty()),
            language: self.language(),
            bitrate: self.bitrate(),
        }
    }

    fn audio(&self) -> AudioStream {
        let decoded = |name: &str| self.decoded.as_ref()?.structure(0)?.get::<i32>(name).ok();
        let number = |name: &str| {
            decoded(name)
                .or_else(|| self.field::<i32>(name))
                .and_then(|n| u32::try_from(n).ok())
                .unwrap_or(0)
        };
        AudioStream {
            index: self.key.index,
            codec: self.codec(),
            decoding: self.decoding,
            default: self.default,
            channels: number("channels"),
            sample_rate: number("rate"),
            language: self.language(),
            bitrate: self.bitrate(),
        }
    }

    fn orientation(&self) -> Orientation {
        let Some(tag) = self.tags.get::<gst::tags::ImageOrientation>() else {
            return Orientation::default();
        };
        let (mirrored, turn) = match tag.get().strip_prefix("flip-") {
            Some(turn) => (true, turn),
            None => (false, tag.get()),
        };
        let degrees = turn
            .strip_prefix("rotate-")
            .and_then(|d| d.parse::<u16>().ok())
            .unwrap_or(0)
            % 360;
        Orientation {
            degrees: degrees / 90 * 90,
            mirrored,
        }
    }
}

fn sample_aspect(par: gst::Fraction) -> SampleAspect {
    let (num, den) = (par.numer().unsigned_abs(), par.denom().unsigned_abs());
    // More than 16 to 1 is no lens but a broken header.
    if num == 0 || den == 0 || num.max(den) / num.min(den) > 16 {
        SampleAspect::SQUARE
    } else {
        SampleAspect { num, den }
    }
}

fn chroma(format: gst_video::VideoFormatInfo) -> &'static str {
    if format.is_rgb() {
        "RGB"
    } else if format.is_gray() || format.n_components() < 3 {
        "4:0:0"
    } else {
        match (format.w_sub().get(1), format.h_sub().get(1)) {
            (Some(1), Some(1)) => "4:2:0",
            (Some(1), Some(0)) => "4:2:2",
            (Some(2), Some(0)) => "4:1:1",
            (Some(2), Some(2)) => "4:1:0",
            _ => "4:4:4",
        }
    }
}

fn hdr(colorimetry: &gst_video::VideoColorimetry) -> Option<HdrKind> {
    match colorimetry.transfer() {
        gst_video::VideoTransferFunction::Smpte2084 => Some(HdrKind::Pq),
        gst_video::VideoTransferFunction::AribStdB67 => Some(HdrKind::Hlg),
        _ => None,
    }
}
