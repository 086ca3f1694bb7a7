//! HLS playlists as text (RFC 8216).

use std::fmt::Write as _;

use crate::captions::{CaptionKind, CaptionTrack};
use crate::frame_rate::FrameRate;
use crate::media_key;

/// One finished segment of one rendition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Where it starts, in microseconds from the start of the video. Boundaries are rounded once,
    /// here, so that the durations of all segments add up to the length of the video.
    pub start_us: u64,
    /// Where it ends, in microseconds from the start of the video.
    pub end_us: u64,
    /// Size of its file in bytes.
    pub bytes: u64,
}

impl Segment {
    /// Length in microseconds.
    pub fn duration_us(&self) -> u64 {
        self.end_us.saturating_sub(self.start_us)
    }
}

/// Whether more segments will follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaylistState {
    /// Segments are still being appended; players may start from the beginning.
    Growing,
    /// All segments are there.
    Complete,
}

/// The text of a media playlist (RFC 8216 section 4.3.3).
///
/// `target_duration_s` must be the same in every version of one playlist (section 6.2.1); see
/// [`target_duration_s`]. A growing playlist is of type `EVENT` and tells players to start at the
/// beginning, since they would otherwise join near its end as if it were live.
pub fn media_playlist(
    segments: &[Segment],
    target_duration_s: u64,
    state: PlaylistState,
) -> String {
    let mut text = String::with_capacity(256 + segments.len() * 40);
    let kind = match state {
        PlaylistState::Growing => "EVENT",
        PlaylistState::Complete => "VOD",
    };
    let _ = write!(
        text,
        "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:{target_duration_s}\n#EXT-X-MEDIA-SEQUENCE:0\n\
         #EXT-X-PLAYLIST-TYPE:{kind}\n#EXT-X-INDEPENDENT-SEGMENTS\n"
    );
    if state == PlaylistState::Growing {
        text.push_str("#EXT-X-START:TIME-OFFSET=0,PRECISE=YES\n");
    }
    for (segment, index) in segments.iter().zip(0..) {
        let us = segment.duration_us();
        let _ = write!(
            text,
            "#EXTINF:{}.{:06},\n{}\n",
            us / 1_000_000,
            us % 1_000_000,
            media_key::segment_name(index)
        );
    }
    if state == PlaylistState::Complete {
        text.push_str("#EXT-X-ENDLIST\n");
    }
    text
}

/// The segments of a media playlist, for finding a time in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed {
    /// The segment that contains the time; `None` if it is beyond the listed ones.
    pub at: Option<Moment>,
    /// Length of all listed segments in microseconds.
    pub duration_us: u64,
    /// Whether more will follow.
    pub state: PlaylistState,
}

/// A moment within a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Which segment.
    pub segment: u64,
    /// From the segment's start, in microseconds.
    pub offset_us: u64,
}

/// Finds the time `at_us`, in microseconds from the start of the video, in the text of a media
/// playlist made by [`media_playlist`]. The end of a complete video belongs to its last segment.
/// `None` if the text is not such a playlist.
pub fn find_moment(text: &str, at_us: u64) -> Option<Listed> {
    let mut lines = text.lines();
    if lines.next()? != "#EXTM3U" {
        return None;
    }
    let mut state = PlaylistState::Growing;
    let (mut start_us, mut end_us, mut count) = (0u64, 0u64, 0u64);
    let mut at = None;
    for line in lines {
        if let Some(length) = line.strip_prefix("#EXTINF:") {
            start_us = end_us;
            end_us = end_us.checked_add(micros(length.trim_end_matches(','))?)?;
            if (start_us..end_us).contains(&at_us) {
                at = Some(Moment {
                    segment: count,
                    offset_us: at_us - start_us,
                });
            }
            count += 1;
        } else if line == "#EXT-X-ENDLIST" {
            state = PlaylistState::Complete;
        }
    }
    let at_end = state == PlaylistState::Complete && count > 0 && at_us == end_us;
    let last = at_end.then(|| Moment {
        segment: count - 1,
        offset_us: end_us - start_us,
    });
    Some(Listed {
        at: at.or(last),
        duration_us: end_us,
        state,
    })
}

