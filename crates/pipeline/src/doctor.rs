//! Tells which encoders and decoders work on this machine, and why the others do not.

use clipsy_domain::frame_rate::FrameRate;
use clipsy_domain::ladder::{Ladder, Plan, PlannedRung};
use gstreamer as gst;
use serde::Serialize;

use crate::CancelToken;
use crate::catalog::{Catalog, DecoderSpec, EncoderSpec};
use crate::encoder::prove::{Claim, Proof, Prover, Refusal, RefusalKind};
use crate::encoder::{self, Choice, Selection, diagnose};

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
    /// What was seen of each variant of an encoder, in the order in which they are tried.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<VariantFinding>,
    /// Encoding sessions that could be open at once, of hardware that works.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sessions: Option<Sessions>,
}

/// Whether one variant of an encoder works.
#[derive(Debug, Clone, Serialize)]
pub struct VariantFinding {
    /// Factory name of the encoder.
    pub element: String,
    /// True if it works.
    pub works: bool,
    /// The elements that pictures passed, or why it does not work.
    pub reason: String,
}

/// How many sessions were open at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Sessions {
    /// Those that were opened.
    pub opened: u32,
    /// True if there may be more: so many were tried and no more.
    pub more: bool,
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
pub fn examine(catalog: &Catalog, ladder: &Ladder, prover: &dyn Prover) -> Report {
    let encoders = encoder_findings(catalog, ladder, prover);
    let works = |id: &String| encoders.iter().any(|f| f.works && f.id == *id);
    let mut automatic = catalog.automatic().map(|spec| &spec.id);
    let selected = automatic.find(|id| works(id)).cloned();
    let decoders = CODECS
        .iter()
        .map(|&(id, label, caps)| software_decoder(id, label, caps))
        .chain(
            catalog
                .decoders
                .iter()
                .flat_map(|spec| hardware_decoders(catalog, spec, prover)),
        )
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

/// Tries the hardware encoders of the catalog on the card that `prover` sees.
pub fn examine_card(catalog: &Catalog, ladder: &Ladder, prover: &dyn Prover) -> Vec<Finding> {
    let mut hardware = catalog.clone();
    hardware.encoders.retain(|spec| spec.hardware);
    encoder_findings(&hardware, ladder, prover)
}

/// Tries every encoder of the catalog with the whole ladder at 1080p.
fn encoder_findings(catalog: &Catalog, ladder: &Ladder, prover: &dyn Prover) -> Vec<Finding> {
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
        first_segments_s: Vec::new(),
    };
    let selection = Selection {
        catalog,
        choice: &Choice::Auto,
        prover,
        plan: &plan,
        video: &ladder.video,
        from: (width, height),
    };
    let each = catalog.encoders.iter();
    each.map(|spec| encoder_finding(&selection, spec)).collect()
}

fn encoder_finding(selection: &Selection<'_>, spec: &EncoderSpec) -> Finding {
    let cancel = CancelToken::new();
    let (mut tried, mut variants, mut working) = (Vec::new(), Vec::new(), None);
    for (number, variant) in spec.variants.iter().enumerate() {
        let seen = selection.prove(spec, number, &cancel);
        let reason = match &seen {
            Ok(Proof::Works(path)) => path.join(", "),
            Ok(Proof::Sessions { .. }) => String::new(),
            Err(refusal) => refusal.reason.clone(),
        };
        variants.push(VariantFinding {
            element: variant.element.clone(),
            works: seen.is_ok(),
            reason,
        });
        match seen {
            Ok(_) => working = working.or(Some(number)),
            Err(refusal) => tried.push((number, refusal)),
        }
    }
    let refusal = encoder::reasons(spec, &tried);
    let sessions = working.filter(|_| spec.hardware).and_then(|number| {
        let claim = Claim::Sessions {
            encoder: spec.id.clone(),
            variant: number,
            video: selection.video.clone(),
        };
        match selection.prover.prove(selection.catalog, &claim, &cancel) {
            Ok(Proof::Sessions { opened, more }) => Some(Sessions { opened, more }),
            _ => None,
        }
    });
    Finding {
        id: spec.id.clone(),
        label: spec.label.clone(),
        works: working.is_some(),
        reason: match working {
            Some(number) => format!("{} encoded real pictures", spec.variants[number].element),
            None => refusal.reason,
        },
        advice: match working {
            Some(_) => None,
            None => diagnose::advice(&spec.needs, refusal.kind),
        },
        variants,
        sessions,
    }
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
    let advice = found
        .is_none()
        .then(|| "install gstreamer1.0-libav and gstreamer1.0-plugins-good".to_owned());
    let works = found.is_some();
    let reason = found.unwrap_or_else(|| "no decoder is installed".into());
    Finding {
        label: format!("{label} on the CPU"),
        ..Finding::new(id, works, reason, advice)
    }
}

