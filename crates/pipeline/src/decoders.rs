//! What may open and decode a source: a list, as data (`pipelines/decoders.toml`).

use std::collections::BTreeSet;
use std::sync::OnceLock;

use serde::Deserialize;

use crate::Error;

/// Elements that may open and decode a source on the CPU, by their factory names.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decoders {
    /// Of containers, and of tags around a stream.
    pub demuxers: BTreeSet<String>,
    /// Of pictures.
    pub video: BTreeSet<String>,
    /// Of sound.
    pub audio: BTreeSet<String>,
}

/// What holds for this process, once it was set or asked for.
static ALLOWED: OnceLock<Decoders> = OnceLock::new();

impl Decoders {
    /// Reads a list.
    ///
    /// Fails with [`Error::Catalog`] if it is none.
    pub fn parse(text: &str) -> Result<Self, Error> {
        toml::from_str(text).map_err(|error| Error::Catalog(format!("decoders: {error}")))
    }

    /// The list that comes with this crate.
    pub fn built_in() -> Result<Self, Error> {
        Self::parse(include_str!("../../../pipelines/decoders.toml"))
    }

    /// Makes it hold for this process. Nothing else may have been opened before; then this changes
    /// nothing.
    pub fn allow(self) {
        let _ = ALLOWED.set(self);
    }

    /// True if an element that demuxes may be used.
    pub(crate) fn demuxes(name: &str) -> bool {
        Self::allowed().demuxers.contains(name)
    }

    /// True if an element that decodes may be used.
    pub(crate) fn decodes(name: &str) -> bool {
        let allowed = Self::allowed();
        allowed.video.contains(name) || allowed.audio.contains(name)
    }

    fn allowed() -> &'static Self {
        ALLOWED.get_or_init(|| {
            Self::built_in().unwrap_or(Self {
                demuxers: BTreeSet::new(),
                video: BTreeSet::new(),
                audio: BTreeSet::new(),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_has_what_people_use_and_nothing_that_nobody_does() {
        let list = Decoders::built_in().unwrap();
        assert!(list.video.contains("avdec_h264") && list.audio.contains("avdec_aac"));
        assert!(list.demuxers.contains("qtdemux"));
        let risky = [
            "avdec_cinepak",
            "avdec_svq1",
            "avdec_msvideo1",
            "avdec_magicyuv",
            "avdec_flic",
            "rsvgdec",
            "gdkpixbufdec",
            "hlsdemux",
            "dashdemux",
            "sdpdemux",
        ];
        for name in risky {
            assert!(
                !Decoders::decodes(name) && !Decoders::demuxes(name),
                "{name}"
            );
        }
        assert!(Decoders::parse("video = 1").is_err());
        assert!(Decoders::parse("video = []\naudio = []\ndemuxers = []\nmore = []").is_err());
    }
}