/// The microseconds of `10.010000`.
fn micros(seconds: &str) -> Option<u64> {
    let (whole, part) = seconds.split_once('.').unwrap_or((seconds, "0"));
    if part.is_empty() || part.len() > 6 || !part.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let part = part.parse::<u64>().ok()? * 10u64.pow(6 - u32::try_from(part.len()).ok()?);
    whole
        .parse::<u64>()
        .ok()?
        .checked_mul(1_000_000)?
        .checked_add(part)
}

/// The target duration that holds for every segment of a video cut every `segment_s` seconds at
/// `rate`: a cut falls on the first frame at or after the mark, so a segment may be one frame
/// longer, and its rounded duration must not exceed the target (RFC 8216 section 4.3.3.1).
pub fn target_duration_s(segment_s: u32, rate: FrameRate) -> u64 {
    (f64::from(segment_s) + 1.0 / rate.as_f64()).round() as u64
}

/// One variant of the multivariant playlist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variant {
    /// Rung name, which is its folder.
    pub rung: String,
    /// Encoded width in pixels.
    pub width: u32,
    /// Encoded height in pixels.
    pub height: u32,
    /// Peak bit rate in bit/s.
    pub bandwidth: u64,
    /// Average bit rate in bit/s; `None` while unknown.
    pub average_bandwidth: Option<u64>,
    /// RFC 6381 codec names, video first.
    pub codecs: Vec<String>,
}

/// The text of a multivariant playlist (RFC 8216 section 4.3.4).
///
/// Players begin with the variant that is listed first, so that one is the variant nearest to 2
/// Mbit/s, as Apple's authoring specification asks; the others follow from high to low. While the
/// video is being processed, a session-data tag indicates that.
pub fn multivariant_playlist(
    variants: &[Variant],
    frame_rate: FrameRate,
    state: PlaylistState,
) -> String {
    const FIRST_CHOICE: u64 = 2_000_000;
    let mut order: Vec<&Variant> = variants.iter().collect();
    order.sort_by_key(|v| std::cmp::Reverse(v.bandwidth));
    let rate = |v: &Variant| v.average_bandwidth.unwrap_or(v.bandwidth);
    if let Some(first) = (0..order.len()).min_by_key(|&i| rate(order[i]).abs_diff(FIRST_CHOICE)) {
        order[..=first].rotate_right(1);
    }

    let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-INDEPENDENT-SEGMENTS\n");
    if state == PlaylistState::Growing {
        text.push_str("#EXT-X-SESSION-DATA:DATA-ID=\"org.clipsy.state\",VALUE=\"processing\"\n");
    }
    for v in order {
        let _ = write!(text, "#EXT-X-STREAM-INF:BANDWIDTH={}", v.bandwidth);
        if let Some(average) = v.average_bandwidth {
            let _ = write!(text, ",AVERAGE-BANDWIDTH={average}");
        }
        let _ = writeln!(
            text,
            ",CODECS=\"{}\",RESOLUTION={}x{},FRAME-RATE={:.3}\n{}",
            v.codecs.join(","),
            v.width,
            v.height,
            frame_rate.as_f64(),
            media_key::playlist(&v.rung)
        );
    }
    text
}

/// What says in a multivariant playlist that captions are for people who do not hear (Apple's authoring
/// specification).
const FOR_DEAF: &str =
    "public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound";

/// Adds captions to the text of a multivariant playlist made by [`multivariant_playlist`]. Without captions it
/// stays as it is.
pub fn with_captions(text: &str, tracks: &[CaptionTrack]) -> String {
    if tracks.is_empty() {
        return text.to_owned();
    }
    let mut media = String::new();
    let mut names: Vec<String> = Vec::new();
    for track in tracks {
        let name = name_of(track, &names);
        let yes = |yes: bool| if yes { "YES" } else { "NO" };
        let _ = write!(
            media,
            "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"captions\",NAME=\"{name}\",LANGUAGE=\"{}\",DEFAULT={},\
             AUTOSELECT=YES,FORCED={}",
            track.language,
            yes(track.default),
            yes(track.forced),
        );
        if track.kind == CaptionKind::Captions {
            let _ = write!(media, ",CHARACTERISTICS=\"{FOR_DEAF}\"");
        }
        let list = media_key::captions_playlist(&track.language, track.kind);
        let _ = writeln!(media, ",URI=\"{list}\"");
        names.push(name);
    }
    let mut with = String::with_capacity(text.len() + media.len() + 256);
    for line in text.lines() {
        let is_variant = line.starts_with("#EXT-X-STREAM-INF:");
        if is_variant {
            // In front of the first variant, once.
            with.push_str(&std::mem::take(&mut media));
        }
        with.push_str(line);
        if is_variant {
            with.push_str(",SUBTITLES=\"captions\"");
        }
        with.push('\n');
    }
    with
}

