//! A job's notes about a source, stored with the video; bounded in size, whatever the file
//! contains.

use serde::{Deserialize, Serialize};

use crate::progress::WarningCode;
use crate::tracks::{LeftAside, LeftReason, Track, Tracks};

/// Maximum characters of a codec or language.
const MOST_NAME: usize = 80;
/// Characters of a message that are kept.
const MOST_MESSAGE: usize = 300;
/// Maximum number of unused streams that are listed.
const MOST_LEFT: usize = 32;

/// What one attempt noted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notes {
    /// Which streams are used; `None` until planned.
    pub tracks: Option<Tracks>,
    /// Warnings in order, each code once.
    pub warnings: Vec<Warning>,
}

/// A problem that did not stop the job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// Stable code.
    pub code: WarningCode,
    /// One line in plain words.
    pub message: String,
}

impl Notes {
    /// Notes which streams are used.
    pub fn planned(&mut self, tracks: &Tracks) {
        let left = tracks.left.iter().take(MOST_LEFT).map(|left| LeftAside {
            track: shortened(&left.track),
            reason: left.reason,
        });
        self.tracks = Some(Tracks {
            video: tracks.video.as_ref().map(shortened),
            audio: tracks.audio.as_ref().map(shortened),
            left: left.collect(),
        });
    }

    /// Adds a warning; false if its code was added before.
    pub fn warned(&mut self, code: WarningCode, message: &str) -> bool {
        // Restarted runs repeat warnings, and a broken file causes many.
        if self.warnings.iter().any(|warning| warning.code == code) {
            return false;
        }
        if code == WarningCode::AudioDropped {
            self.without_audio();
        }
        self.warnings.push(Warning {
            code,
            message: first_of(message, MOST_MESSAGE),
        });
        true
    }

    /// The audio was selected, but produced no output.
    fn without_audio(&mut self) {
        if let Some(tracks) = &mut self.tracks
            && let Some(track) = tracks.audio.take()
        {
            let reason = LeftReason::NoOutput;
            let place = tracks
                .left
                .iter()
                .position(|left| left.track.kind == track.kind && left.track.index > track.index);
            let place = place.unwrap_or(tracks.left.len());
            tracks.left.insert(place, LeftAside { track, reason });
        }
    }
}

fn shortened(track: &Track) -> Track {
    Track {
        codec: first_of(&track.codec, MOST_NAME),
        language: track.language.as_deref().map(|l| first_of(l, MOST_NAME)),
        ..*track
    }
}

fn first_of(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracks::TrackKind;

    fn sound(index: usize) -> Track {
        Track {
            kind: TrackKind::Audio,
            index,
            codec: "AAC".into(),
            language: None,
        }
    }

    fn left(track: Track) -> LeftAside {
        let reason = LeftReason::Later;
        LeftAside { track, reason }
    }

    #[test]
    fn they_stay_small_whatever_the_file_says() {
        let long = Track {
            codec: "ä".repeat(5_000),
            language: Some("ü".repeat(5_000)),
            ..sound(0)
        };
        let mut notes = Notes::default();
        notes.planned(&Tracks {
            video: Some(long.clone()),
            audio: Some(long.clone()),
            left: vec![left(long); 1_000],
        });
        for number in 0..1_000 {
            let news = notes.warned(WarningCode::DamagedInput, &format!("{number}").repeat(500));
            assert_eq!(news, number == 0);
        }
        let warnings: Vec<_> = notes.warnings.iter().map(|w| w.message.as_str()).collect();
        assert_eq!(warnings, ["0".repeat(MOST_MESSAGE)]);
        let stored = serde_json::to_string(&notes).unwrap();
        assert!(stored.len() < 16_384, "{}", stored.len());
    }

    #[test]
    fn sound_that_was_dropped_is_left_aside() {
        let mut notes = Notes::default();
        notes.planned(&Tracks {
            video: None,
            audio: Some(sound(1)),
            left: vec![left(sound(0)), left(sound(2))],
        });
        assert!(notes.warned(WarningCode::AudioDropped, "none"));
        let tracks = notes.tracks.unwrap();
        assert_eq!(tracks.audio, None);
        let found = tracks.left.iter().map(|l| (l.track.index, l.reason));
        assert_eq!(
            found.collect::<Vec<_>>(),
            [
                (0, LeftReason::Later),
                (1, LeftReason::NoOutput),
                (2, LeftReason::Later)
            ]
        );
    }
}