/// One finding for each codec of a hardware decoder, or a single one if nothing of it is installed.
fn hardware_decoders(catalog: &Catalog, spec: &DecoderSpec, prover: &dyn Prover) -> Vec<Finding> {
    let find = |name: &String| gst::ElementFactory::find(name).is_some();
    let all: Vec<String> = spec.elements.values().flatten().cloned().collect();
    if !all.iter().any(find) {
        return vec![Finding {
            label: format!("{} (decoding)", spec.label),
            ..Finding::new(
                &spec.id,
                false,
                diagnose::why_missing(&spec.needs, &all),
                diagnose::advice(&spec.needs, RefusalKind::Missing),
            )
        }];
    }
    let cancel = CancelToken::new();
    let each = spec.elements.keys();
    each.map(|codec| {
        let seen = prove_decoder(prover, catalog, spec, codec, &cancel);
        let (works, reason, advice) = match seen {
            Ok(path) => (true, path.join(", "), None),
            Err(refusal) => {
                let advice = diagnose::advice(&spec.needs, refusal.kind);
                (false, refusal.reason, advice)
            }
        };
        Finding {
            label: format!("{codec} on {}", spec.label),
            ..Finding::new(&format!("{}-{codec}", spec.id), works, reason, advice)
        }
    })
    .collect()
}

/// Proves that `spec` decodes streams of `codec` here; the answer is the element that does.
pub(crate) fn prove_decoder(
    prover: &dyn Prover,
    catalog: &Catalog,
    spec: &DecoderSpec,
    codec: &str,
    cancel: &CancelToken,
) -> Result<Vec<String>, Refusal> {
    let elements = spec.elements.get(codec).map_or(&[][..], Vec::as_slice);
    let find = |name: &String| gst::ElementFactory::find(name).is_some();
    if !elements.iter().any(find) {
        let others = spec.elements.values().flatten().any(find);
        let reason = if others {
            let names = elements.join(" or ");
            format!("GStreamer has no {names} (this GPU does not decode it)")
        } else {
            diagnose::why_missing(&spec.needs, elements)
        };
        return Err(Refusal::new(RefusalKind::Missing, reason));
    }
    let claim = Claim::Decodes {
        decoder: spec.id.clone(),
        codec: codec.to_owned(),
    };
    match prover.prove(catalog, &claim, cancel)? {
        Proof::Works(path) => Ok(path),
        Proof::Sessions { .. } => Ok(Vec::new()),
    }
}

impl Finding {
    /// A finding that is called as it is identified.
    pub fn new(id: &str, works: bool, reason: String, advice: Option<String>) -> Self {
        Self {
            id: id.to_owned(),
            label: id.to_owned(),
            works,
            reason,
            advice,
            variants: Vec::new(),
            sessions: None,
        }
    }
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
    let advice = found
        .is_none()
        .then(|| "install gstreamer1.0-libav".to_owned());
    let reason = found.map_or_else(
        || format!("GStreamer has none of {}", names.join(", ")),
        |name| (*name).to_owned(),
    );
    Finding {
        label: "AAC encoder".into(),
        ..Finding::new("aac-encoder", found.is_some(), reason, advice)
    }
}

fn part(element: &str, package: &str) -> Finding {
    let works = gst::ElementFactory::find(element).is_some();
    let reason = if works { "installed" } else { "not installed" };
    let advice = (!works).then(|| format!("install {package}"));
    Finding::new(element, works, reason.into(), advice)
}