/// What players call captions: no two of a video the same, and nothing that would end the name in the playlist.
fn name_of(track: &CaptionTrack, taken: &[String]) -> String {
    let label: String = track
        .label
        .chars()
        .filter(|c| !c.is_control())
        .map(|c| if c == '"' { '\'' } else { c })
        .collect();
    let name = match (label.is_empty(), track.kind) {
        (false, _) => label,
        (true, CaptionKind::Subtitles) => track.language.clone(),
        (true, CaptionKind::Captions) => format!("{} (SDH)", track.language),
    };
    if !taken.contains(&name) {
        return name;
    }
    // One of so many names is free.
    let mut numbered = (2..=taken.len() + 2).map(|number| format!("{name} ({number})"));
    let free = numbered.find(|name| !taken.contains(name));
    free.unwrap_or(name)
}

/// The media playlist of captions: that of a rendition, whose segments it has one for one, with other addresses.
/// `name` is that of the file of captions, `revision` that of the output.
pub fn captions_playlist(text: &str, name: &str, revision: Option<&str>) -> String {
    let mut list = String::with_capacity(text.len() * 2);
    let mut index = 0;
    for line in text.lines() {
        if line.starts_with('#') || line.trim().is_empty() {
            list.push_str(line);
        } else {
            list.push_str(&media_key::captions_segment(name, revision, index));
            index += 1;
        }
        list.push('\n');
    }
    list
}

/// Where the segments of a media playlist made by [`media_playlist`] end, in microseconds from the start of the
/// video. `None` if the text is not such a playlist.
pub fn segment_ends(text: &str) -> Option<Vec<u64>> {
    let mut ends = Vec::new();
    let mut end_us = 0u64;
    for line in text.strip_prefix("#EXTM3U\n")?.lines() {
        if let Some(length) = line.strip_prefix("#EXTINF:") {
            end_us = end_us.checked_add(micros(length.trim_end_matches(','))?)?;
            ends.push(end_us);
        }
    }
    Some(ends)
}

/// Bit rate over all segments in bit/s.
pub fn average_bandwidth(segments: &[Segment]) -> u64 {
    let bytes = segments.iter().map(|s| s.bytes).sum();
    bits_per_second(bytes, segments.iter().map(Segment::duration_us).sum())
}

/// Peak segment bit rate in bit/s (RFC 8216 section 4.1): the highest rate of any run of adjacent
/// segments that lasts between 0.5 and 1.5 target durations, so that a very short last segment
/// does not count by itself.
pub fn peak_bandwidth(segments: &[Segment], target_duration_s: u64) -> u64 {
    let (shortest, longest) = (target_duration_s * 500_000, target_duration_s * 1_500_000);
    let mut peak = 0;
    for start in 0..segments.len() {
        let (mut bytes, mut us) = (0, 0);
        for segment in &segments[start..] {
            bytes += segment.bytes;
            us += segment.duration_us();
            if us > longest {
                break;
            }
            if us >= shortest {
                peak = peak.max(bits_per_second(bytes, us));
            }
        }
    }
    peak.max(average_bandwidth(segments))
}

