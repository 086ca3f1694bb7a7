//! A `GStreamer` plug-in whose element `x264ladder` encodes all renditions of a video in one go.
//!
//! An encoder spends up to half of its time on looking ahead: which pictures can be predicted from
//! which, and which parts of them others will need. In a ladder that is the same question once per
//! rendition, so here one rendition answers it for all (docs/decisions/0031-one-look-ahead.md).
//!
//! ```text
//! sink ─ pictures, held once at the source's size
//!          └ analysing rendition: scale → x264 with its look-ahead ──────────────────── src_N
//!                └ kinds of pictures, what others need of them, bits
//!                     └ each other rendition: scale → plan bits → x264 without one ──── src_N
//! ```
//!
//! SPDX-License-Identifier: GPL-2.0-or-later

mod analyse;
mod aq;
mod element;
mod fit;
mod ladder;
mod noise;
mod outlet;
mod pad;
mod plan;
mod rung;
mod tree;
mod x264;

use std::sync::LazyLock;

use gstreamer as gst;
use gstreamer::prelude::*;

/// Factory name.
pub const NAME: &str = "x264ladder";

static CATEGORY: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new(
        NAME,
        gst::DebugColorFlags::empty(),
        Some("all renditions with one look-ahead"),
    )
});

/// What can go wrong in an encoder.
#[derive(Debug, thiserror::Error)]
enum Error {
    /// x264 does not know a setting, or refuses it.
    #[error("x264 takes no {0} {1:?}")]
    Setting(&'static str, String),
    /// x264 gave up.
    #[error("{0}")]
    Encode(String),
    /// A picture could not be read or scaled.
    #[error(transparent)]
    Picture(#[from] clipsy_picture::Error),
    /// Somebody downstream refused what was made; they have said why.
    #[error("downstream: {0}")]
    Flow(#[from] gst::FlowError),
}

fn register(plugin: &gst::Plugin) -> Result<(), gst::glib::BoolError> {
    gst::Element::register(
        Some(plugin),
        NAME,
        gst::Rank::NONE,
        element::Ladder::static_type(),
    )
}

mod plugin {
    #![expect(missing_docs, reason = "made by the macro")]
    use super::register;

    gstreamer::plugin_define!(
        clipsyx264ladder,
        env!("CARGO_PKG_DESCRIPTION"),
        register,
        env!("CARGO_PKG_VERSION"),
        "GPL",
        "clipsy-x264-ladder",
        "clipsy",
        "https://example.invalid/clipsy"
    );
}
pub use plugin::plugin_register_static;
