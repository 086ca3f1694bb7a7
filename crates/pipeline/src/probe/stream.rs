//! One stream of a file: what was noted of it, and what that says.

use clipsy_domain::frame_rate::FrameRate;
use clipsy_domain::media::{
    AudioStream, Decoding, HdrKind, Orientation, SampleAspect, VideoStream,
};
use gstreamer as gst;
use gstreamer_pbutils as pbutils;
use gstreamer_video as gst_video;

use super::{colour, headers, timing};
use crate::builder::H263;
use crate::builder::colour::completed;
use crate::builder::source::StreamKey;
use crate::front::{Front, Range, Track};

/// Packets after which a stream that has given no picture is not waited for any longer.
pub(super) const TOO_MANY_PACKETS: usize = 1500;

/// Notes on one stream.
pub(super) struct Stream {
    pub(super) key: StreamKey,
    /// Caps of the compressed stream at each step on its way to the decoder.
    pub(super) steps: Vec<gst::Caps>,
    pub(super) decoded: Option<gst::Caps>,
    /// True if the colour in [`Self::decoded`] is that of the bitstream.
    pub(super) colour_decoded: bool,
    pub(super) decoding: Decoding,
    pub(super) default: bool,
    pub(super) enabled: bool,
    /// By which elements know the stream.
    pub(super) id: Option<String>,
    /// Number of the track in an MP4 file.
    pub(super) track: Option<u32>,
    pub(super) tags: gst::TagList,
    pub(super) packets: usize,
    /// The beginning of the first packet.
    pub(super) beginning: Vec<u8>,
    /// Presentation times of the first packets in nanoseconds.
    pub(super) pts: Vec<u64>,
    /// Decoding times of the same, which are all that AVI has.
    dts: Vec<u64>,
    /// Packets that are no keyframes and have a presentation time.
    timed: usize,
    pub(super) first_ns: Option<u64>,
    pub(super) last_ns: u64,
}

impl Stream {
    pub(super) fn new(key: StreamKey) -> Self {
        Self {
            key,
            steps: Vec::new(),
            decoded: None,
            colour_decoded: false,
            decoding: Decoding::NoOutput,
            default: false,
            enabled: true,
            id: None,
            track: None,
            tags: gst::TagList::new(),
            packets: 0,
            beginning: Vec::new(),
            pts: Vec::new(),
            dts: Vec::new(),
            timed: 0,
            first_ns: None,
            last_ns: 0,
        }
    }

    pub(super) fn note_tags(&mut self, event: &gst::EventRef) {
        if let gst::EventView::Tag(tag) = event.view() {
            self.tags = self.tags.merge(tag.tag(), gst::TagMergeMode::Keep);
        }
    }

    pub(super) fn note_packet(&mut self, buffer: &gst::Buffer) {
        self.packets += 1;
        if self.beginning.is_empty()
            && let Ok(map) = buffer.map_readable()
        {
            self.beginning = map[..map.len().min(headers::ENOUGH)].to_vec();
        }
        if let Some(dts) = buffer.dts().filter(|_| self.dts.len() < TOO_MANY_PACKETS) {
            self.dts.push(dts.nseconds());
        }
        let Some(pts) = buffer.pts().map(gst::ClockTime::nseconds) else {
            return;
        };
        self.timed += usize::from(buffer.flags().contains(gst::BufferFlags::DELTA_UNIT));
        let end = pts + buffer.duration().map_or(0, gst::ClockTime::nseconds);
        self.first_ns = Some(self.first_ns.map_or(pts, |first| first.min(pts)));
        self.last_ns = self.last_ns.max(end);
        if self.pts.len() < TOO_MANY_PACKETS {
            self.pts.push(pts);
        }
    }

    /// Packets are counted on the last step: those that a parser has taken but not given out yet come
    /// once more.
    pub(super) fn forget_packets(&mut self) {
        self.packets = 0;
        self.pts.clear();
        self.dts.clear();
        self.timed = 0;
        self.first_ns = None;
        self.last_ns = 0;
    }

    /// The times that tell the frame rate of so many packets. Where keyframes alone have a time of showing, as
    /// in AVI, those of decoding lie as far apart on the whole; the header of such a file may count twice as
    /// many pictures as there are, with empty ones in between.
    fn times(&self, packets: usize) -> &[u64] {
        let is_sparse = self.pts.len() * 10 < packets * 9;
        if is_sparse && self.timed == 0 && self.dts.len() == packets {
            &self.dts
        } else {
            &self.pts
        }
    }

    fn media_type(&self) -> String {
        let structure = self.steps.last().and_then(|c| c.structure(0));
        structure.map(|s| s.name().to_string()).unwrap_or_default()
    }

