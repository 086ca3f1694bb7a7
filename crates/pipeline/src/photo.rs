//! A picture of somebody's own, made into a poster.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::time::{Duration, Instant};

use clipsy_domain::photo::{MOST_BYTES, PhotoError, check};
use gstreamer as gst;
use gstreamer::prelude::*;

use crate::builder::photo::{self, Decoding};
use crate::builder::stills;
use crate::run::{describe, stop};

/// The picture in the file `path` as JPEG with a longest side of at most 1280 pixels, upright. Transparent
/// parts are as the file has them below.
///
/// Its header is looked at before anything is decoded. [`PhotoError::Damaged`] also stands for one that takes
/// longer than `time_limit`, and for a decoder that is not installed; the log says which.
pub fn photo(path: &Path, time_limit: Duration) -> Result<Vec<u8>, PhotoError> {
    let mut bytes = Vec::new();
    let read = File::open(path)
        .and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes))
        .map_err(broken)?;
    if read as u64 > MOST_BYTES {
        return Err(PhotoError::Size);
    }
    let kind = check(&bytes)?;
    let decoding = photo::build(bytes, kind).map_err(broken)?;
    let sample = first(&decoding, time_limit);
    stop(&decoding.pipeline);
    let sample = sample.map_err(broken)?;
    let (Some(buffer), Some(caps)) = (sample.buffer_owned(), sample.caps_owned()) else {
        return Err(broken("a picture came without its caps"));
    };
    stills::poster(&buffer, &caps).map_err(broken)
}

/// The first picture that comes out.
fn first(decoding: &Decoding, time_limit: Duration) -> Result<gst::Sample, String> {
    let bus = decoding.pipeline.bus().ok_or("the pipeline has no bus")?;
    let started = Instant::now();
    // A failed state change says why on the bus.
    let _ = decoding.pipeline.set_state(gst::State::Playing);
    loop {
        let turn = gst::ClockTime::from_mseconds(20);
        if let Some(sample) = decoding.picture.try_pull_sample(turn) {
            return Ok(sample);
        }
        if let Some(message) = bus.pop_filtered(&[gst::MessageType::Error])
            && let gst::MessageView::Error(error) = message.view()
        {
            return Err(describe(error));
        }
        if decoding.picture.is_eos() {
            return Err("no picture came out".into());
        }
        if started.elapsed() > time_limit {
            return Err(format!("it took longer than {} s", time_limit.as_secs()));
        }
    }
}

fn broken(reason: impl std::fmt::Display) -> PhotoError {
    tracing::warn!(%reason, "a picture could not be read");
    PhotoError::Damaged
}
