//! What is seen and mended in front of the demuxers.
//!
//! Some faults of the demuxers of `GStreamer` 1.22 cannot be mended behind them: they leave out
//! tracks, end streams early or give no times. They read a mended file then, which is laid out
//! here as pieces (see [`crate::builder::file`]); the file itself stays as it is.
//!
//! docs/MENDS.md lists every mend, with the version of `GStreamer` that no longer needs it.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use clipsy_domain::media::Orientation;
use clipsy_domain::speaker::Speaker;
use gstreamer as gst;

mod bounds;
mod boxes;
mod chan;
mod edits;
mod flv;
mod fragments;
mod joined;
mod jumps;
mod matroska;
mod movie;
mod pcm;
mod programs;
mod size;
mod tables;
mod ts;
mod turned;

pub(crate) use jumps::Jumps;
pub(crate) use pcm::Pcm;
pub(crate) use ts::Reclocked;

/// Most that is read of a file's headers. Tables of twelve hours at 60 frames a second have half of it.
const MOST_HEADER_BYTES: u64 = 64 * 1024 * 1024;

/// What the headers of a file say, and how it is shown to the demuxer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Front {
    /// The file as the demuxer is to see it; `None` if nothing needs mending.
    pub(crate) pieces: Option<Arc<[Piece]>>,
    /// Tracks of an MP4, MOV or Matroska file by their number, streams of a transport stream by their PID.
    pub(crate) tracks: HashMap<u32, Track>,
    /// How the demuxer writes those numbers.
    pub(crate) numbers: Numbers,
    /// Length of the presentation in seconds, where the headers' own tables tell it.
    pub(crate) duration_s: Option<f64>,
    /// An edit list plays a part at another rate.
    pub(crate) edited_rate: bool,
    /// Length in seconds that the header of a file announces whose demuxer measures what is left.
    pub(crate) duration_cut_s: Option<f64>,
    /// Whether all bytes that the headers announce are there.
    pub(crate) complete: Option<bool>,
    /// The transport stream is scrambled.
    pub(crate) scrambled: bool,
}

/// How demuxers write the number of a track into the identifier of its stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Numbers {
    #[default]
    Decimal,
    Hexadecimal,
}

/// What the headers say about one track.
#[derive(Debug, Clone, Default)]
pub(crate) struct Track {
    /// Samples that the track's tables list; 0 if they lie in fragments.
    pub(crate) samples: u64,
    /// Length of the track's part of the presentation in seconds.
    pub(crate) duration_s: Option<f64>,
    /// The media are encrypted.
    pub(crate) encrypted: bool,
    /// The track is switched off, which only Matroska says here.
    pub(crate) disabled: bool,
    /// Somebody comments on the picture in it, or describes it to those who do not see it.
    pub(crate) commentary: bool,
    /// Dolby Vision: profile and compatibility of the base layer.
    pub(crate) dolby_vision: Option<(u8, u8)>,
    /// How long what the encoder put in front of the sound is, where the demuxer does not take it off.
    pub(crate) delay: Option<gst::ClockTime>,
    /// How pictures must be turned, where the file says.
    pub(crate) orientation: Option<Orientation>,
    /// Range of the colours.
    pub(crate) range: Range,
    /// Primaries, transfer and matrix by their numbers, where an MP4 or MOV file tells them.
    pub(crate) colour: Option<[u16; 3]>,
    /// How uncompressed sound is stored.
    pub(crate) pcm: Option<Pcm>,
    /// Where its channels belong, in stored order; empty if nothing says.
    pub(crate) speakers: Vec<Speaker>,
}

/// Whose word on the range of colours holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Range {
    /// What the demuxer says.
    #[default]
    Demuxed,
    /// What the file says: full, limited, or nothing.
    Told(Option<bool>),
}

/// Profile and compatibility in a configuration record of Dolby Vision ("Dolby Vision Streams Within
/// the ISO Base Media File Format", 2.2).
fn dolby_vision(record: &[u8]) -> Option<(u8, u8)> {
    Some((record.get(2)? >> 1, record.get(4)? >> 4))
}

/// A part of what the demuxer sees.
#[derive(Debug, Clone)]
pub(crate) enum Piece {
    /// Bytes that are not in the file.
    Made(Arc<[u8]>),
    /// A part of the file.
    File { start: u64, len: u64 },
    /// A transport stream with other clock references.
    Clock(Box<Reclocked>),
    /// A transport stream whose clock goes on where its own jumps.
    Jumps(Arc<Jumps>),
}

impl Piece {
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Made(bytes) => bytes.len() as u64,
            Self::File { len, .. } => *len,
            Self::Clock(stream) => stream.len(),
            Self::Jumps(stream) => stream.len(),
        }
    }
}

impl Front {
    /// The number of the track whose stream has this identifier: `…/002` of `qtdemux`, `…/002:uid` of
    /// `matroskademux`, `…/00000100` of `tsdemux`.
    pub(crate) fn number(&self, stream_id: &str) -> Option<u32> {
        let last = stream_id.rsplit('/').next()?;
        let radix = match self.numbers {
            Numbers::Decimal => 10,
            Numbers::Hexadecimal => 16,
        };
        u32::from_str_radix(last.split(':').next()?, radix).ok()
    }

    /// Why the file is not opened at all, if it has more than `most` tracks or too large headers.
    pub(crate) fn broken(path: &Path, most: usize) -> Option<String> {
        let file = File::open(path).ok()?;
        let bytes = file.metadata().ok()?.len();
        bounds::broken(&Source { file, bytes }, most)
    }

    /// Looks at the headers of `path`. What cannot be read or understood is left to the demuxer.
    pub(crate) fn look(path: &Path) -> Self {
        let Ok(file) = File::open(path) else {
            return Self::default();
        };
        let Some(bytes) = file.metadata().ok().map(|m| m.len()) else {
            return Self::default();
        };
        let source = Source { file, bytes };
        movie::look(&source)
            .or_else(|| ts::look(&source))
            .unwrap_or_else(|| Self {
                tracks: matroska::look(&source).unwrap_or_default(),
                pieces: flv::look(&source).map(Into::into),
                complete: size::is_complete(&source),
                duration_cut_s: size::announced_s(&source),
                ..Self::default()
            })
    }
}

/// A file that is read at any place.
struct Source {
    file: File,
    bytes: u64,
}

impl Source {
    /// `len` bytes at `start`, or `None` if the file ends before.
    fn read(&self, start: u64, len: u64) -> Option<Vec<u8>> {
        if len > MOST_HEADER_BYTES || start.checked_add(len)? > self.bytes {
            return None;
        }
        let mut bytes = vec![0; usize::try_from(len).ok()?];
        self.file.read_exact_at(&mut bytes, start).ok()?;
        Some(bytes)
    }
}