fn bits_per_second(bytes: u64, us: u64) -> u64 {
    if us == 0 {
        return 0;
    }
    let rate = (u128::from(bytes) * 8_000_000).div_ceil(u128::from(us));
    u64::try_from(rate).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segments(durations_us: &[u64], bytes: u64) -> Vec<Segment> {
        let mut at = 0;
        durations_us
            .iter()
            .map(|d| {
                at += d;
                Segment {
                    start_us: at - d,
                    end_us: at,
                    bytes,
                }
            })
            .collect()
    }

    #[test]
    fn moments_are_found_in_what_was_written() {
        let text = media_playlist(
            &segments(&[10_010_000, 10_010_000, 700_001], 1),
            10,
            PlaylistState::Complete,
        );
        let found = |at_us| {
            let listed = find_moment(&text, at_us).unwrap();
            assert_eq!(listed.duration_us, 20_720_001);
            assert_eq!(listed.state, PlaylistState::Complete);
            listed.at.map(|at| (at.segment, at.offset_us))
        };
        assert_eq!(found(0), Some((0, 0)));
        assert_eq!(found(10_009_999), Some((0, 10_009_999)));
        assert_eq!(found(10_010_000), Some((1, 0)));
        assert_eq!(found(20_720_000), Some((2, 700_000)));
        assert_eq!(found(20_720_001), Some((2, 700_001)));
        assert_eq!(found(20_720_002), None);
    }

    #[test]
    fn moments_are_not_found_in_other_texts() {
        let growing = media_playlist(&segments(&[2_000_000], 1), 2, PlaylistState::Growing);
        let listed = find_moment(&growing, 2_000_000).unwrap();
        assert_eq!((listed.at, listed.state), (None, PlaylistState::Growing));
        let empty = find_moment("#EXTM3U\n", 0).unwrap();
        assert_eq!((empty.at, empty.duration_us), (None, 0));
        for text in [
            "",
            "x",
            "#EXTM3U\n#EXTINF:x,\n",
            "#EXTM3U\n#EXTINF:-1.0,\n",
            "#EXTM3U\n#EXTINF:1.0000000,\n",
            "#EXTM3U\n#EXTINF:99999999999999999999.0,\n",
        ] {
            assert_eq!(find_moment(text, 0), None, "{text}");
        }
    }

    #[test]
    fn a_growing_playlist_has_no_end() {
        let text = media_playlist(&segments(&[10_010_000], 1), 10, PlaylistState::Growing);
        assert_eq!(
            text,
            "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:10\n#EXT-X-MEDIA-SEQUENCE:0\n\
             #EXT-X-PLAYLIST-TYPE:EVENT\n#EXT-X-INDEPENDENT-SEGMENTS\n\
             #EXT-X-START:TIME-OFFSET=0,PRECISE=YES\n#EXTINF:10.010000,\nsegment_00000.ts\n"
        );
    }

    #[test]
    fn a_complete_playlist_is_vod_and_ends() {
        let text = media_playlist(
            &segments(&[10_010_000, 33_367], 1),
            10,
            PlaylistState::Complete,
        );
        assert!(text.contains("#EXT-X-PLAYLIST-TYPE:VOD\n"));
        assert!(text.ends_with("#EXTINF:0.033367,\nsegment_00001.ts\n#EXT-X-ENDLIST\n"));
        assert!(!text.contains("EXT-X-START"));
    }

    #[test]
    fn target_duration_covers_one_frame_more_than_the_mark() {
        assert_eq!(
            target_duration_s(10, FrameRate::new(24_000, 1001).unwrap()),
            10
        );
        assert_eq!(target_duration_s(10, FrameRate::whole(1)), 11);
    }

    #[test]
    fn multivariant_begins_near_two_megabits() {
        let variant = |rung: &str, kbps: u64| Variant {
            rung: rung.into(),
            width: 2,
            height: 2,
            bandwidth: kbps * 1100,
            average_bandwidth: Some(kbps * 1000),
            codecs: vec!["avc1.64001f".into(), "mp4a.40.2".into()],
        };
        let all = [
            variant("1080p", 5000),
            variant("720p", 2500),
            variant("480p", 1200),
            variant("360p", 700),
        ];
        let text = multivariant_playlist(
            &all,
            FrameRate::new(30_000, 1001).unwrap(),
            PlaylistState::Complete,
        );
        let order: Vec<&str> = text.lines().filter(|l| !l.starts_with('#')).collect();
        assert_eq!(
            order,
            ["720p", "1080p", "480p", "360p"].map(|r| format!("{r}/playlist.m3u8"))
        );
        assert!(text.contains(
            "BANDWIDTH=2750000,AVERAGE-BANDWIDTH=2500000,CODECS=\"avc1.64001f,mp4a.40.2\",RESOLUTION=2x2,FRAME-RATE=29.970\n"
        ));
        assert!(!text.contains("SESSION-DATA"));
        let early = multivariant_playlist(&all, FrameRate::whole(25), PlaylistState::Growing);
        assert!(early.contains("VALUE=\"processing\""));
    }

    fn track(language: &str, kind: CaptionKind, label: &str) -> CaptionTrack {
        CaptionTrack {
            language: language.into(),
            kind,
            label: label.into(),
            default: false,
            forced: false,
            name: "t1".into(),
            bytes: 1,
            cues: 1,
            updated_at: crate::clock::from_millis(0),
        }
    }

    #[test]
    fn captions_are_added_to_every_variant() {
        let one = |rung: &str| Variant {
            rung: rung.into(),
            width: 2,
            height: 2,
            bandwidth: 1,
            average_bandwidth: None,
            codecs: vec!["avc1.64001f".into()],
        };
        let text = multivariant_playlist(
            &[one("720p"), one("360p")],
            FrameRate::whole(25),
            PlaylistState::Growing,
        );
        assert_eq!(with_captions(&text, &[]), text);
        let tracks = [
            CaptionTrack {
                default: true,
                ..track("de", CaptionKind::Subtitles, "A \"b\"\n")
            },
            track("de", CaptionKind::Captions, ""),
            CaptionTrack {
                forced: true,
                ..track("en", CaptionKind::Subtitles, "A 'b'")
            },
        ];
        let with = with_captions(&text, &tracks);
        let media: Vec<&str> = with
            .lines()
            .filter_map(|line| {
                line.strip_prefix("#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"captions\",")
            })
            .collect();
        assert_eq!(
            media,
            [
                "NAME=\"A 'b'\",LANGUAGE=\"de\",DEFAULT=YES,AUTOSELECT=YES,FORCED=NO,URI=\"captions/de/playlist.m3u8\"",
                "NAME=\"de (SDH)\",LANGUAGE=\"de\",DEFAULT=NO,AUTOSELECT=YES,FORCED=NO,CHARACTERISTICS=\"public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound\",URI=\"captions/de.sdh/playlist.m3u8\"",
                "NAME=\"A 'b' (2)\",LANGUAGE=\"en\",DEFAULT=NO,AUTOSELECT=YES,FORCED=YES,URI=\"captions/en/playlist.m3u8\"",
            ]
        );
        assert_eq!(with.matches(",SUBTITLES=\"captions\"\n").count(), 2);
        // All that was there still is.
        let without = with.replace(",SUBTITLES=\"captions\"", "");
        let without = without
            .lines()
            .filter(|line| !line.starts_with("#EXT-X-MEDIA:"));
        assert_eq!(
            without.collect::<Vec<_>>(),
            text.lines().collect::<Vec<_>>()
        );
    }

    #[test]
    fn captions_have_a_segment_for_each_of_the_video() {
        let text = media_playlist(
            &segments(&[2_000_000, 10_010_000, 33_367], 1),
            10,
            PlaylistState::Complete,
        );
        assert_eq!(
            segment_ends(&text).unwrap(),
            [2_000_000, 12_010_000, 12_043_367]
        );
        let list = captions_playlist(&text, "t1", Some("R"));
        let back = list.replace("t1/R/", "").replace(".vtt\n", ".ts\n");
        assert_eq!(back, text);
        assert!(list.ends_with("#EXTINF:0.033367,\nt1/R/segment_00002.vtt\n#EXT-X-ENDLIST\n"));
        assert_eq!(segment_ends("x"), None);
    }

    #[test]
    fn peak_ignores_a_short_last_segment_by_itself() {
        let mut list = segments(&[10_000_000, 10_000_000, 500_000], 1_000_000);
        // The last half second runs at 16 Mbit/s; only together with its neighbour does it count.
        assert_eq!(average_bandwidth(&list), 1_170_732);
        assert_eq!(peak_bandwidth(&list, 10), 1_523_810);
        list.truncate(1);
        assert_eq!(peak_bandwidth(&list, 10), 800_000);
        assert_eq!(peak_bandwidth(&[], 10), 0);
        assert_eq!(
            peak_bandwidth(&segments(&[1_000_000], 125_000), 10),
            1_000_000
        );
    }
}
