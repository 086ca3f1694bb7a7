//! Builds `GStreamer` pipelines. Nothing outside this module makes elements.
//!
//! The graph of a transcode, part by part:
//!
//! ```text
//! source   filesrc → decodebin ─┬─ video: convert → tone map → deinterlace → rate → flip → keyframes → tee
//!                               └─ audio: convert → mix and time → resample → tail → AAC → tee
//! package  video tee → queue → scale → H.264 encoder → queue ┐
//!          audio tee → queue ────────────────────────────────┴ hlssink2        (once per rung)
//! stills   video tee → queue → only the wanted frames → appsink
//! ```

pub(crate) mod audio;
pub(crate) mod blame;
mod cadence;
pub(crate) mod colour;
mod cut;
mod deinterlace;
mod delay;
mod element;
mod fields;
mod file;
mod gamut;
pub(crate) mod gate;
pub(crate) mod graph;
pub(crate) mod keyframes;
mod layout;
mod mix;
mod order;
pub(crate) mod package;
pub(crate) mod pattern;
pub(crate) mod photo;
mod places;
mod png;
mod rate;
mod recovery;
pub(crate) mod remarks;
pub(crate) mod route;
mod runs;
mod scale;
mod segment;
mod sizes;
mod sound;
mod sound_clock;
pub(crate) mod source;
pub(crate) mod still;
pub(crate) mod stills;
pub(crate) mod tail;
mod tone;
mod tonemap;
pub(crate) mod trial;
pub(crate) mod video;

use crate::Error;

/// Media type of H.263, whose decoders make up a sample aspect.
pub(crate) const H263: &str = "video/x-h263";

/// Registers the elements that this crate brings. Does nothing the second time.
pub(crate) fn register_elements() -> Result<(), Error> {
    use gstreamer::prelude::*;
    let own = [
        (file::NAME, file::PiecedFile::static_type()),
        (rate::NAME, rate::Rate::static_type()),
        (scale::NAME, scale::Scale::static_type()),
        (sound::NAME, sound::Sound::static_type()),
        (tonemap::NAME, tonemap::ToneMapper::static_type()),
        (deinterlace::NAME, deinterlace::Deinterlacer::static_type()),
    ];
    for (name, kind) in own {
        if gstreamer::ElementFactory::find(name).is_none() {
            gstreamer::Element::register(None, name, gstreamer::Rank::NONE, kind)?;
        }
    }
    Ok(())
}
