//! Decodes the video of one segment, and nothing else of it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clipsy_domain::limits::Limits;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;

use super::element::{self, make};
use super::graph::limit_decoder_threads;
use super::source::{self, Kind, Observer, Step, StreamKey};
use crate::Error;
use crate::front::Front;
use crate::probe::is_beyond;

/// What segments hold.
const VIDEO: &str = "video/x-h264";
/// The first video stream; segments have no other.
const WANTED: StreamKey = StreamKey {
    kind: Kind::Video,
    index: 0,
};

/// A pipeline that decodes a segment.
pub(crate) struct Decoding {
    pub(crate) pipeline: gst::Pipeline,
    /// Where its pictures come out, in I420 and in the order in which they are shown.
    pub(crate) pictures: gst_app::AppSink,
    opener: Arc<Opener>,
}

impl Decoding {
    /// True once it is certain that no picture will come.
    pub(crate) fn is_empty(&self) -> bool {
        self.opener.complete.load(Ordering::SeqCst) && !self.opener.linked.load(Ordering::SeqCst)
    }
}

/// Builds the pipeline for the segment at `path`. Pictures beyond `limits` are not decoded.
pub(crate) fn build(path: &Path, limits: &Limits) -> Result<Decoding, Error> {
    let pipeline = gst::Pipeline::with_name("still");
    limit_decoder_threads(&pipeline);
    let convert = make("videoconvert", "still.convert")?;
    let i420 = gst_video::VideoCapsBuilder::new()
        .format(gst_video::VideoFormat::I420)
        .build();
    let pictures = gst_app::AppSink::builder()
        .name("still.sink")
        .sync(false)
        .max_buffers(1)
        .build();
    element::chain(
        pipeline.upcast_ref(),
        &[
            convert.clone(),
            element::capsfilter("still.ready", &i420)?,
            pictures.clone().upcast(),
        ],
    )?;
    let opener = Arc::new(Opener {
        pipeline: pipeline.downgrade(),
        limits: limits.clone(),
        input: element::pad(&convert, "sink")?,
        linked: AtomicBool::new(false),
        complete: AtomicBool::new(false),
    });
    source::add(&pipeline, path, &Front::default(), None, limits, &opener)?;
    Ok(Decoding {
        pipeline,
        pictures,
        opener,
    })
}

/// Lets the video through and sends the rest nowhere.
struct Opener {
    pipeline: gst::glib::WeakRef<gst::Pipeline>,
    limits: Limits,
    input: gst::Pad,
    linked: AtomicBool,
    complete: AtomicBool,
}

impl Observer for Opener {
    fn step(&self, step: &Step<'_>) -> bool {
        let known = step.caps.structure(0).is_some_and(|s| {
            let name = s.name();
            name == VIDEO || name.ends_with("/x-raw")
        });
        step.key == WANTED && known && !is_beyond(&self.limits, step.caps)
    }

    fn exposed(&self, key: Option<StreamKey>, pad: &gst::Pad) {
        let Some(pipeline) = self.pipeline.upgrade() else {
            return;
        };
        let raw = pad
            .current_caps()
            .is_some_and(|c| c.structure(0).is_some_and(|s| s.name() == "video/x-raw"));
        let result = if key == Some(WANTED) && raw && !self.input.is_linked() {
            pad.link(&self.input)
                .map(|_| self.linked.store(true, Ordering::SeqCst))
                .map_err(Error::from)
        } else {
            source::discard(&pipeline, pad)
        };
        if let Err(error) = result {
            tracing::warn!(%error, pad = %pad.name(), "a stream was left hanging");
        }
    }

    fn complete(&self) {
        self.complete.store(true, Ordering::SeqCst);
    }
}
