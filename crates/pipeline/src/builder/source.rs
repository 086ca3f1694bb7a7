//! Opens a file and plugs demuxers, parsers and decoders.
//!
//! `decodebin` does the plugging under a policy of ours: only parsers may be plugged, and the demuxers
//! and decoders of a list (`pipelines/decoders.toml`). Nothing on it would open another file or
//! address, as playlist and streaming demuxers do; decoders of cards are used when they were asked for.

use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_pbutils as pbutils;

use clipsy_domain::limits::Limits;

use super::gate::Gate;
use super::{colour, element, file, places, png, recovery};
use crate::Error;
use crate::catalog::DecoderSpec;
use crate::decoders::Decoders;
use crate::front::Front;

/// What a stream holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Video,
    Audio,
    Other,
}

/// A stream by its kind and its position among the streams of that kind.
///
/// Positions are given in the order in which the demuxer announces its streams, which is the
/// same every time the same file is opened, so the probe's numbers hold for the transcode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct StreamKey {
    pub(crate) kind: Kind,
    pub(crate) index: usize,
}

/// A pad on the way of one stream from the demuxer to the decoder.
pub(crate) struct Step<'a> {
    pub(crate) key: StreamKey,
    pub(crate) pad: &'a gst::Pad,
    pub(crate) caps: &'a gst::Caps,
}

