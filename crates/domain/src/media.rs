//! What is known about a source file after probing it.

use serde::{Deserialize, Serialize};

use crate::frame_rate::FrameRate;
use crate::speaker::Speaker;

/// Everything the probe found out about a source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MediaInfo {
    /// Container in words, e.g. `"ISO MP4/M4A"`.
    pub container: String,
    /// Size of the file in bytes.
    pub size_bytes: u64,
    /// Duration in seconds; `None` if neither header nor packets have it.
    pub duration_s: Option<f64>,
    /// True if [`Self::duration_s`] was measured from packets because the header had none.
    pub duration_measured: bool,
    /// True if a part of the media is encrypted.
    #[serde(default)]
    pub encrypted: bool,
    /// Moving pictures, in file order.
    pub video: Vec<VideoStream>,
    /// Audio tracks, in file order.
    pub audio: Vec<AudioStream>,
    /// Subtitles, data and anything else, as codec names.
    pub other: Vec<String>,
}

/// One video stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts that do not follow from each other"
)]
pub struct VideoStream {
    /// Position among the video streams of the file, from 0.
    pub index: usize,
    /// Codec in words, e.g. `"H.264 (High Profile)"`.
    pub codec: String,
    /// Media type of the compressed stream as `GStreamer` names it, e.g. `"video/x-h264"`.
    pub media_type: String,
    /// Whether a decoder on this machine delivered a picture.
    pub decoding: Decoding,
    /// True if the container marks this stream as the default.
    pub default: bool,
    /// False if the container disables this stream.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// True if it is a single picture, such as cover art, beside other streams.
    #[serde(default)]
    pub still: bool,
    /// Duration of this stream in the presentation in seconds, if its own tables contain it.
    #[serde(default)]
    pub duration_s: Option<f64>,
    /// Profile of Dolby Vision, if its base layer is for players of Dolby Vision alone.
    #[serde(default)]
    pub dolby_vision: Option<u8>,
    /// Coded width in pixels, before rotation and sample aspect.
    pub width: u32,
    /// Coded height in pixels, before rotation and sample aspect.
    pub height: u32,
    /// How the picture must be turned to be upright.
    pub orientation: Orientation,
    /// Width of one sample divided by its height.
    pub sample_aspect: SampleAspect,
    /// Nominal frame rate; for a variable rate, the most frequent one.
    pub frame_rate: Option<FrameRate>,
    /// True if the distance between frames varies.
    pub variable_frame_rate: bool,
    /// Delay of the second picture in nanoseconds against the constant rate from which all pictures
    /// differ only by jitter; negative if it is early.
    #[serde(default)]
    pub second_late_ns: i64,
    /// True if the pictures are fields or mixed fields and frames.
    pub interlaced: bool,
    /// Bits per component.
    pub bit_depth: u8,
    /// Chroma layout, e.g. `"4:2:0"` or `"RGB"`.
    pub chroma: String,
    /// Colour description as `range:matrix:transfer:primaries` or a well-known name, e.g. `"bt709"`.
    /// Of a stream that can be decoded all four parts are settled.
    pub colorimetry: Option<String>,
    /// High dynamic range transfer function of the source, if any.
    pub hdr: Option<HdrKind>,
    /// ISO 639 language code, if tagged.
    pub language: Option<String>,
    /// Average bit rate in bit/s, if the container has it.
    pub bitrate: Option<u32>,
}

/// One audio track.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AudioStream {
    /// Position among the audio streams of the file, from 0.
    pub index: usize,
    /// Codec in words, e.g. `"MPEG-4 AAC"`.
    pub codec: String,
    /// Whether a decoder on this machine delivered sound.
    pub decoding: Decoding,
    /// True if the container marks this track as the default.
    pub default: bool,
    /// False if the container disables this track.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// True if it is a commentary or a description for those who do not see, not the sound of the video.
    #[serde(default)]
    pub commentary: bool,
    /// Duration of this track in the presentation in seconds, if its own tables contain it.
    #[serde(default)]
    pub duration_s: Option<f64>,
    /// Number of channels.
    pub channels: u32,
    /// Positions of the channels, in decoder order; empty if unknown. A list of a different length
    /// than [`Self::channels`] is ignored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub speakers: Vec<Speaker>,
    /// Samples per second.
    pub sample_rate: u32,
    /// ISO 639 language code, if tagged.
    pub language: Option<String>,
    /// Average bit rate in bit/s, if the container has it.
    pub bitrate: Option<u32>,
}

/// Result of decoding the start of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decoding {
    /// Pictures or sound came out.
    Works,
    /// No decoder for this codec is installed or allowed.
    NoDecoder,
    /// There is a decoder, but it produced no output.
    NoOutput,
    /// Not tried, because the stream exceeds the limits.
    Skipped,
}

