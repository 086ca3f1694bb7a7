//! The ladder: which renditions a source gets, at which size, frame rate and bitrate cap.

use serde::{Deserialize, Serialize};

use crate::frame_rate::FrameRate;
use crate::media::VideoStream;

/// The declarative profile, read from `pipelines/ladder.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ladder {
    /// Settings that all rungs share.
    pub video: VideoSettings,
    /// Settings of the one audio encode.
    pub audio: AudioSettings,
    /// Rungs in any order; [`Ladder::plan`] sorts them from high to low.
    #[serde(rename = "rung")]
    pub rungs: Vec<Rung>,
}

/// Video settings that are the same in every rung.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VideoSettings {
    /// Seconds from one IDR to the next.
    pub gop_s: u32,
    /// Default segment length in seconds, a multiple of `gop_s`.
    pub segment_s: u32,
    /// Lengths of the first segments in seconds, multiples of `gop_s`, so that a video can be played
    /// early. Their sum is at most one regular segment; the rest is ignored.
    #[serde(default)]
    pub first_segments_s: Vec<u32>,
    /// Highest frame rate that is encoded.
    pub max_fps: u32,
    /// Quality target on the constant-rate-factor scale: lower is better, 18 to 28 is useful.
    pub quality: u32,
    /// Length in milliseconds of the decoder buffer (VBV) for which the caps hold.
    pub vbv_ms: u32,
    /// What becomes of interlaced sources.
    pub deinterlace: Deinterlace,
    /// How far, in percent, a source must be above the highest rung it fills to get the next
    /// rung at its own size.
    pub next_rung_above_percent: u32,
}

/// Frame rate of deinterlaced video.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deinterlace {
    /// One frame from each pair of fields: 50i becomes 25p.
    Frame,
    /// One frame from every field: 50i becomes 50p, smoother at twice the cost.
    Field,
}

/// Settings of the audio track.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AudioSettings {
    /// kbit/s.
    pub bitrate_kbps: u32,
    /// Hz.
    pub sample_rate: u32,
    /// Channels after down- or upmixing.
    pub channels: u32,
}

/// One line of the ladder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rung {
    /// Name in paths and APIs, e.g. `"720p"`.
    pub name: String,
    /// Length of the shorter side in pixels.
    pub short_side: u32,
    /// Cap on the video bit rate in kbit/s.
    pub max_kbps: u32,
}

/// One rendition that is going to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedRung {
    /// Name of the rung.
    pub name: String,
    /// Encoded width, even, square pixels.
    pub width: u32,
    /// Encoded height, even, square pixels.
    pub height: u32,
    /// Cap on the video bit rate in kbit/s.
    pub max_kbps: u32,
}

/// What will be made of one source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Renditions from the largest to the smallest; never empty.
    pub rungs: Vec<PlannedRung>,
    /// The one frame rate of all renditions.
    pub frame_rate: FrameRate,
    /// Seconds from one IDR to the next.
    pub gop_s: u32,
    /// Target segment length in seconds.
    pub segment_s: u32,
    /// Lengths of the first segments in seconds, each shorter than `segment_s`.
    #[serde(default)]
    pub first_segments_s: Vec<u32>,
}

impl Plan {
    /// Start times in seconds of the segments before the regular ones, except the first.
    pub fn first_marks_s(&self) -> impl Iterator<Item = u32> {
        self.first_segments_s.iter().scan(0, |end, length| {
            *end += length;
            Some(*end)
        })
    }
}

/// Why a ladder file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LadderError {
    /// There is no rung.
    #[error("the ladder has no rung")]
    Empty,
    /// Two rungs would write to the same folder.
    #[error("the ladder names the rung {0:?} twice")]
    DuplicateName(String),
    /// A name that is invalid as a folder or in a URL.
    #[error("rung name {0:?}: use letters, digits, '-' and '_' only")]
    BadName(String),
    /// A number that makes no sense.
    #[error("{0}")]
    BadValue(String),
}

impl Ladder {
    /// Validates what types cannot express. Call it once after reading a file.
    pub fn validate(&self) -> Result<(), LadderError> {
        if self.rungs.is_empty() {
            return Err(LadderError::Empty);
        }
        for (i, rung) in self.rungs.iter().enumerate() {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            if rung.name.is_empty() || !rung.name.chars().all(plain) {
                return Err(LadderError::BadName(rung.name.clone()));
            }
            if self.rungs[..i].iter().any(|other| other.name == rung.name) {
                return Err(LadderError::DuplicateName(rung.name.clone()));
            }
            if rung.short_side < 16 || rung.max_kbps == 0 {
                return Err(LadderError::BadValue(format!(
                    "rung {:?} needs a short_side of at least 16 and a max_kbps above 0",
                    rung.name
                )));
            }
        }
        let v = &self.video;
        if v.gop_s == 0 || v.max_fps == 0 || v.vbv_ms == 0 || v.quality > 51 {
            return Err(LadderError::BadValue(
                "video: gop_s, max_fps and vbv_ms must be above 0 and quality at most 51".into(),
            ));
        }
        if self.audio.bitrate_kbps == 0
            || !(1..=2).contains(&self.audio.channels)
            || self.audio.sample_rate < 8000
        {
            return Err(LadderError::BadValue(
                "audio: needs a bitrate_kbps above 0, 1 or 2 channels and a sample_rate of at least 8000".into(),
            ));
        }
        for first in &v.first_segments_s {
            check_segment(*first, v.gop_s)?;
        }
        check_segment(v.segment_s, v.gop_s)
    }

