//! Plug-ins that come with this program and are not installed where `GStreamer` looks.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use gstreamer as gst;

/// Why the plug-ins that were looked for are not there, by their file names.
static MISSING: Mutex<BTreeMap<String, String>> = Mutex::new(BTreeMap::new());

/// Loads the plug-in `name`, which is its file's name, from the first of `candidates` that there is. One that
/// does not load is not the end: what it would bring is missing, and whoever asks for it is told why.
/// Call it after [`crate::init`].
pub fn load(name: &str, candidates: &[PathBuf]) {
    let found = candidates.iter().find(|path| path.exists());
    let fault = if let Some(path) = found {
        match gst::Plugin::load_file(path) {
            Ok(_) => return,
            Err(error) => format!("{} does not load: {}", path.display(), error.message()),
        }
    } else {
        let places = candidates.iter().map(|path| path.display().to_string());
        format!("there is no {}", places.collect::<Vec<_>>().join(" or "))
    };
    tracing::debug!(plugin = name, fault, "a plug-in is missing");
    let mut missing = MISSING.lock().unwrap_or_else(PoisonError::into_inner);
    missing.insert(name.to_owned(), fault);
}

/// Why the plug-in in the file `name` is not there.
pub(crate) fn why_missing(name: &str) -> String {
    let missing = MISSING.lock().unwrap_or_else(PoisonError::into_inner);
    let known = missing.get(name).cloned();
    known.unwrap_or_else(|| format!("{name} was not looked for"))
}
