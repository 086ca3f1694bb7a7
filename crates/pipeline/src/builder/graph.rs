//! Puts the parts together.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};

use clipsy_domain::ladder::{Ladder, Plan};
use clipsy_domain::limits::Limits;
use clipsy_domain::media::{AudioStream, VideoStream};
use gstreamer as gst;
use gstreamer::prelude::*;

use super::blame::Chain;
use super::order::Order;
use super::package::{self, Encode, SegmentFrames};
use super::route::Route;
use super::runs::Runs;
use super::segment::Segments;
use super::source::{self, Kind, Observer, Step, StreamKey};
use super::stills::{self, Still, StillsPlan};
use super::tail::{self, Tails};
use super::{audio, delay, remarks, video};
use crate::Error;
use crate::catalog::{AudioEncoderSpec, DecoderSpec};
use crate::front::{Front, Pcm, Track};
use crate::measure::{Activity, Meter};

/// What a graph is built from.
pub(crate) struct Blueprint<'a> {
    pub(crate) input: &'a Path,
    pub(crate) front: &'a Front,
    pub(crate) folder: &'a Path,
    pub(crate) ladder: &'a Ladder,
    pub(crate) plan: &'a Plan,
    pub(crate) video: &'a VideoStream,
    pub(crate) audio: Option<&'a AudioStream>,
    pub(crate) audio_encoders: &'a [AudioEncoderSpec],
    pub(crate) hardware: Option<&'a DecoderSpec>,
    pub(crate) route: &'a Route<'a>,
    pub(crate) encodes: &'a [Encode<'a>],
    pub(crate) stills: StillsPlan,
    pub(crate) limits: &'a Limits,
}

/// A pipeline ready to run, and what watches it.
pub(crate) struct Graph {
    pub(crate) pipeline: gst::Pipeline,
    pub(crate) renditions: Vec<Rendition>,
    pub(crate) stills: Receiver<Still>,
    pub(crate) activity: Activity,
    pub(crate) tails: Arc<Tails>,
    pub(crate) encoded_audio: Option<gst::Pad>,
    /// Set when the picture changes its size in mid-stream.
    pub(crate) size_changed: Arc<AtomicBool>,
    /// Set when the decoder gave out a picture that it knows to be damaged.
    pub(crate) damaged: Arc<AtomicBool>,
    /// From the decoder to the tee.
    pub(crate) trunk: Vec<gst::Element>,
    selector: Arc<Selector>,
}

/// One rendition while it is being made.
pub(crate) struct Rendition {
    pub(crate) rung: String,
    pub(crate) meter: Meter,
    pub(crate) segment_frames: SegmentFrames,
    pub(crate) chain: Chain,
}

/// Builds the whole graph.
pub(crate) fn build(blueprint: &Blueprint<'_>) -> Result<Graph, Error> {
    let pipeline = gst::Pipeline::with_name("transcode");
    limit_decoder_threads(&pipeline);
    let activity = Activity::default();
    let tails = Arc::new(Tails::default());

    let trunk = video::Trunk {
        source: blueprint.video,
        frame_rate: blueprint.plan.frame_rate,
        gop_s: blueprint.plan.gop_s,
        deinterlace: blueprint.ladder.video.deinterlace,
        route: blueprint.route,
        tails: &tails,
    };
    let video = trunk.add(&pipeline)?;
    activity.watch(&video.input);
    let segments = Segments::default();
    segments.unify(&video.input)?;
    let order = Order::default();
    order.apply(&video.input);
    let size_changed = watch_size(&video.input);
    let damaged = Arc::new(AtomicBool::new(false));
    let undecoded = remarks::undecoded_pictures;
    watch_damage(&video.input, &order, undecoded, &damaged);
    let audio = match blueprint.audio {
        Some(stream) => Some(audio::add(
            &pipeline,
            stream,
            &blueprint.ladder.audio,
            blueprint.audio_encoders,
        )?),
        None => None,
    };
    let sound_order = Order::default();
    if let Some(audio) = &audio {
        activity.watch(&audio.encoded);
        let undecoded = remarks::undecoded_sound;
        watch_damage(&audio.input, &sound_order, undecoded, &damaged);
        segments.unify(&audio.input)?;
    }

    let audio_tail = audio.as_ref().map(|a| (&a.tail, a.push_out));
    tail::watch(&tails, audio_tail);

    let mut renditions = Vec::new();
    for chain in package::add(blueprint.encodes, &pipeline, &video.tee)? {
        let rung = chain.rung.clone();
        let meter = Meter::new(blueprint.plan.frame_rate, blueprint.plan.gop_s);
        meter.watch(&chain.units, &activity);
        let segment_frames = package::add_sink(
            &pipeline,
            &rung,
            &blueprint.folder.join(&rung),
            blueprint.plan,
            &chain.units,
            audio.as_ref().map(|a| (&a.tee, a.priming)),
        )?;
        renditions.push(Rendition {
            rung,
            meter,
            segment_frames,
            chain,
        });
    }
    let fetch = blueprint.route.fetch();
    let stills = stills::add(&pipeline, &video.tee, fetch, blueprint.stills)?;

    let selector = Arc::new(Selector {
        pipeline: pipeline.downgrade(),
        video: (
            StreamKey {
                kind: Kind::Video,
                index: blueprint.video.index,
            },
            video.input,
        ),
        audio: blueprint.audio.zip(audio.as_ref()).map(|(stream, ends)| {
            (
                StreamKey {
                    kind: Kind::Audio,
                    index: stream.index,
                },
                ends.input.clone(),
            )
        }),
        front: blueprint.front.clone(),
        order,
        runs: Runs::default(),
        sound_order,
        state: Mutex::default(),
    });
    source::add(
        &pipeline,
        blueprint.input,
        blueprint.front,
        blueprint.hardware,
        blueprint.limits,
        &selector,
    )?;
    let encoded_audio = audio.map(|a| a.encoded);
    Ok(Graph {
        pipeline,
        renditions,
        stills,
        activity,
        tails,
        encoded_audio,
        size_changed,
        damaged,
        trunk: video.elements,
        selector,
    })
}

