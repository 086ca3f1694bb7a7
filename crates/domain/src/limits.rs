//! Limits on the size, duration, rate and complexity of a source.

use serde::{Deserialize, Serialize};

use crate::media::{MediaInfo, VideoStream};

/// Limits on a source. They bound the cost of a hostile file; each can be configured.
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
    /// Minimum bytes of the file per second of output, beyond the first [`SPARSE_S`]. Even a slide
    /// show of small pictures, or a still with audio, has fifty times as many.
    pub min_bytes_per_s: f64,
}

/// Seconds of output allowed for any file, however small.
pub const SPARSE_S: f64 = 600.0;

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_pixels: 36_000_000,
            max_side: 16_384,
            min_side: 16,
            max_fps: 240.0,
            max_tracks: 16,
            max_duration_s: 12.0 * 3600.0,
            min_bytes_per_s: 50.0,
        }
    }
}

impl Limits {
    /// The first limit on the whole file that `media` exceeds, as a sentence with both numbers.
    pub fn file_broken_by(&self, media: &MediaInfo) -> Option<String> {
        let tracks = media.track_count();
        if tracks > self.max_tracks {
            return Some(format!(
                "the file has {tracks} tracks, the limit is {}",
                self.max_tracks
            ));
        }
        let limit = self.duration_limit_s(media.size_bytes);
        let seconds = media.duration_s.filter(|s| *s > limit)?;
        Some(if seconds > self.max_duration_s {
            format!(
                "the video is {seconds:.0} s long, the limit is {:.0} s",
                self.max_duration_s
            )
        } else {
            format!(
                "the video is {seconds:.0} s long, but of a file of {} bytes at most {limit:.0} s are made",
                media.size_bytes
            )
        })
    }

    /// Seconds of output allowed for a file of that many bytes: the work is bounded by the input.
    pub fn duration_limit_s(&self, bytes: u64) -> f64 {
        let filled = SPARSE_S + bytes as f64 / self.min_bytes_per_s.max(f64::MIN_POSITIVE);
        self.max_duration_s.min(filled)
    }

    /// The first limit on pictures that `video` exceeds, as a sentence with both numbers.
    pub fn picture_broken_by(&self, video: &VideoStream) -> Option<String> {
        // A size of zero is unknown: then nothing was decoded either.
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

    /// Maximum number of streams examined in a file. More are treated as an attack.
    pub fn most_streams(&self) -> usize {
        self.max_tracks.saturating_mul(4).max(64)
    }

    /// True if a picture of this size is above a limit, not below one.
    pub fn is_large(&self, (width, height): (u32, u32)) -> bool {
        let pixels = u64::from(width) * u64::from(height);
        pixels > self.max_pixels || width.max(height) > self.max_side
    }

    /// The size limit that a picture of `width` × `height` exceeds, as a sentence.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_in_a_file_makes_little_work() {
        let limits = Limits::default();
        let near = |found: f64, expected: f64| assert!((found - expected).abs() < 1.0, "{found}");
        near(limits.duration_limit_s(7_640), 752.8);
        near(limits.duration_limit_s(0), SPARSE_S);
        // An hour of slides of 20 kB, one a minute.
        assert!(limits.duration_limit_s(60 * 20_000) > 3600.0);
        near(limits.duration_limit_s(u64::MAX), limits.max_duration_s);
    }
}
