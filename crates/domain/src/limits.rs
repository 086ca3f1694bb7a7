//! How large, long, fast and complicated a source may be.

use serde::{Deserialize, Serialize};

use crate::media::{MediaInfo, VideoStream};

/// Limits on a source. They bound what a hostile file can cost; every one can be set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Coded picture size in pixels.
    pub max_pixels: u64,
    /// Longest side of the picture in pixels. H.264 encoders end at 16384.
    pub max_side: u32,
    /// Shortest side of the picture in pixels. Encoders need one macroblock.
    pub min_side: u32,
    /// Frames per second.
    pub max_fps: f64,
    /// Streams of any kind.
    pub max_tracks: usize,
    /// Length in seconds.
    pub max_duration_s: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_pixels: 36_000_000,
            max_side: 16_384,
            min_side: 16,
            max_fps: 240.0,
            max_tracks: 16,
            max_duration_s: 12.0 * 3600.0,
        }
    }
}

impl Limits {
    /// The first limit on the file as a whole that `media` breaks, as a sentence that gives both
    /// numbers.
    pub fn file_broken_by(&self, media: &MediaInfo) -> Option<String> {
        let tracks = media.track_count();
        if tracks > self.max_tracks {
            return Some(format!(
                "the file has {tracks} tracks, the limit is {}",
                self.max_tracks
            ));
        }
        let seconds = media.duration_s.filter(|s| *s > self.max_duration_s)?;
        Some(format!(
            "the video is {seconds:.0} s long, the limit is {:.0} s",
            self.max_duration_s
        ))
    }

    /// The first limit on pictures that `video` breaks, as a sentence that gives both numbers.
    pub fn picture_broken_by(&self, video: &VideoStream) -> Option<String> {
        // A size of zero is one that nobody told: then nothing was decoded either.
        let known = video.width > 0 && video.height > 0;
        let size = || self.size_broken_by(video.width, video.height);
        known.then(size).flatten().or_else(|| {
            let fps = video.frame_rate?.as_f64();
            (fps > self.max_fps).then(|| {
                format!(
                    "the video has {fps:.0} frames per second, the limit is {:.0}",
                    self.max_fps
                )
            })
        })
    }

    /// Streams of a file that are looked at. More are counted as what they are: an attack.
    pub fn most_streams(&self) -> usize {
        self.max_tracks.saturating_mul(4).max(64)
    }

    /// True if a picture of this size is above a limit, not below one.
    pub fn is_large(&self, (width, height): (u32, u32)) -> bool {
        let pixels = u64::from(width) * u64::from(height);
        pixels > self.max_pixels || width.max(height) > self.max_side
    }

    /// The size limit that a picture of `width` × `height` breaks, as a sentence.
    pub fn size_broken_by(&self, width: u32, height: u32) -> Option<String> {
        let pixels = u64::from(width) * u64::from(height);
        if pixels > self.max_pixels {
            let megapixels = |p: u64| p as f64 / 1e6;
            Some(format!(
                "the picture is {width}x{height} ({:.1} megapixels), the limit is {:.1} megapixels",
                megapixels(pixels),
                megapixels(self.max_pixels)
            ))
        } else if width.max(height) > self.max_side {
            Some(format!(
                "the picture is {width}x{height}, no side may be longer than {}",
                self.max_side
            ))
        } else if width.min(height) < self.min_side {
            Some(format!(
                "the picture is {width}x{height}, no side may be shorter than {}",
                self.min_side
            ))
        } else {
            None
        }
    }
}