impl Graph {
    /// A stream that was planned for and did not come out of the decoder, once that is certain.
    pub(crate) fn missing_stream(&self) -> Option<MissingStream> {
        let state = self
            .selector
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if !state.complete {
            None
        } else if !state.video {
            Some(MissingStream::Video)
        } else if self.selector.audio.is_some() && !state.audio {
            Some(MissingStream::Audio)
        } else {
            None
        }
    }

    /// True if an error that `source` sent lies in the way of the sound and nowhere else: in the
    /// trunk, in a decoder or parser of sound, or in a demuxer that could not get rid of sound.
    pub(crate) fn is_sound_at_fault(&self, source: Option<&gst::Object>) -> bool {
        let Some((_, input)) = &self.selector.audio else {
            return false;
        };
        source.is_some_and(audio::is_part_of_sound)
            || (audio::is_refused(input) && !audio::is_refused(&self.selector.video.1))
    }

    /// True if `source` reads, demuxes, parses or decodes.
    pub(crate) fn is_reading(source: &gst::Object) -> bool {
        let mut object = Some(source.clone());
        while let Some(current) = object {
            if matches!(current.name().as_str(), "source" | "decode") {
                return true;
            }
            object = current.parent();
        }
        false
    }

    /// True if sound was planned for and none came.
    pub(crate) fn is_mute(&self) -> bool {
        let encoded = self.encoded_audio.as_ref();
        encoded.is_some_and(|pad| pad.current_caps().is_none())
    }

    /// Factory name of the video decoder in use, once there is one.
    pub(crate) fn decoder(&self) -> Option<String> {
        let is_decoder = |factory: &gst::ElementFactory| {
            factory
                .metadata(gst::ELEMENT_METADATA_KLASS)
                .is_some_and(|class| {
                    let has = |word: &str| class.split('/').any(|part| part == word);
                    has("Decoder") && has("Video")
                })
        };
        let elements = self.pipeline.iterate_recurse().into_iter().flatten();
        elements
            .filter_map(|e| e.factory())
            .find(is_decoder)
            .map(|f| f.name().to_string())
    }
}

/// A stream that did not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MissingStream {
    Video,
    Audio,
}

/// Links the two wanted streams and sends the others nowhere.
struct Selector {
    pipeline: gst::glib::WeakRef<gst::Pipeline>,
    video: (StreamKey, gst::Pad),
    audio: Option<(StreamKey, gst::Pad)>,
    front: Front,
    order: Order,
    runs: Runs,
    sound_order: Order,
    state: Mutex<Linked>,
}

#[derive(Default)]
struct Linked {
    video: bool,
    audio: bool,
    complete: bool,
}

impl Selector {
    fn input(&self, key: StreamKey) -> Option<&gst::Pad> {
        if self.video.0 == key {
            return Some(&self.video.1);
        }
        self.audio
            .as_ref()
            .filter(|(wanted, _)| *wanted == key)
            .map(|(_, pad)| pad)
    }
}

impl Selector {
    /// How the uncompressed sound of `pad` is stored, if the headers say.
    fn pcm_of(&self, pad: &gst::Pad) -> Option<Pcm> {
        self.track(pad)?.pcm
    }

