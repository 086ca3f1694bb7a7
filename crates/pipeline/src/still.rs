//! One picture out of a segment.

use std::path::Path;
use std::time::{Duration, Instant};

use clipsy_domain::failure::{Failure, FailureCode, Stage};
use clipsy_domain::limits::Limits;
use gstreamer as gst;
use gstreamer::prelude::*;

use crate::Error;
use crate::builder::still::{self, Decoding};
use crate::builder::{gate, stills};
use crate::run::{describe, stop};

/// Time stamps of segments are rounded to 1/90000 s, their lengths to a microsecond: a picture that
/// starts this little later than asked for is the one that was meant.
const ROUNDING: gst::ClockTime = gst::ClockTime::from_mseconds(1);
/// How long the last picture of a segment may stand. Renditions have ten frames a second or more.
const LAST_PICTURE: gst::ClockTime = gst::ClockTime::from_mseconds(500);

/// The picture that the segment in the file `path` shows `offset_us` microseconds after its start,
/// as JPEG with a longest side of at most 1280 pixels: what a transcode makes as its thumbnail.
///
/// Fails with [`FailureCode::CorruptInput`] if the segment has no video, or ends before that
/// moment, with [`FailureCode::LimitsExceeded`] if its pictures are beyond `limits`, and with
/// [`FailureCode::Stalled`] if it takes longer than `time_limit`.
pub fn still(
    path: &Path,
    offset_us: u64,
    limits: &Limits,
    time_limit: Duration,
) -> Result<Vec<u8>, Error> {
    let decoding = still::build(path, limits)?;
    let sample = find(&decoding, offset_us, time_limit);
    stop(&decoding.pipeline);
    let sample = sample?;
    let (Some(buffer), Some(caps)) = (sample.buffer_owned(), sample.caps_owned()) else {
        return Err(Error::Internal("a picture came without its caps".into()));
    };
    let info = gstreamer_video::VideoInfo::from_caps(&caps)?;
    if let Some(reason) = limits.size_broken_by(info.width(), info.height()) {
        return Err(refuse(FailureCode::LimitsExceeded, reason));
    }
    stills::poster(&buffer, &caps)
}

/// Decodes up to the moment, and gives the last picture that has started by then.
fn find(decoding: &Decoding, offset_us: u64, time_limit: Duration) -> Result<gst::Sample, Error> {
    let bus = decoding
        .pipeline
        .bus()
        .ok_or_else(|| Error::Internal("the pipeline has no bus".into()))?;
    let offset = gst::ClockTime::from_useconds(offset_us) + ROUNDING;
    let started = Instant::now();
    // A failed state change says why on the bus.
    let _ = decoding.pipeline.set_state(gst::State::Playing);
    let mut first = None;
    let mut shown: Option<(gst::Sample, gst::ClockTime)> = None;
    loop {
        let sample = decoding
            .pictures
            .try_pull_sample(gst::ClockTime::from_mseconds(20));
        if let Some(sample) = sample {
            let Some(time) = sample.buffer().and_then(gst::BufferRef::pts) else {
                continue;
            };
            // Segments go on counting where the one before ended.
            let since = time.saturating_sub(*first.get_or_insert(time));
            match shown {
                Some((shown, _)) if since > offset => return Ok(shown),
                _ => shown = Some((sample, since)),
            }
        } else if decoding.pictures.is_eos() || decoding.is_empty() {
            break;
        }
        if let Some(message) = bus.pop_filtered(&[gst::MessageType::Error])
            && let gst::MessageView::Error(error) = message.view()
        {
            if let Some(reason) = gate::reason(error) {
                return Err(refuse(FailureCode::LimitsExceeded, reason));
            }
            let message = format!("the segment cannot be read ({})", describe(error));
            return Err(refuse(FailureCode::CorruptInput, message));
        }
        if started.elapsed() > time_limit {
            let message = format!("it took longer than {} s", time_limit.as_secs());
            return Err(refuse(FailureCode::Stalled, message));
        }
    }
    match shown {
        Some((sample, since)) if since + LAST_PICTURE >= offset => Ok(sample),
        Some(_) => Err(refuse(
            FailureCode::CorruptInput,
            "the segment ends before that moment",
        )),
        None => Err(refuse(
            FailureCode::CorruptInput,
            "the segment shows no picture",
        )),
    }
}

fn refuse(code: FailureCode, message: impl Into<String>) -> Error {
    Failure::new(code, Stage::Transcode, message).into()
}
