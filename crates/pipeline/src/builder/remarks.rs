//! Damage that elements put in their log and nowhere else.
//!
//! `matroskademux` skips what it cannot read up to the next cluster, and the base class of all
//! decoders goes on behind a picture that could not be decoded. Neither posts a message, and the
//! next buffer need not be marked. Counts are those of the process, which handles one video.
//! Decoders also say there only that `GStreamer` has no format for their pictures.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, Once, PoisonError};

use gstreamer::{DebugLevel, log};

/// Where such remarks are made, and from which level on.
const CATEGORIES: [(&str, DebugLevel); 5] = [
    ("ebmlread", DebugLevel::Error),
    ("videodecoder", DebugLevel::Warning),
    ("audiodecoder", DebugLevel::Warning),
    ("libav", DebugLevel::Error),
    ("vp9dec", DebugLevel::Warning),
];

static SKIPPED: AtomicUsize = AtomicUsize::new(0);
static PICTURES: AtomicUsize = AtomicUsize::new(0);
static SOUND: AtomicUsize = AtomicUsize::new(0);
/// Names of decoders whose pictures have a format that `GStreamer` does not know.
static STRANGE: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Has remarks counted from now on. `GStreamer` must have been started.
pub(crate) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Whoever asks for the log still gets it on standard error; nobody else wants these lines.
        if std::env::var_os("GST_DEBUG").is_none() {
            log::remove_default_log_function();
        }
        for (name, level) in CATEGORIES {
            log::set_threshold_for_name(name, level);
        }
        log::add_log_function(|_, level, _, function, _, object, message| {
            let function = function.as_str();
            let is_strange = match function {
                "gst_ffmpegviddec_negotiate" => message
                    .get()
                    .is_some_and(|text| text.contains("unsupported by GStreamer")),
                // It warns of nothing else.
                "gst_vp9_dec_get_valid_format" => level == DebugLevel::Warning,
                _ => false,
            };
            if is_strange && let Some(decoder) = object {
                let name = decoder.to_string();
                let mut strange = STRANGE.lock().unwrap_or_else(PoisonError::into_inner);
                strange.insert(name.trim_matches(['<', '>']).to_owned());
            }
            count(level, function);
        });
    });
}

/// Whether the decoder of this name said that `GStreamer` has no format for its pictures.
pub(crate) fn is_strange(decoder: &str) -> bool {
    let strange = STRANGE.lock().unwrap_or_else(PoisonError::into_inner);
    strange.contains(decoder)
}

fn count(level: DebugLevel, function: &str) {
    let counter = match function {
        "gst_ebml_peek_id_length" if level == DebugLevel::Error => &SKIPPED,
        "_gst_video_decoder_error" => &PICTURES,
        "_gst_audio_decoder_error" => &SOUND,
        _ => return,
    };
    counter.fetch_add(1, Ordering::Relaxed);
}

/// How often a demuxer found no element of Matroska where one has to be.
pub(crate) fn skipped() -> usize {
    SKIPPED.load(Ordering::Relaxed)
}

/// How often a decoder of pictures said that it could not decode a packet.
pub(crate) fn undecoded_pictures() -> usize {
    PICTURES.load(Ordering::Relaxed)
}

/// Forgets what decoders of pictures said since there were `before` such remarks.
pub(super) fn forgive(before: usize) {
    PICTURES.fetch_min(before, Ordering::Relaxed);
}

/// As [`undecoded_pictures`], of sound.
pub(crate) fn undecoded_sound() -> usize {
    SOUND.load(Ordering::Relaxed)
}