    fn is_in_fragments(&self, pad: &gst::Pad) -> bool {
        self.track(pad).is_some_and(|t| t.samples == 0)
    }

    fn track(&self, pad: &gst::Pad) -> Option<&Track> {
        self.front
            .tracks
            .get(&self.front.number(&pad.stream_id()?)?)
    }
}

/// Tells what flows into `input` by its true name, see [`crate::front`].
fn set_format(input: &gst::Pad, pcm: Pcm) {
    input.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        if let Some(gst::PadProbeData::Event(event)) = &mut info.data
            && let gst::EventView::Caps(caps) = event.view()
        {
            let mut caps = caps.caps_owned();
            for sound in caps.make_mut().iter_mut() {
                sound.set("format", pcm.format);
            }
            *event = gst::event::Caps::new(&caps);
        }
        gst::PadProbeReturn::Ok
    });
}

impl Observer for Selector {
    fn step(&self, step: &Step<'_>) -> bool {
        if step.key == self.video.0 {
            if self.order.watch(step.pad) {
                self.runs.join(step.pad, self.is_in_fragments(step.pad));
            }
        } else if self.input(step.key).is_some()
            && self.sound_order.watch(step.pad)
            && let Some(delay) = self.track(step.pad).and_then(|t| t.delay)
        {
            delay::take_off(step.pad, delay);
        }
        self.input(step.key).is_some()
    }

    fn exposed(&self, key: Option<StreamKey>, pad: &gst::Pad) {
        let Some(pipeline) = self.pipeline.upgrade() else {
            return;
        };
        let raw = pad
            .current_caps()
            .is_some_and(|c| c.structure(0).is_some_and(|s| s.name().ends_with("/x-raw")));
        let input = key
            .and_then(|k| self.input(k))
            .filter(|input| raw && !input.is_linked());
        let result = match (input, key) {
            (Some(input), Some(key)) => {
                if let Some(pcm) = self.pcm_of(pad) {
                    set_format(input, pcm);
                }
                if key.kind == Kind::Video {
                    self.runs.part(pad);
                }
                pad.link(input).map_err(Error::from).map(|_| {
                    let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                    match key.kind {
                        Kind::Video => state.video = true,
                        _ => state.audio = true,
                    }
                })
            }
            _ => source::discard(&pipeline, pad),
        };
        if let Err(error) = result {
            tracing::warn!(%error, pad = %pad.name(), "a stream was left hanging");
        }
    }

    fn complete(&self) {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .complete = true;
    }
}

/// Notices damage in what a decoder gives out at `pad`: what it knows to be damaged, a break that was
/// not in the packets, which is all that is left of one that could not be decoded, and what it or the
/// demuxer only say in their log. `undecoded` counts such remarks of the decoder; those that are followed
/// by nothing but what the decoder still held are about packets that the end of the file cuts off, unless
/// the packets go on for longer than anybody overlooks.
fn watch_damage(
    pad: &gst::Pad,
    order: &Order,
    undecoded: fn() -> usize,
    damaged: &Arc<AtomicBool>,
) {
    /// More than any decoder holds.
    const HELD: usize = 32;
    /// As `Transcode::missing` has it.
    const OVERLOOKED_NS: u64 = 300_000_000;
    let (flag, order) = (Arc::clone(damaged), order.clone());
    // A segment begins with a break of its own.
    let (fresh, breaks) = (AtomicBool::new(true), AtomicUsize::new(0));
    let (at_first, since) = (undecoded(), AtomicUsize::new(0));
    let shown = AtomicU64::new(0);
    let mask = gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM;
    pad.add_probe(mask, move |_, info| {
        match &info.data {
            Some(gst::PadProbeData::Event(event)) => {
                let begins = [gst::EventType::Segment, gst::EventType::Caps];
                if begins.contains(&event.type_()) {
                    fresh.store(true, Ordering::Relaxed);
                }
                let lacks_end = || {
                    let end = shown.load(Ordering::Relaxed) + OVERLOOKED_NS;
                    order.latest().is_some_and(|latest| latest > end)
                };
                if event.type_() == gst::EventType::Eos && undecoded() != at_first && lacks_end() {
                    flag.store(true, Ordering::Relaxed);
                }
            }
            Some(gst::PadProbeData::Buffer(picture)) => {
                if let Some(time) = picture.pts() {
                    shown.fetch_max(time.nseconds(), Ordering::Relaxed);
                }
                let flags = picture.flags();
                let breaks_off = flags.contains(gst::BufferFlags::DISCONT)
                    && !fresh.load(Ordering::Relaxed)
                    && breaks.load(Ordering::Relaxed) == order.breaks();
                let is_corrupted = flags.contains(gst::BufferFlags::CORRUPTED);
                let goes_on =
                    undecoded() != at_first && since.fetch_add(1, Ordering::Relaxed) >= HELD;
                if breaks_off || is_corrupted || goes_on || order.has_skipped() {
                    flag.store(true, Ordering::Relaxed);
                }
                fresh.store(false, Ordering::Relaxed);
                if flags.contains(gst::BufferFlags::DISCONT) {
                    breaks.store(order.breaks(), Ordering::Relaxed);
                }
            }
            _ => {}
        }
        gst::PadProbeReturn::Ok
    });
}