/// What the opener of a file wants to know and decide.
pub(crate) trait Observer: Send + Sync + 'static {
    /// The outermost format was recognised.
    fn container(&self, _caps: &gst::Caps) {}
    /// A stream reached `step`; the answer says whether it should be decoded further.
    fn step(&self, step: &Step<'_>) -> bool;
    /// Nothing that is installed and allowed can take this stream any further.
    fn unknown(&self, _step: &Step<'_>) {}
    /// A stream comes out: decoded, or undecoded if [`Self::step`] said no.
    fn exposed(&self, key: Option<StreamKey>, pad: &gst::Pad);
    /// All streams have come out.
    fn complete(&self) {}
}

/// Adds a source of the file and `decodebin` to `pipeline`. What is beyond `limits` ends it with an
/// error of [`super::gate`].
pub(crate) fn add(
    pipeline: &gst::Pipeline,
    path: &Path,
    front: &Front,
    hardware: Option<&DecoderSpec>,
    limits: &Limits,
    observer: &Arc<impl Observer>,
) -> Result<(), Error> {
    let decode = element::make("decodebin", "decode")?;
    let gate = Gate::new(pipeline, limits);
    let watches = gate.clone();
    decode.connect("element-added", false, move |args| {
        if let Some(Ok(element)) = args.get(1).map(gst::glib::Value::get::<gst::Element>) {
            watches.watch(&element);
            png::mend(&element);
            recovery::mend(&element);
            places::mend(&element);
        }
        None
    });
    let source = open(path, front)?;
    element::chain(pipeline.upcast_ref(), &[source, decode.clone()])?;

    let preferred: Vec<String> = hardware
        .iter()
        .flat_map(|h| h.elements.values().flatten().cloned())
        .collect();
    // The enum that this signal answers with is not part of the bindings.
    let choice = gst::glib::Type::from_name("GstAutoplugSelectResult")
        .and_then(gst::glib::EnumClass::with_type)
        .ok_or_else(|| Error::Internal("decodebin has no GstAutoplugSelectResult".into()))?;
    decode.connect("autoplug-select", false, move |args| {
        let caps = args.get(2)?.get::<gst::Caps>().ok()?;
        let factory = args.get(3)?.get::<gst::ElementFactory>().ok()?;
        choice.to_value_by_nick(if may_plug(&factory, &caps, &preferred) {
            "try"
        } else {
            "skip"
        })
    });

    let streams = Arc::new(Streams::default());
    let (known, watcher) = (Arc::clone(&streams), Arc::clone(observer));
    decode.connect("autoplug-continue", false, move |args| {
        let pad = target(args.get(1)?.get::<gst::Pad>().ok()?);
        let caps = args.get(2)?.get::<gst::Caps>().ok()?;
        let Some(kind) = kind_of(&caps) else {
            watcher.container(&caps);
            return Some(true.to_value());
        };
        if kind == Kind::Video && is_demuxed(&pad) {
            colour::let_the_bitstream_speak(&pad);
        }
        if !gate.lets_in(known.others(&pad)) {
            return Some(false.to_value());
        }
        let key = known.key(&pad, kind);
        Some(
            watcher
                .step(&Step {
                    key,
                    pad: &pad,
                    caps: &caps,
                })
                .to_value(),
        )
    });
    let (known, watcher) = (Arc::clone(&streams), Arc::clone(observer));
    decode.connect("unknown-type", false, move |args| {
        let pad = target(args.get(1)?.get::<gst::Pad>().ok()?);
        let caps = args.get(2)?.get::<gst::Caps>().ok()?;
        let key = known.key(&pad, kind_of(&caps).unwrap_or(Kind::Other));
        watcher.unknown(&Step {
            key,
            pad: &pad,
            caps: &caps,
        });
        None
    });
    let (known, watcher) = (streams, Arc::clone(observer));
    decode.connect_pad_added(move |_, pad| watcher.exposed(known.find(pad), pad));
    let watcher = Arc::clone(observer);
    decode.connect_no_more_pads(move |_| watcher.complete());
    Ok(())
}

/// What reads the file, mended where `front` says so.
fn open(path: &Path, front: &Front) -> Result<gst::Element, Error> {
    let Some(pieces) = &front.pieces else {
        let source = element::make("filesrc", "source")?;
        source.set_property("location", path);
        return Ok(source);
    };
    let content = File::open(path).map_err(|source| Error::Source {
        path: path.to_owned(),
        source,
    })?;
    let source = element::make(file::NAME, "source")?;
    source
        .downcast_ref::<file::PiecedFile>()
        .ok_or_else(|| Error::Internal("the file element is not ours".into()))?
        .configure(content, pieces.clone());
    Ok(source)
}

/// `decodebin` shows a ghost pad that data will not pass; behind it is the element's own pad.
fn target(pad: gst::Pad) -> gst::Pad {
    let inner = pad
        .downcast_ref::<gst::GhostPad>()
        .and_then(gstreamer::prelude::GhostPadExt::target);
    inner.unwrap_or(pad)
}

/// True if `pad` is a demuxer's and not one of a parser or decoder.
fn is_demuxed(pad: &gst::Pad) -> bool {
    pad.parent_element()
        .and_then(|element| element.factory())
        .and_then(|factory| {
            factory
                .metadata(gst::ELEMENT_METADATA_KLASS)
                .map(String::from)
        })
        .is_some_and(|class| class.contains("Demux"))
}

/// Sends a stream that nobody wants to nowhere.
pub(crate) fn discard(pipeline: &gst::Pipeline, pad: &gst::Pad) -> Result<(), Error> {
    let sink = element::make("fakesink", &format!("discard-{}", pad.name()))?;
    sink.set_property("sync", false);
    sink.set_property("async", false);
    pipeline.add(&sink)?;
    pad.link(&element::pad(&sink, "sink")?)?;
    sink.sync_state_with_parent()?;
    Ok(())
}

/// What a stream with these caps holds; `None` for containers and tags around streams.
pub(crate) fn kind_of(caps: &gst::Caps) -> Option<Kind> {
    use pbutils::PbUtilsCapsDescriptionFlags as Flags;
    let name = caps.structure(0)?.name().as_str();
    let flags = pbutils::pb_utils_get_caps_description_flags(caps);
    if flags.intersects(Flags::CONTAINER | Flags::TAG) {
        None
    } else if flags.intersects(Flags::VIDEO | Flags::IMAGE)
        || name.starts_with("video/")
        || name.starts_with("image/")
    {
        Some(Kind::Video)
    } else if flags.contains(Flags::AUDIO) || name.starts_with("audio/") {
        Some(Kind::Audio)
    } else {
        Some(Kind::Other)
    }
}

/// Which stream a pad belongs to, by stream id.
#[derive(Default)]
struct Streams(Mutex<Vec<(String, StreamKey)>>);

impl Streams {
    fn key(&self, pad: &gst::Pad, kind: Kind) -> StreamKey {
        let id = stream_id(pad);
        let Ok(mut known) = self.0.lock() else {
            return StreamKey { kind, index: 0 };
        };
        if let Some((_, key)) = known.iter().find(|(other, _)| *other == id) {
            return *key;
        }
        let key = StreamKey {
            kind,
            index: known.iter().filter(|(_, k)| k.kind == kind).count(),
        };
        known.push((id, key));
        key
    }

    /// How many streams are known besides that of `pad`.
    fn others(&self, pad: &gst::Pad) -> usize {
        let id = stream_id(pad);
        let known = self.0.lock();
        known.map_or(0, |known| {
            known.iter().filter(|(other, _)| *other != id).count()
        })
    }

    fn find(&self, pad: &gst::Pad) -> Option<StreamKey> {
        let id = stream_id(pad);
        let known = self.0.lock().ok()?;
        known
            .iter()
            .find(|(other, _)| *other == id)
            .map(|(_, key)| *key)
    }
}

fn stream_id(pad: &gst::Pad) -> String {
    // An element may be plugged before anything has flowed into it: then ask further up.
    let mut at = Some(pad.clone());
    while let Some(current) = at {
        if let Some(id) = current.stream_id() {
            return id.to_string();
        }
        let upstream = || current.parent_element()?.static_pad("sink")?.peer();
        at = upstream().map(target);
    }
    // A pad without a stream's start is the only one of its demuxer.
    "only".to_owned()
}

/// Whether `decodebin` may plug this: parsers, and what is on the list. Nothing else would be safe:
/// there are demuxers that open what their input names, and decoders that nobody looks after.
fn may_plug(factory: &gst::ElementFactory, caps: &gst::Caps, preferred: &[String]) -> bool {
    let name = factory.name();
    let class = factory
        .metadata(gst::ELEMENT_METADATA_KLASS)
        .unwrap_or_default();
    let has = |word: &str| class.split('/').any(|part| part == word);
    if has("Demuxer") || has("Demux") {
        return Decoders::demuxes(&name);
    }
    if !has("Decoder") {
        return has("Parser");
    }
    if preferred.iter().any(|p| *p == name) {
        return true;
    }
    let beaten = preferred
        .iter()
        .filter_map(|p| gst::ElementFactory::find(p))
        .any(|better| better.can_sink_any_caps(caps));
    Decoders::decodes(&name) && !beaten
}
