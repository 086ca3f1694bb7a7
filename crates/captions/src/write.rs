//! `WebVTT` as it is kept and sent.

use crate::{Captions, Cue, time};

/// A stretch of a video, and where its clock begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Where it begins, in microseconds from the start of the video.
    pub start_us: u64,
    /// Where it ends, in microseconds.
    pub end_us: u64,
    /// What the clock of the MPEG transport stream shows at the start of the video, in ticks of 90 kHz.
    pub mpeg_start: u64,
}

impl Captions {
    /// The whole file.
    pub fn to_vtt(&self) -> String {
        let mut text = String::from("WEBVTT\n");
        for cue in &self.cues {
            append(&mut text, cue);
        }
        text
    }

    /// What a segment of captions holds: every cue that is shown within the window, with its own times. One that is
    /// shown in several segments is in each of them, so that players may begin anywhere.
    pub fn segment(&self, window: &Window) -> String {
        let mut text = format!(
            "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:{},LOCAL:00:00:00.000\n",
            window.mpeg_start
        );
        // In order of their starts: behind the first that begins too late there are no others.
        let last = self
            .cues
            .partition_point(|cue| cue.start_ms * 1_000 < window.end_us);
        for cue in &self.cues[..last] {
            if cue.end_ms * 1_000 > window.start_us {
                append(&mut text, cue);
            }
        }
        text
    }
}

fn append(text: &mut String, cue: &Cue) {
    text.push('\n');
    time::write(text, cue.start_ms);
    text.push_str(" --> ");
    time::write(text, cue.end_ms);
    if !cue.settings.is_empty() {
        text.push(' ');
        text.push_str(&cue.settings);
    }
    text.push('\n');
    text.push_str(&cue.text);
    text.push('\n');
}