/// Notices a change of size on `pad`.
fn watch_size(pad: &gst::Pad) -> Arc<AtomicBool> {
    let changed = Arc::new(AtomicBool::new(false));
    let (flag, sizes) = (Arc::clone(&changed), Mutex::new(Sizes::default()));
    let mask = gst::PadProbeType::EVENT_DOWNSTREAM | gst::PadProbeType::BUFFER;
    pad.add_probe(mask, move |_, info| {
        let Ok(mut sizes) = sizes.lock() else {
            return gst::PadProbeReturn::Ok;
        };
        match &info.data {
            Some(gst::PadProbeData::Event(event)) => {
                if let gst::EventView::Caps(caps) = event.view()
                    && let Some(structure) = caps.caps().structure(0)
                {
                    sizes.told = (
                        structure.get::<i32>("width").ok(),
                        structure.get::<i32>("height").ok(),
                    );
                }
            }
            // A decoder that has to wait for its first picture tells of a size of its own choice
            // until then, so only those with pictures count.
            Some(gst::PadProbeData::Buffer(_)) => {
                let told = sizes.told;
                if *sizes.first.get_or_insert(told) != told {
                    flag.store(true, Ordering::Relaxed);
                }
            }
            _ => {}
        }
        gst::PadProbeReturn::Ok
    });
    changed
}

/// Width and height as caps may have them.
type Size = (Option<i32>, Option<i32>);

/// Sizes that went by.
#[derive(Default)]
struct Sizes {
    /// Of the first picture.
    first: Option<Size>,
    /// Of the pictures to come.
    told: Size,
}

/// Decoders keep a picture or more per thread, and frame threads cost time of their own; half of
/// the cores are enough to feed the encoders that share the machine.
pub(crate) fn limit_decoder_threads(pipeline: &gst::Pipeline) {
    const MOST: i32 = 4;
    // With a single thread, H.264 that begins at a recovery point comes out grey up to the next one.
    const LEAST: i32 = 2;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = i32::try_from(cores / 2).unwrap_or(MOST).clamp(LEAST, MOST);
    set_decoder_threads(pipeline, threads);
}

/// Has each decoder of libav make pictures in memory of its own, which it copies. `gst-libav` crashes
/// when it has to find memory for pictures of a format that `GStreamer` does not know, such as grey of 12
/// bits; so whoever finds out whether a stream can be decoded does without. It refuses them then.
pub(crate) fn keep_decoders_apart(pipeline: &gst::Pipeline) {
    pipeline.connect_deep_element_added(|_, _, element| {
        if element.has_property_with_type("direct-rendering", bool::static_type()) {
            element.set_property("direct-rendering", false);
        }
    });
}

/// Gives each decoder of libav this many threads.
///
/// Threads that work on several pictures hold back some of them. `gst-libav` asks for those at the end
/// and where a stream breaks off only of codecs that hold back pictures by themselves; of all others
/// the threads share one picture.
///
pub(crate) fn set_decoder_threads(pipeline: &gst::Pipeline, threads: i32) {
    const HOLD_BACK: [&str; 7] = [
        "avdec_h264",
        "avdec_h265",
        "avdec_mpeg1video",
        "avdec_mpeg2video",
        "avdec_mpeg4",
        "avdec_vc1",
        "avdec_wmv3",
    ];
    pipeline.connect_deep_element_added(move |_, _, element| {
        let holds_back = element
            .factory()
            .is_some_and(|f| HOLD_BACK.contains(&f.name().as_str()));
        let is_libav = element
            .factory()
            .is_some_and(|f| f.name().starts_with("avdec_"));
        if is_libav && element.has_property_with_type("max-threads", i32::static_type()) {
            element.set_property("max-threads", threads);
            if !holds_back && element.has_property("thread-type") {
                element.set_property_from_str("thread-type", "slice");
            }
            // What was decoded without its references is grey; the picture before it stays.
            if element.has_property("output-corrupt") {
                element.set_property("output-corrupt", false);
            }
        }
    });
}
