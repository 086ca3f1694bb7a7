//! Damage that elements put in their log and nowhere else.
//!
//! `matroskademux` skips what it cannot read up to the next cluster, and the base class of all
//! decoders goes on behind a picture that could not be decoded. Neither posts a message, and the
//! next buffer need not be marked. Counts are those of the process, which handles one video.

use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};

use gstreamer::{DebugLevel, log};

/// Where such remarks are made, and from which level on.
const CATEGORIES: [(&str, DebugLevel); 3] = [
    ("ebmlread", DebugLevel::Error),
    ("videodecoder", DebugLevel::Warning),
    ("audiodecoder", DebugLevel::Warning),
];

static SKIPPED: AtomicUsize = AtomicUsize::new(0);
static PICTURES: AtomicUsize = AtomicUsize::new(0);
static SOUND: AtomicUsize = AtomicUsize::new(0);

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
        log::add_log_function(|_, level, _, function, _, _, _| count(level, function.as_str()));
    });
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

/// The same of sound.
pub(crate) fn undecoded_sound() -> usize {
    SOUND.load(Ordering::Relaxed)
}