    /// The same ladder with another segment length in seconds.
    pub fn with_segment_s(mut self, segment_s: u32) -> Result<Self, LadderError> {
        check_segment(segment_s, self.video.gop_s)?;
        self.video.segment_s = segment_s;
        Ok(self)
    }

    /// Chooses the renditions for a source.
    ///
    /// Rungs are measured on the shorter side of the upright, square-pixel picture and are never
    /// larger than it. A source clearly above the highest rung it fills gets the next rung at its
    /// own size, and a source below every rung gets the lowest one at its own size.
    pub fn plan(&self, source: &VideoStream) -> Plan {
        let (width, height) = source.display_size();
        let short = width.min(height);
        let mut rungs: Vec<&Rung> = self.rungs.iter().collect();
        rungs.sort_by_key(|r| std::cmp::Reverse(r.short_side));

        let first_kept = rungs
            .iter()
            .position(|r| r.short_side <= short)
            .unwrap_or(rungs.len());
        let mut planned: Vec<PlannedRung> = rungs[first_kept..]
            .iter()
            .map(|r| planned(r, scaled(width, height, r.short_side)))
            .collect();
        if let Some(next) = first_kept.checked_sub(1) {
            let clearly_above = match rungs.get(first_kept) {
                Some(kept) => {
                    u64::from(short) * 100
                        > u64::from(kept.short_side)
                            * u64::from(100 + self.video.next_rung_above_percent)
                }
                None => true,
            };
            if clearly_above {
                planned.insert(0, self::planned(rungs[next], (even(width), even(height))));
            }
        }

        let source_rate = source.frame_rate.unwrap_or(DEFAULT_RATE);
        let rate = if source.interlaced && self.video.deinterlace == Deinterlace::Field {
            FrameRate::new(source_rate.num().saturating_mul(2), source_rate.den())
                .unwrap_or(source_rate)
        } else {
            source_rate
        };
        Plan {
            rungs: planned,
            frame_rate: rate.for_ladder(self.video.max_fps),
            gop_s: self.video.gop_s,
            segment_s: self.video.segment_s,
            first_segments_s: {
                let mut left = self.video.segment_s;
                let fits = |length: &&u32| {
                    let fits = **length <= left && **length < self.video.segment_s;
                    left = left.saturating_sub(**length);
                    fits
                };
                let first = self.video.first_segments_s.iter();
                first.take_while(fits).copied().collect()
            },
        }
    }
}

/// For sources without a rate, such as a single picture.
const DEFAULT_RATE: FrameRate = FrameRate::whole(25);

fn check_segment(segment_s: u32, gop_s: u32) -> Result<(), LadderError> {
    if segment_s == 0 || !segment_s.is_multiple_of(gop_s) {
        return Err(LadderError::BadValue(format!(
            "a segment length of {segment_s} s is not a multiple of the keyframe interval of {gop_s} s"
        )));
    }
    Ok(())
}

fn planned(rung: &Rung, (width, height): (u32, u32)) -> PlannedRung {
    PlannedRung {
        name: rung.name.clone(),
        width,
        height,
        max_kbps: rung.max_kbps,
    }
}

/// `width` × `height` shrunk so that the shorter side is `short_side`; the longer one is rounded
/// to the nearest even number.
fn scaled(width: u32, height: u32, short_side: u32) -> (u32, u32) {
    let short = width.min(height);
    let long = width.max(height);
    let exact = u64::from(long) * u64::from(short_side);
    let half = u64::from(short) * 2;
    let long = u32::try_from((exact + u64::from(short)) / half * 2)
        .unwrap_or(u32::MAX)
        .max(2);
    let short = even(short_side);
    if width >= height {
        (long.max(short), short)
    } else {
        (short, long.max(short))
    }
}