    pub(super) fn codec(&self) -> String {
        let Some(caps) = self.steps.last() else {
            return "unknown".into();
        };
        let name = caps.structure(0).map_or("unknown", |s| s.name().as_str());
        // Parsers add the profile, demuxers the name of codecs that nobody knows.
        let described = pbutils::pb_utils_get_codec_description(caps);
        let described = described.trim().to_owned();
        let described = match caps.structure(0).and_then(|s| {
            ["fourcc", "codec-id"]
                .iter()
                .find_map(|f| s.get::<String>(*f).ok())
        }) {
            Some(fourcc) => format!("{described} [{fourcc}]"),
            None => described,
        };
        if described.starts_with("Unknown") {
            name.to_owned()
        } else {
            described
        }
    }

    /// The value of a caps field at the step nearest to the decoder that has it.
    fn field<T>(&self, name: &str) -> Option<T>
    where
        for<'a> T: gst::glib::value::FromValue<'a> + 'static,
    {
        self.steps
            .iter()
            .rev()
            .find_map(|caps| caps.structure(0)?.get::<T>(name).ok())
    }

    fn bitrate(&self) -> Option<u32> {
        let bitrate = self.tags.get::<gst::tags::Bitrate>().map(|v| v.get());
        bitrate
            .or_else(|| {
                self.tags
                    .get::<gst::tags::NominalBitrate>()
                    .map(|v| v.get())
            })
            .filter(|b| *b > 0)
    }

    fn language(&self) -> Option<String> {
        self.tags
            .get::<gst::tags::LanguageCode>()
            .map(|v| v.get().to_owned())
            .filter(|l| l != "und")
    }

    /// `track` is what the headers of an MP4 file say.
    pub(super) fn video(&self, track: Option<&Track>) -> VideoStream {
        let info = self
            .decoded
            .as_ref()
            .and_then(|caps| gst_video::VideoInfo::from_caps(caps).ok());
        let side = |name: &str| {
            self.field::<i32>(name)
                .and_then(|n| u32::try_from(n).ok())
                .unwrap_or(0)
        };
        let media_type = self.media_type();
        // H.263 has a sample aspect of its own by its picture size, which no player follows.
        let decoded_par = info
            .as_ref()
            .filter(|_| media_type != H263)
            .map(gst_video::VideoInfo::par);
        let par = decoded_par.or_else(|| self.field("pixel-aspect-ratio"));
        let format = info.as_ref().map(gst_video::VideoInfo::format_info);
        let interlaced = match &info {
            Some(info) => info.interlace_mode() != gst_video::VideoInterlaceMode::Progressive,
            None => self
                .field::<String>("interlace-mode")
                .is_some_and(|mode| mode != "progressive"),
        };
        let declared = self
            .field::<gst::Fraction>("framerate")
            .or_else(|| info.as_ref().map(gst_video::VideoInfo::fps))
            .and_then(|f| FrameRate::new(f.numer().unsigned_abs(), f.denom().unsigned_abs()));
        let packets = self.packets.min(TOO_MANY_PACKETS);
        let timing = timing::judge(self.times(packets), packets, declared, interlaced);
        let colorimetry = info.as_ref().map(|info| self.colour(info, track));
        VideoStream {
            index: self.key.index,
            codec: self.codec(),
            media_type,
            decoding: self.decoding,
            default: self.default,
            enabled: self.enabled,
            still: false,
            duration_s: None,
            dolby_vision: None,
            width: info
                .as_ref()
                .map_or_else(|| side("width"), gst_video::VideoInfo::width),
            height: info
                .as_ref()
                .map_or_else(|| side("height"), gst_video::VideoInfo::height),
            orientation: self.orientation(),
            sample_aspect: par.map_or(SampleAspect::SQUARE, |par| {
                SampleAspect::plausible(par.numer().unsigned_abs(), par.denom().unsigned_abs())
            }),
            frame_rate: timing.rate,
            variable_frame_rate: timing.variable,
            second_late_ns: timing.second_late_ns,
            interlaced,
            bit_depth: format
                .and_then(|f| f.depth().first().copied())
                .and_then(|d| u8::try_from(d).ok())
                .unwrap_or(8),
            chroma: format.map_or_else(|| "4:2:0".into(), |f| chroma(f).into()),
            hdr: colorimetry.as_ref().and_then(hdr),
            colorimetry: colorimetry.map(|c| c.to_string()),
            language: self.language(),
            bitrate: self.bitrate(),
        }
    }

