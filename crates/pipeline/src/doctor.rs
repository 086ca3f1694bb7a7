//! Tells which encoders and decoders work on this machine, and why the others do not.

use clipsy_domain::frame_rate::FrameRate;
use clipsy_domain::ladder::{Ladder, Plan, PlannedRung};
use gstreamer as gst;
use serde::Serialize;

use crate::CancelToken;
use crate::catalog::{Catalog, DecoderSpec};
use crate::encoder::{self, diagnose};

/// What was found.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Version of `GStreamer`.
    pub gstreamer: String,
    /// Every video encoder of the catalog, in order of preference.
    pub encoders: Vec<Finding>,
    /// What `auto` would use; `None` if nothing works.
    pub selected: Option<String>,
    /// Ways to decode each codec: software decoders and those of the catalog.
    pub decoders: Vec<Finding>,
    /// Containers, filters and the like that every job needs.
    pub parts: Vec<Finding>,
}

/// Whether one thing works.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// Stable identifier.
    pub id: String,
    /// Name for people.
    pub label: String,
    /// True if it works.
    pub works: bool,
    /// What was seen: the element in use, or why it does not work.
    pub reason: String,
    /// What to do about it, if it does not work.
    pub advice: Option<String>,
}

/// Codecs that people upload, with the caps that ask for a decoder.
const CODECS: [(&str, &str, &str); 13] = [
    ("h264", "H.264", "video/x-h264"),
    ("h265", "HEVC", "video/x-h265"),
    ("vp8", "VP8", "video/x-vp8,codec-alpha=false"),
    ("vp9", "VP9", "video/x-vp9,codec-alpha=false"),
    ("av1", "AV1", "video/x-av1"),
    (
        "mpeg1",
        "MPEG-1",
        "video/mpeg,mpegversion=1,systemstream=false",
    ),
    (
        "mpeg2",
        "MPEG-2",
        "video/mpeg,mpegversion=2,systemstream=false",
    ),
    (
        "mpeg4",
        "MPEG-4 Part 2",
        "video/mpeg,mpegversion=4,systemstream=false",
    ),
    ("theora", "Theora", "video/x-theora"),
    ("prores", "ProRes", "video/x-prores"),
    ("wmv", "WMV", "video/x-wmv,wmvversion=2"),
    ("h263", "H.263", "video/x-h263,variant=itu"),
    ("aac", "AAC audio", "audio/mpeg,mpegversion=4"),
];

/// Elements without which no job runs, and the packages that bring them.
const PARTS: [(&str, &str); 7] = [
    ("decodebin", "gstreamer1.0-plugins-base"),
    ("videorate", "gstreamer1.0-plugins-base"),
    ("videoflip", "gstreamer1.0-plugins-good"),
    ("jpegenc", "gstreamer1.0-plugins-good"),
    ("h264parse", "gstreamer1.0-plugins-bad"),
    ("mpegtsmux", "gstreamer1.0-plugins-bad"),
    ("hlssink2", "gstreamer1.0-plugins-bad"),
];

/// Tries everything out. Takes some seconds on a machine with a GPU.
pub fn examine(catalog: &Catalog, ladder: &Ladder) -> Report {
    let encoders = encoder_findings(catalog, ladder);
    let selected = encoders.iter().find(|f| f.works).map(|f| f.id.clone());
    let decoders = CODECS
        .iter()
        .map(|&(id, label, caps)| software_decoder(id, label, caps))
        .chain(catalog.decoders.iter().flat_map(hardware_decoders))
        .collect();
    let parts = PARTS
        .iter()
        .map(|&(element, package)| part(element, package));
    let parts = parts.chain([audio_encoder(catalog)]).collect();
    Report {
        gstreamer: gst::version_string().to_string(),
        encoders,
        selected,
        decoders,
        parts,
    }
}

/// Tries every encoder of the catalog with the whole ladder at 1080p.
fn encoder_findings(catalog: &Catalog, ladder: &Ladder) -> Vec<Finding> {
    let (width, height) = (1920u32, 1080u32);
    let mut rungs: Vec<PlannedRung> = ladder
        .rungs
        .iter()
        .map(|r| PlannedRung {
            name: r.name.clone(),
            width: (width * r.short_side / height) & !1,
            height: r.short_side & !1,
            max_kbps: r.max_kbps,
        })
        .collect();
    rungs.sort_by_key(|r| std::cmp::Reverse(r.width));
    let plan = Plan {
        rungs,
        frame_rate: FrameRate::whole(25),
        gop_s: ladder.video.gop_s,
        segment_s: ladder.video.segment_s,
    };
    let each = catalog.encoders.iter();
    each.map(|spec| {
        let (works, reason) = match encoder::prove(spec, &plan, &ladder.video, &CancelToken::new())
        {
            Ok(variant) => (true, format!("{} encoded real pictures", variant.element)),
            Err(reason) => (false, reason),
        };
        let advice = if works {
            None
        } else {
            diagnose::advice(&spec.needs)
        };
        Finding {
            id: spec.id.clone(),
            label: spec.label.clone(),
            works,
            reason,
            advice,
        }
    })
    .collect()
}

