//! Finds out what a file is, without decoding more than its first pictures.

mod colour;
mod facts;
mod headers;
mod stream;
mod timing;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clipsy_domain::failure::{Failure, FailureCode, Stage};
use clipsy_domain::limits::Limits;
use clipsy_domain::media::{Decoding, MediaInfo, VideoStream};
use clipsy_domain::tracks;
use gstreamer as gst;
use gstreamer::prelude::*;

use crate::builder::{audio, gate, graph, source};
use crate::front::Front;
use crate::run::{describe, stop};
use crate::{CancelToken, Error};
use facts::{Facts, Sound};

pub(crate) use facts::is_beyond;

/// How long a probe may take.
const TIME_LIMIT: Duration = Duration::from_secs(20);
/// How long an error may come after the end of a file without pictures and sound.
const LAST_WORDS: gst::ClockTime = gst::ClockTime::from_mseconds(500);

/// Opens `path` and tells what is in it. Streams beyond `limits` are listed but not decoded.
///
/// Fails if the file is no media at all; whether it can be made into renditions is
/// [`check`]'s question.
pub fn probe(path: &Path, limits: &Limits, cancel: &CancelToken) -> Result<MediaInfo, Error> {
    open(path, limits, cancel).map(|(media, _)| media)
}

/// The same, with what was seen in front of the demuxer.
pub(crate) fn open(
    path: &Path,
    limits: &Limits,
    cancel: &CancelToken,
) -> Result<(MediaInfo, Front), Error> {
    let metadata = std::fs::metadata(path).map_err(|source| Error::Source {
        path: path.to_owned(),
        source,
    })?;
    if !metadata.is_file() {
        return Err(refuse(
            FailureCode::UnsupportedContainer,
            "this is not a file",
        ));
    }
    if metadata.len() == 0 {
        return Err(refuse(FailureCode::CorruptInput, "the file is empty"));
    }
    std::fs::File::open(path).map_err(|source| Error::Source {
        path: path.to_owned(),
        source,
    })?;

    if let Some(reason) = Front::broken(path, limits.most_streams()) {
        return Err(refuse(FailureCode::LimitsExceeded, reason));
    }
    let front = Front::look(path);
    let media = read(path, &front, metadata.len(), limits, cancel)?;
    Ok((media, front))
}

fn read(
    path: &Path,
    front: &Front,
    bytes: u64,
    limits: &Limits,
    cancel: &CancelToken,
) -> Result<MediaInfo, Error> {
    let (mut facts, mut duration, mut end) = look(path, front, limits, Sound::Decoded, cancel)?;
    // Sound that no parser makes anything of keeps the pictures from coming out.
    if matches!(&end, End::BrokeOff(reason) if reason.is_of_sound) {
        (facts, duration, end) = look(path, front, limits, Sound::LeftAside, cancel)?;
    }
    let media = facts.media_info(bytes, duration, !matches!(end, End::TooSlow));
    if media.track_count() == 0 {
        if media.encrypted {
            return Err(refuse(
                FailureCode::EncryptedInput,
                "the media are encrypted",
            ));
        }
        return Err(match end {
            End::BrokeOff(reason) => Error::Failure(reason.as_refusal(facts.saw_container())),
            End::Enough | End::TooSlow if facts.saw_container() => refuse(
                FailureCode::NoVideoStream,
                "the file has no video stream (no audio either)",
            ),
            End::Enough | End::TooSlow => refuse(
                FailureCode::UnsupportedContainer,
                "no known format was recognised",
            ),
        });
    }
    if facts.is_picture() {
        return Err(refuse(
            FailureCode::UnsupportedContainer,
            format!("this is a picture ({})", media.video[0].codec),
        ));
    }
    Ok(media)
}

/// Scans `path` once.
fn look(
    path: &Path,
    front: &Front,
    limits: &Limits,
    sound: Sound,
    cancel: &CancelToken,
) -> Result<(Arc<Facts>, Option<gst::ClockTime>, End), Error> {
    let pipeline = gst::Pipeline::with_name("probe");
    graph::set_decoder_threads(&pipeline, 1);
    graph::keep_decoders_apart(&pipeline);
    let facts = Arc::new(Facts::new(&pipeline, limits.clone(), front, sound));
    source::add(&pipeline, path, front, None, limits, &facts)?;
    let outcome = scan(&pipeline, &facts, cancel);
    let duration = pipeline.query_duration::<gst::ClockTime>();
    facts.note_strange_pictures(&pipeline);
    stop(&pipeline);
    Ok((facts, duration, outcome?))
}