/// Transfer function of a high dynamic range source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HdrKind {
    /// SMPTE ST 2084 perceptual quantizer (HDR10, Dolby Vision base layers).
    Pq,
    /// ARIB STD-B67 hybrid log-gamma.
    Hlg,
}

/// The eight ways in which a stored picture can differ from the upright one: it is turned
/// clockwise by `degrees` and, if `mirrored`, flipped left to right first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Orientation {
    /// 0, 90, 180 or 270, clockwise.
    pub degrees: u16,
    /// Flipped left to right before turning.
    pub mirrored: bool,
}

impl Orientation {
    /// True if applying it changes nothing.
    pub fn is_upright(self) -> bool {
        self == Self::default()
    }

    /// True if width and height change places.
    pub fn swaps_sides(self) -> bool {
        self.degrees % 180 == 90
    }
}

/// Width to height of one sample (pixel aspect ratio).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleAspect {
    /// Horizontal share.
    pub num: u32,
    /// Vertical share.
    pub den: u32,
}

impl SampleAspect {
    /// Square samples.
    pub const SQUARE: Self = Self { num: 1, den: 1 };

    /// The aspect `num`:`den` if plausible. More than 16:1 indicates a broken header and is taken
    /// as square.
    pub fn plausible(num: u32, den: u32) -> Self {
        if num == 0 || den == 0 || num.max(den) / num.min(den) > 16 {
            Self::SQUARE
        } else {
            Self { num, den }
        }
    }
}

impl VideoStream {
    /// Width and height in square pixels as a viewer sees them: sample aspect applied to the
    /// width, then turned upright.
    pub fn display_size(&self) -> (u32, u32) {
        let SampleAspect { num, den } = self.sample_aspect;
        let wide =
            (u64::from(self.width) * u64::from(num) + u64::from(den) / 2) / u64::from(den.max(1));
        let wide = u32::try_from(wide).unwrap_or(u32::MAX).max(1);
        if self.orientation.swaps_sides() {
            (self.height, wide)
        } else {
            (wide, self.height)
        }
    }
}

impl MediaInfo {
    /// Streams of every kind.
    pub fn track_count(&self) -> usize {
        self.video.len() + self.audio.len() + self.other.len()
    }
}

fn yes() -> bool {
    true
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn video(width: u32, height: u32) -> VideoStream {
        VideoStream {
            index: 0,
            codec: "H.264".into(),
            media_type: "video/x-h264".into(),
            decoding: Decoding::Works,
            default: false,
            enabled: true,
            still: false,
            duration_s: None,
            dolby_vision: None,
            width,
            height,
            orientation: Orientation::default(),
            sample_aspect: SampleAspect::SQUARE,
            frame_rate: FrameRate::new(25, 1),
            variable_frame_rate: false,
            second_late_ns: 0,
            interlaced: false,
            bit_depth: 8,
            chroma: "4:2:0".into(),
            colorimetry: None,
            hdr: None,
            language: None,
            bitrate: None,
        }
    }

    pub(crate) fn media(streams: Vec<VideoStream>) -> MediaInfo {
        MediaInfo {
            container: "test".into(),
            size_bytes: 1,
            duration_s: Some(10.0),
            duration_measured: false,
            encrypted: false,
            video: streams,
            audio: vec![],
            other: vec![],
        }
    }

    #[test]
    fn display_size_applies_aspect_then_rotation() {
        let mut v = video(720, 576);
        v.sample_aspect = SampleAspect { num: 64, den: 45 };
        assert_eq!(v.display_size(), (1024, 576));
        v.orientation.degrees = 90;
        assert_eq!(v.display_size(), (576, 1024));
    }

    #[test]
    fn absurd_aspects_are_square() {
        for (num, den) in [(255, 1), (1, 255), (0, 1), (1, 0), (17, 1)] {
            assert_eq!(SampleAspect::plausible(num, den), SampleAspect::SQUARE);
        }
        assert_eq!(
            SampleAspect::plausible(64, 45),
            SampleAspect { num: 64, den: 45 }
        );
    }

    #[test]
    fn limits_name_both_numbers() {
        let limits = crate::limits::Limits::default();
        assert_eq!(limits.picture_broken_by(&video(1920, 1080)), None);
        let text = limits.picture_broken_by(&video(8192, 4608)).unwrap();
        assert!(text.contains("37.7") && text.contains("36.0"), "{text}");
        assert!(limits.size_broken_by(17_000, 20).is_some());
        assert!(limits.size_broken_by(200, 8).is_some());
        let mut long = media(vec![video(64, 64)]);
        long.duration_s = Some(50_000.0);
        assert!(limits.file_broken_by(&long).unwrap().contains("50000 s"));
    }
}