/// The largest even number that is not above `n`, at least 2.
fn even(n: u32) -> u32 {
    (n & !1).max(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::tests::video;
    use crate::media::{Orientation, SampleAspect};

    fn ladder() -> Ladder {
        let text = include_str!("../../../pipelines/ladder.toml");
        let ladder: Ladder = toml::from_str(text).unwrap();
        ladder.validate().unwrap();
        ladder
    }

    #[track_caller]
    fn check(source: &VideoStream, expected: &[&str]) {
        let plan = ladder().plan(source);
        let found: Vec<String> = plan
            .rungs
            .iter()
            .map(|r| format!("{} {}x{}", r.name, r.width, r.height))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_shipped_ladder_has_the_documented_caps() {
        let caps: Vec<_> = ladder()
            .rungs
            .iter()
            .map(|r| (r.name.clone(), r.max_kbps))
            .collect();
        let expected = [
            ("1080p", 5000),
            ("720p", 2500),
            ("480p", 1200),
            ("360p", 700),
        ];
        assert_eq!(caps, expected.map(|(n, k)| (n.to_owned(), k)));
        assert_eq!(ladder().video.segment_s, 10);
    }

    #[test]
    fn a_full_hd_source_fills_every_rung() {
        check(
            &video(1920, 1080),
            &[
                "1080p 1920x1080",
                "720p 1280x720",
                "480p 854x480",
                "360p 640x360",
            ],
        );
    }

    #[test]
    fn nothing_is_upscaled() {
        check(
            &video(1280, 720),
            &["720p 1280x720", "480p 854x480", "360p 640x360"],
        );
        check(&video(640, 360), &["360p 640x360"]);
        check(
            &video(3840, 2160),
            &[
                "1080p 1920x1080",
                "720p 1280x720",
                "480p 854x480",
                "360p 640x360",
            ],
        );
    }

    #[test]
    fn a_source_below_every_rung_keeps_its_size() {
        check(&video(176, 144), &["360p 176x144"]);
        check(&video(1280, 240), &["360p 1280x240"]);
        check(&video(427, 239), &["360p 426x238"]);
    }

    #[test]
    fn a_source_clearly_above_its_highest_rung_gets_the_next_at_its_own_size() {
        check(
            &video(1440, 900),
            &[
                "1080p 1440x900",
                "720p 1152x720",
                "480p 768x480",
                "360p 576x360",
            ],
        );
        // 828 is 15 % above 720: one line more tips it.
        check(
            &video(1472, 828),
            &["720p 1280x720", "480p 854x480", "360p 640x360"],
        );
        check(
            &video(1474, 829),
            &[
                "1080p 1474x828",
                "720p 1280x720",
                "480p 854x480",
                "360p 640x360",
            ],
        );
    }

    #[test]
    fn portrait_is_measured_on_its_short_side() {
        check(
            &video(1080, 1920),
            &[
                "1080p 1080x1920",
                "720p 720x1280",
                "480p 480x854",
                "360p 360x640",
            ],
        );
        let mut turned = video(1280, 720);
        turned.orientation = Orientation {
            degrees: 90,
            mirrored: false,
        };
        check(&turned, &["720p 720x1280", "480p 480x854", "360p 360x640"]);
    }

    #[test]
    fn sample_aspect_is_made_square() {
        let mut pal = video(720, 576);
        pal.sample_aspect = SampleAspect { num: 64, den: 45 };
        check(&pal, &["720p 1024x576", "480p 854x480", "360p 640x360"]);
    }

    #[test]
    fn one_rate_for_all_rungs() {
        let mut v = video(1280, 720);
        v.frame_rate = FrameRate::new(120, 1);
        assert_eq!(ladder().plan(&v).frame_rate.to_string(), "60");
        v.frame_rate = None;
        assert_eq!(ladder().plan(&v).frame_rate.to_string(), "25");
    }

    #[test]
    fn the_first_segments_are_shorter_than_the_others() {
        let first = |segment_s| {
            let ladder = ladder().with_segment_s(segment_s).unwrap();
            let plan = ladder.plan(&video(1280, 720));
            plan.first_marks_s().collect::<Vec<_>>()
        };
        assert_eq!(first(10), [2, 4, 6, 10]);
        assert_eq!(first(6), [2, 4, 6]);
        assert_eq!(first(4), [2, 4]);
        assert!(first(2).is_empty());
        let mut ladder = ladder();
        ladder.video.first_segments_s = vec![3];
        assert!(ladder.validate().is_err());
    }

    #[test]
    fn bad_ladders_are_refused_with_the_reason() {
        let mut l = ladder();
        l.rungs[0].name = "../x".into();
        assert_eq!(l.validate(), Err(LadderError::BadName("../x".into())));
        let mut l = ladder();
        l.rungs[1].name = l.rungs[0].name.clone();
        assert!(matches!(l.validate(), Err(LadderError::DuplicateName(_))));
        assert!(ladder().with_segment_s(5).is_err());
        assert_eq!(ladder().with_segment_s(6).unwrap().video.segment_s, 6);
        let mut l = ladder();
        l.rungs.clear();
        assert_eq!(l.validate(), Err(LadderError::Empty));
    }
}