/// Whether `media` can be made into renditions: the video stream to use, or why not.
pub fn check<'a>(media: &'a MediaInfo, limits: &Limits) -> Result<&'a VideoStream, Failure> {
    let failure = |code, message: String| Failure::new(code, Stage::Probe, message);
    if let Some(reason) = limits.file_broken_by(media) {
        return Err(failure(FailureCode::LimitsExceeded, reason));
    }
    let clear = |v: &VideoStream| v.decoding == Decoding::Works;
    if media.encrypted && !media.video.iter().any(clear) {
        return Err(failure(
            FailureCode::EncryptedInput,
            "the video is encrypted".into(),
        ));
    }
    let Some(video) = tracks::main_video(media) else {
        let found: Vec<&str> = media.audio.iter().map(|a| a.codec.as_str()).collect();
        let found = if found.is_empty() {
            "no audio either".into()
        } else {
            format!("only audio: {}", found.join(", "))
        };
        return Err(failure(
            FailureCode::NoVideoStream,
            format!("the file has no video stream ({found})"),
        ));
    };
    if video.decoding == Decoding::NoDecoder {
        return Err(failure(
            FailureCode::UnsupportedCodec,
            format!("the video codec {} cannot be decoded here", video.codec),
        ));
    }
    if let Some(reason) = limits.picture_broken_by(video) {
        return Err(failure(FailureCode::LimitsExceeded, reason));
    }
    if video.decoding != Decoding::Works {
        return Err(failure(
            FailureCode::CorruptInput,
            format!(
                "no picture could be decoded from the {} stream",
                video.codec
            ),
        ));
    }
    Ok(video)
}

/// How a scan ended.
enum End {
    /// All that is needed is known, or the file is over.
    Enough,
    /// It took too long.
    TooSlow,
    /// Reading failed.
    BrokeOff(BrokeOff),
}

/// Why a scan ended early.
struct BrokeOff {
    error: gst::glib::Error,
    message: String,
    /// A decoder or parser of sound gave up.
    is_of_sound: bool,
}

impl BrokeOff {
    fn of(error: &gst::message::Error) -> Self {
        Self {
            error: error.error(),
            message: describe(error),
            is_of_sound: error.src().is_some_and(audio::is_part_of_sound),
        }
    }

    fn as_refusal(&self, saw_container: bool) -> Failure {
        let not_media = self.error.matches(gst::StreamError::TypeNotFound)
            || self.error.matches(gst::StreamError::WrongType)
            || (self.error.matches(gst::StreamError::CodecNotFound) && !saw_container);
        if is_encrypted(&self.error) {
            return Failure::new(FailureCode::EncryptedInput, Stage::Probe, &*self.message);
        }
        let code = if not_media && !saw_container {
            FailureCode::UnsupportedContainer
        } else {
            FailureCode::CorruptInput
        };
        let message = match code {
            FailureCode::UnsupportedContainer => {
                format!("this is no known video format ({})", self.message)
            }
            _ => format!("the file cannot be read ({})", self.message),
        };
        Failure::new(code, Stage::Probe, message)
    }
}

/// Runs the pipeline until enough is known.
fn scan(pipeline: &gst::Pipeline, facts: &Facts, cancel: &CancelToken) -> Result<End, Error> {
    let bus = pipeline
        .bus()
        .ok_or_else(|| Error::Internal("the pipeline has no bus".into()))?;
    let started = Instant::now();
    // A failed state change says why on the bus.
    let _ = pipeline.set_state(gst::State::Playing);
    loop {
        if cancel.is_cancelled() {
            return Err(Failure::new(FailureCode::Cancelled, Stage::Probe, "cancelled").into());
        }
        if let Some(message) = bus.timed_pop(gst::ClockTime::from_mseconds(20)) {
            match message.view() {
                gst::MessageView::Eos(_) => {
                    // A demuxer that finds nothing may say so only after it said that all is over.
                    let late = (!facts.has_media())
                        .then(|| bus.timed_pop_filtered(LAST_WORDS, &[gst::MessageType::Error]));
                    return Ok(match late.flatten().as_deref().map(gst::MessageRef::view) {
                        Some(gst::MessageView::Error(error)) => End::BrokeOff(BrokeOff::of(error)),
                        _ => End::Enough,
                    });
                }
                gst::MessageView::Error(error) => {
                    if let Some(reason) = gate::reason(error) {
                        return Err(refuse(FailureCode::LimitsExceeded, reason));
                    }
                    return Ok(End::BrokeOff(BrokeOff::of(error)));
                }
                _ => continue,
            }
        }
        let has_duration = || {
            facts.knows_duration()
                || pipeline
                    .query_duration::<gst::ClockTime>()
                    .is_some_and(|d| !d.is_zero())
        };
        if facts.is_enough() && has_duration() {
            return Ok(End::Enough);
        }
        if started.elapsed() > TIME_LIMIT {
            tracing::warn!("probing took too long, going on with what is known");
            return Ok(End::TooSlow);
        }
    }
}

/// True if an element says that it lacks a key.
pub(crate) fn is_encrypted(error: &gst::glib::Error) -> bool {
    error.matches(gst::StreamError::Decrypt) || error.matches(gst::StreamError::DecryptNokey)
}

fn refuse(code: FailureCode, message: impl Into<String>) -> Error {
    Failure::new(code, Stage::Probe, message).into()
}