fn software_decoder(id: &str, label: &str, caps: &str) -> Finding {
    let found = caps.parse::<gst::Caps>().ok().and_then(|caps| {
        let decoders = gst::ElementFactory::factories_with_type(
            gst::ElementFactoryType::DECODER,
            gst::Rank::MARGINAL,
        );
        decoders
            .iter()
            .filter(|f| f.can_sink_any_caps(&caps))
            .filter(|f| {
                !f.metadata(gst::ELEMENT_METADATA_KLASS)
                    .unwrap_or_default()
                    .contains("Hardware")
            })
            .max_by_key(|f| gst::prelude::PluginFeatureExtManual::rank(*f))
            .map(|f| gst::prelude::GstObjectExt::name(f).to_string())
    });
    Finding {
        id: id.to_owned(),
        label: format!("{label} on the CPU"),
        works: found.is_some(),
        advice: found
            .is_none()
            .then(|| "install gstreamer1.0-libav and gstreamer1.0-plugins-good".to_owned()),
        reason: found.unwrap_or_else(|| "no decoder is installed".into()),
    }
}

/// One finding for each codec of a hardware decoder, or a single one if nothing of it works.
fn hardware_decoders(spec: &DecoderSpec) -> Vec<Finding> {
    if let Some(reason) = decoder_fault(spec) {
        return vec![Finding {
            id: spec.id.clone(),
            label: format!("{} (decoding)", spec.label),
            works: false,
            reason,
            advice: diagnose::advice(&spec.needs),
        }];
    }
    let each = spec.elements.iter();
    each.map(|(codec, elements)| {
        let installed = elements
            .iter()
            .find(|e| gst::ElementFactory::find(e).is_some());
        let works = installed.is_some();
        let reason = match installed {
            Some(element) => element.clone(),
            None => format!(
                "GStreamer has no {} (this GPU does not decode it)",
                elements.join(" or ")
            ),
        };
        Finding {
            id: format!("{}-{codec}", spec.id),
            label: format!("{codec} on {}", spec.label),
            works,
            advice: if works {
                None
            } else {
                diagnose::advice(&spec.needs)
            },
            reason,
        }
    })
    .collect()
}

/// Why nothing can be decoded with `spec`; `None` if something can.
pub(crate) fn decoder_fault(spec: &DecoderSpec) -> Option<String> {
    let find = |name: &String| gst::ElementFactory::find(name).is_some();
    let needed: Vec<String> = spec
        .to_system
        .iter()
        .chain(&spec.download)
        .filter(|e| !find(e))
        .cloned()
        .collect();
    if !needed.is_empty() {
        return Some(diagnose::why_missing(&spec.needs, &needed));
    }
    let any = spec.elements.values().flatten().any(find);
    (!any).then(|| {
        diagnose::why_missing(
            &spec.needs,
            &spec
                .elements
                .values()
                .flatten()
                .cloned()
                .collect::<Vec<_>>(),
        )
    })
}

/// The first AAC encoder of the catalog that is installed.
fn audio_encoder(catalog: &Catalog) -> Finding {
    let names: Vec<&str> = catalog
        .audio_encoders
        .iter()
        .map(|e| e.element.as_str())
        .collect();
    let found = names
        .iter()
        .find(|name| gst::ElementFactory::find(name).is_some());
    Finding {
        id: "aac-encoder".into(),
        label: "AAC encoder".into(),
        works: found.is_some(),
        reason: found.map_or_else(
            || format!("GStreamer has none of {}", names.join(", ")),
            |name| (*name).to_owned(),
        ),
        advice: found
            .is_none()
            .then(|| "install gstreamer1.0-libav".to_owned()),
    }
}

/// Whether `spec` can decode streams of this media type here.
pub(crate) fn decodes(spec: &DecoderSpec, media_type: &str) -> bool {
    let codec = media_type.strip_prefix("video/x-").unwrap_or_default();
    let elements = spec.elements.get(codec);
    let installed = |e: &String| gst::ElementFactory::find(e).is_some();
    decoder_fault(spec).is_none() && elements.is_some_and(|e| e.iter().any(installed))
}

fn part(element: &str, package: &str) -> Finding {
    let works = gst::ElementFactory::find(element).is_some();
    Finding {
        id: element.to_owned(),
        label: element.to_owned(),
        works,
        reason: if works {
            "installed".into()
        } else {
            "not installed".into()
        },
        advice: (!works).then(|| format!("install {package}")),
    }
}
