//! Which streams of a source are published, and why the others are not.

use serde::{Deserialize, Serialize};

use crate::media::{AudioStream, Decoding, MediaInfo, VideoStream};

/// The streams that are published, and those that are not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tracks {
    /// The picture, if there is one.
    pub video: Option<Track>,
    /// The audio stream, if one can be decoded.
    pub audio: Option<Track>,
    /// Unused streams in file order, video first.
    pub left: Vec<LeftAside>,
}

/// One stream of a source, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Track {
    /// What it holds.
    pub kind: TrackKind,
    /// Position among the streams of its kind, from 0.
    pub index: usize,
    /// Codec in words.
    pub codec: String,
    /// ISO 639 language code, if tagged.
    pub language: Option<String>,
}

/// A stream that is not published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftAside {
    /// Which one.
    #[serde(flatten)]
    pub track: Track,
    /// Why it is not used.
    pub reason: LeftReason,
}

/// What a track holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrackKind {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
}

/// Why a stream is not used; the first reason that applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeftReason {
    /// No decoder for its codec is installed or allowed.
    NoDecoder,
    /// There is a decoder, but it produced no output.
    NoOutput,
    /// It is beyond a limit on sources.
    BeyondLimits,
    /// The container switches it off.
    Disabled,
    /// It is one single picture, such as a cover.
    SinglePicture,
    /// It is a commentary.
    Commentary,
    /// The container marks another stream as the default.
    NotDefault,
    /// Another one has a larger picture.
    Smaller,
    /// Another one comes first.
    Later,
}

impl Tracks {
    /// Chooses among the streams of `media`, in this order of preference: decodable, moving (cover
    /// art is never the video), enabled, not a commentary, marked as the default, larger, first.
    pub fn choose(media: &MediaInfo) -> Self {
        let video = main_video(media);
        let audio = main_audio(media);
        let pictures = media
            .video
            .iter()
            .filter(|v| video.is_none_or(|chosen| chosen.index != v.index))
            .map(|v| LeftAside {
                track: video_track(v),
                reason: why_not_video(v, video),
            });
        let sounds = media
            .audio
            .iter()
            .filter(|a| audio.is_none_or(|chosen| chosen.index != a.index))
            .map(|a| LeftAside {
                track: audio_track(a),
                reason: why_not_audio(a, audio),
            });
        Self {
            video: video.map(video_track),
            audio: audio.map(audio_track),
            left: pictures.chain(sounds).collect(),
        }
    }
}

/// The video stream that is published. An undecodable one is returned only if there is no other, so
/// that the error can name it.
pub fn main_video(media: &MediaInfo) -> Option<&VideoStream> {
    media.video.iter().max_by_key(|v| {
        (
            v.decoding == Decoding::Works,
            !v.still,
            v.enabled,
            v.default,
            area(v),
            std::cmp::Reverse(v.index),
        )
    })
}

/// The audio track that is published.
pub fn main_audio(media: &MediaInfo) -> Option<&AudioStream> {
    let usable = media.audio.iter().filter(|a| a.decoding == Decoding::Works);
    usable.max_by_key(|a| {
        (
            a.enabled,
            !a.commentary,
            a.default,
            std::cmp::Reverse(a.index),
        )
    })
}

fn area(video: &VideoStream) -> u64 {
    u64::from(video.width) * u64::from(video.height)
}

fn unusable(decoding: Decoding) -> Option<LeftReason> {
    match decoding {
        Decoding::Works => None,
        Decoding::NoDecoder => Some(LeftReason::NoDecoder),
        Decoding::NoOutput => Some(LeftReason::NoOutput),
        Decoding::Skipped => Some(LeftReason::BeyondLimits),
    }
}

fn why_not_video(left: &VideoStream, chosen: Option<&VideoStream>) -> LeftReason {
    let than = |better: &dyn Fn(&VideoStream) -> bool| chosen.is_some_and(better);
    unusable(left.decoding).unwrap_or_else(|| {
        if !left.enabled && than(&|c| c.enabled) {
            LeftReason::Disabled
        } else if left.still && than(&|c| !c.still) {
            LeftReason::SinglePicture
        } else if than(&|c| c.default && !left.default) {
            LeftReason::NotDefault
        } else if than(&|c| area(c) > area(left)) {
            LeftReason::Smaller
        } else {
            LeftReason::Later
        }
    })
}

fn why_not_audio(left: &AudioStream, chosen: Option<&AudioStream>) -> LeftReason {
    let than = |better: &dyn Fn(&AudioStream) -> bool| chosen.is_some_and(better);
    unusable(left.decoding).unwrap_or_else(|| {
        if !left.enabled && than(&|c| c.enabled) {
            LeftReason::Disabled
        } else if left.commentary && than(&|c| !c.commentary) {
            LeftReason::Commentary
        } else if than(&|c| c.default && !left.default) {
            LeftReason::NotDefault
        } else {
            LeftReason::Later
        }
    })
}

fn video_track(stream: &VideoStream) -> Track {
    Track {
        kind: TrackKind::Video,
        index: stream.index,
        codec: stream.codec.clone(),
        language: stream.language.clone(),
    }
}

fn audio_track(stream: &AudioStream) -> Track {
    Track {
        kind: TrackKind::Audio,
        index: stream.index,
        codec: stream.codec.clone(),
        language: stream.language.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::tests::{media, video};

    fn videos(change: impl Fn(&mut [VideoStream])) -> MediaInfo {
        let mut streams = vec![video(320, 240), video(640, 480), video(640, 480)];
        for (index, stream) in streams.iter_mut().enumerate() {
            stream.index = index;
        }
        change(&mut streams);
        media(streams)
    }

    #[track_caller]
    fn check(media: &MediaInfo, chosen: usize, reasons: [LeftReason; 2]) {
        let tracks = Tracks::choose(media);
        assert_eq!(tracks.video.map(|v| v.index), Some(chosen));
        let found: Vec<_> = tracks.left.iter().map(|l| l.reason).collect();
        assert_eq!(found, reasons);
    }

    #[test]
    fn the_largest_then_the_first() {
        check(&videos(|_| ()), 1, [LeftReason::Smaller, LeftReason::Later]);
    }

    #[test]
    fn what_decodes_wins_over_all_then_enabled_moving_default() {
        check(
            &videos(|v| v[1].decoding = Decoding::NoDecoder),
            2,
            [LeftReason::Smaller, LeftReason::NoDecoder],
        );
        check(
            &videos(|v| (v[1].enabled, v[2].still) = (false, true)),
            0,
            [LeftReason::Disabled, LeftReason::SinglePicture],
        );
        check(
            &videos(|v| (v[0].default, v[1].default, v[1].still) = (true, true, true)),
            0,
            [LeftReason::SinglePicture, LeftReason::NotDefault],
        );
    }

    #[test]
    fn a_stream_that_cannot_be_decoded_is_named_if_there_is_no_other() {
        let found = videos(|v| {
            for stream in v {
                stream.decoding = Decoding::NoDecoder;
            }
        });
        assert_eq!(main_video(&found).map(|v| v.index), Some(1));
        assert_eq!(main_audio(&found), None);
    }
}