    /// The colour of pictures that came out of the decoder as `info` says.
    fn colour(
        &self,
        info: &gst_video::VideoInfo,
        track: Option<&Track>,
    ) -> gst_video::VideoColorimetry {
        let decoded = self.decoded.as_deref().filter(|_| self.colour_decoded);
        // Behind the demuxer the container's word is gone, so what a parser says is the stream's.
        let parsed = self.steps.get(1..).and_then(<[gst::Caps]>::last);
        let bitstream = decoded
            .and_then(colour::of)
            .or_else(|| parsed.and_then(|caps| colour::of(caps)));
        // What a decoder makes up is not better than what is written there.
        let bitstream = match (self.colour_of_header(), bitstream) {
            (Some(header), Some(other)) => Some(completed(&header, &other)),
            (header, other) => header.or(other),
        };
        let demuxed = self.steps.first().and_then(|caps| colour::of(caps));
        // `qtdemux` does not look for it beside uncompressed pictures, among others, and makes up
        // one by their size.
        let numbers = track.and_then(|t| t.colour);
        let mut container = numbers.and_then(colour::numbered).or(demuxed);
        // `qtdemux` takes limited range for told where the file leaves it open, and up to 1.24 it
        // looks for full range in the wrong byte.
        if let Some(Range::Told(full)) = track.map(|t| t.range) {
            container = match container {
                Some(told) => Some(colour::in_range(&told, full)),
                None => full.map(colour::only_range),
            };
        }
        let format = info.format_info();
        let kind = if format.is_rgb() {
            colour::Kind::Rgb
        } else if format.is_gray() {
            colour::Kind::Grey
        } else {
            colour::Kind::Yuv
        };
        let picture = colour::Picture {
            kind,
            width: info.width(),
            height: info.height(),
            media_type: &self.media_type(),
        };
        colour::settle(bitstream, container, picture)
    }

    /// The range in the header of a stream, if nothing else is known of it.
    fn colour_of_header(&self) -> Option<gst_video::VideoColorimetry> {
        let kept = self.field::<gst::Buffer>("codec_data");
        let kept = kept.as_ref().and_then(|kept| kept.map_readable().ok());
        let kept = kept.as_deref().unwrap_or_default();
        let full = headers::full_range(&self.media_type(), &self.beginning, kept)?;
        Some(colour::only_range(full))
    }

    pub(super) fn audio(&self) -> AudioStream {
        let decoded = |name: &str| self.decoded.as_ref()?.structure(0)?.get::<i32>(name).ok();
        let number = |name: &str| {
            decoded(name)
                .or_else(|| self.field::<i32>(name))
                .and_then(|n| u32::try_from(n).ok())
                .unwrap_or(0)
        };
        // A rate of a few samples a second would make hours of sound of nothing.
        let rates = 1_000..=768_000;
        let decoding = match self.decoding {
            Decoding::Works if !rates.contains(&number("rate")) => Decoding::Skipped,
            decoding => decoding,
        };
        AudioStream {
            index: self.key.index,
            codec: self.codec(),
            decoding,
            default: self.default,
            enabled: self.enabled,
            commentary: self.is_commentary(),
            duration_s: None,
            channels: number("channels"),
            speakers: Vec::new(),
            sample_rate: number("rate"),
            language: self.language(),
            bitrate: self.bitrate(),
        }
    }

    /// What the headers of an MP4 file say about this track.
    pub(super) fn track_of<'a>(&self, front: &'a Front) -> Option<&'a Track> {
        front.tracks.get(&self.track?)
    }

    /// True if its caps name a kind of encryption.
    pub(super) fn is_encrypted(&self) -> bool {
        const NAMES: [&str; 3] = [
            "application/x-cenc",
            "application/x-cbcs",
            "application/x-webm-enc",
        ];
        self.steps
            .first()
            .and_then(|caps| caps.structure(0))
            .is_some_and(|s| NAMES.contains(&s.name().as_str()))
    }

    /// True if the track's title says that it is a commentary.
    fn is_commentary(&self) -> bool {
        let title = self.tags.get::<gst::tags::Title>();
        title.is_some_and(|t| t.get().to_lowercase().contains("commentary"))
    }

    fn orientation(&self) -> Orientation {
        let Some(tag) = self.tags.get::<gst::tags::ImageOrientation>() else {
            return Orientation::default();
        };
        let (mirrored, turn) = match tag.get().strip_prefix("flip-") {
            Some(turn) => (true, turn),
            None => (false, tag.get()),
        };
        let degrees = turn
            .strip_prefix("rotate-")
            .and_then(|d| d.parse::<u16>().ok())
            .unwrap_or(0)
            % 360;
        Orientation {
            degrees: degrees / 90 * 90,
            mirrored,
        }
    }
}

fn chroma(format: gst_video::VideoFormatInfo) -> &'static str {
    if format.is_rgb() {
        "RGB"
    } else if format.is_gray() || format.n_components() < 3 {
        "4:0:0"
    } else {
        match (format.w_sub().get(1), format.h_sub().get(1)) {
            (Some(1), Some(1)) => "4:2:0",
            (Some(1), Some(0)) => "4:2:2",
            (Some(2), Some(0)) => "4:1:1",
            (Some(2), Some(2)) => "4:1:0",
            _ => "4:4:4",
        }
    }
}

fn hdr(colorimetry: &gst_video::VideoColorimetry) -> Option<HdrKind> {
    match colorimetry.transfer() {
        gst_video::VideoTransferFunction::Smpte2084 => Some(HdrKind::Pq),
        gst_video::VideoTransferFunction::AribStdB67 => Some(HdrKind::Hlg),
        _ => None,
    }
}
