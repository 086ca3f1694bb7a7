//! `clipsysound`: makes two channels without a gap, from running time zero on, of whatever sound
//! comes in.
//!
//! What it does to channels is in [`super::mix`], what it does to time in [`super::sound_clock`].
//! A stereo stream whose times are in order passes through it untouched.

use clipsy_domain::speaker::Speaker;
use gstreamer as gst;
use gstreamer::glib;
use gstreamer::subclass::prelude::*;

/// Factory name.
pub(crate) const NAME: &str = "clipsysound";

glib::wrapper! {
    pub struct Sound(ObjectSubclass<imp::Sound>)
        @extends gst::Element, gst::Object;
}

impl Sound {
    /// Says where the channels belong, in the order in which they come, as long as there are as
    /// many as `speakers`. Without it, and for other numbers, the caps say it.
    pub(crate) fn set_speakers(&self, speakers: &[Speaker]) {
        self.imp().set_speakers(speakers);
    }
}

mod imp {
    use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

    use gstreamer::prelude::*;
    use gstreamer::subclass::prelude::*;

    use super::super::mix::{Frame, Mixer};
    use super::super::sound_clock::{Placement, SoundClock};
    use super::{Speaker, glib, gst};

    /// Frames of silence that are given out at once: a gap can be an hour long.
    const SILENCE_AT_ONCE: u64 = 16_384;
    /// How long the step at a seam takes to fade, in seconds.
    const SEAM_S: f32 = 0.002;
    const STEREO_MASK: u64 = 0b11;
    const BYTES: usize = size_of::<f32>();

    pub struct Sound {
        sink: gst::Pad,
        source: gst::Pad,
        state: Mutex<State>,
    }

    #[derive(Default)]
    struct State {
        speakers: Vec<Speaker>,
        segment: Option<gst::FormattedSegment<gst::ClockTime>>,
        /// Segment or caps are new: the sound need not go on where it was.
        fresh: bool,
        input: Option<Input>,
        /// The segment of the output was sent.
        opened: bool,
    }

    /// What comes in, since there are caps.
    struct Input {
        rate: u32,
        channels: usize,
        mixer: Option<Mixer>,
        clock: SoundClock,
        /// Running time at which this rate began, and frames given out since.
        base_ns: u64,
        given: u64,
        /// The last frame before mixing was limited.
        last: Frame,
        /// The step at a seam, and how many frames of it are left.
        step: Frame,
        step_left: usize,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Sound {
        const NAME: &'static str = "ClipsySound";
        type Type = super::Sound;
        type ParentType = gst::Element;

        fn with_class(class: &Self::Class) -> Self {
            let pad = |name: &str| {
                class
                    .pad_template(name)
                    .map(|t| gst::Pad::builder_from_template(&t))
            };
            let sink = pad("sink").unwrap_or_else(|| gst::Pad::builder(gst::PadDirection::Sink));
            let source = pad("src").unwrap_or_else(|| gst::Pad::builder(gst::PadDirection::Src));
            let sink = sink
                .chain_function(|pad, parent, buffer| {
                    let failed = || Err(gst::FlowError::Error);
                    Self::catch_panic_pad_function(parent, failed, |own| own.take(pad, buffer))
                })
                .event_function(|pad, parent, event| {
                    Self::catch_panic_pad_function(parent, || false, |own| own.hear(pad, event))
                });
            Self {
                sink: sink.build(),
                source: source.build(),
                state: Mutex::default(),
            }
        }
    }

    impl ObjectImpl for Sound {
        fn constructed(&self) {
            self.parent_constructed();
            for pad in [&self.sink, &self.source] {
                if let Err(error) = self.obj().add_pad(pad) {
                    tracing::error!(%error, "a pad of the sound element cannot be added");
                }
            }
        }
    }

    impl GstObjectImpl for Sound {}

    impl ElementImpl for Sound {
        fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
            static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
                gst::subclass::ElementMetadata::new(
                    "Clipsy sound",
                    "Filter/Converter/Audio",
                    "Mixes to stereo after ITU-R BS.775 and keeps to the clock",
                    "The Clipsy developers",
                )
            });
            Some(&METADATA)
        }

        fn pad_templates() -> &'static [gst::PadTemplate] {
            static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
                let raw = || {
                    gst::Caps::builder("audio/x-raw")
                        .field("format", "F32LE")
                        .field("layout", "interleaved")
                        .field("rate", gst::IntRange::new(1, i32::MAX))
                };
                let any = raw().field("channels", gst::IntRange::new(1, 64)).build();
                let stereo = raw()
                    .field("channels", 2)
                    .field("channel-mask", gst::Bitmask::new(STEREO_MASK))
                    .build();
                [
                    ("src", gst::PadDirection::Src, stereo),
                    ("sink", gst::PadDirection::Sink, any),
                ]
                .into_iter()
                .filter_map(|(name, direction, caps)| {
                    gst::PadTemplate::new(name, direction, gst::PadPresence::Always, &caps).ok()
                })
                .collect()
            });
            &TEMPLATES
        }
    }

    impl Sound {
        pub(super) fn set_speakers(&self, speakers: &[Speaker]) {
            speakers.clone_into(&mut self.lock().speakers);
        }

        fn lock(&self) -> MutexGuard<'_, State> {
            self.state.lock().unwrap_or_else(PoisonError::into_inner)
        }

        fn hear(&self, pad: &gst::Pad, event: gst::Event) -> bool {
            match event.view() {
                gst::EventView::Caps(caps) => self.negotiate(caps.caps()),
                gst::EventView::Segment(segment) => {
                    let mut state = self.lock();
                    state.segment = segment.segment().downcast_ref().cloned();
                    state.fresh = true;
                    true
                }
                // Silence is made when the next sound shows how much is missing.
                gst::EventView::Gap(_) => true,
                gst::EventView::Eos(_) => {
                    let _ = self.drain(&mut self.lock());
                    gst::Pad::event_default(pad, Some(&*self.obj()), event)
                }
                _ => gst::Pad::event_default(pad, Some(&*self.obj()), event),
            }
        }

        fn negotiate(&self, caps: &gst::CapsRef) -> bool {
            let Some((rate, channels, speakers)) = read_caps(caps) else {
                return false;
            };
            let mut state = self.lock();
            // What is left belongs in front of the new caps, and new caps come with new sound.
            let _ = self.drain(&mut state);
            state.fresh = true;
            let told = Some(&state.speakers).filter(|told| told.len() == channels);
            let speakers = told
                .cloned()
                .or(speakers)
                .or_else(|| Speaker::usual(channels));
            let mixer = match speakers {
                Some(speakers) => Mixer::new(&speakers, rate),
                None => Some(Mixer::guessing(channels, rate)),
            };
            if let Some(input) = &mut state.input
                && input.rate == rate
            {
                input.channels = channels;
                input.mixer = mixer;
                return true;
            }
            let before = state.input.take();
            let base_ns = before
                .as_ref()
                .map_or(0, |input| input.time_ns(input.given));
            let mut clock = before.map_or_else(|| SoundClock::new(rate), |input| input.clock);
            clock.set_rate(rate);
            state.input = Some(Input {
                rate,
                channels,
                mixer,
                clock,
                base_ns,
                given: 0,
                last: [0.0; 2],
                step: [0.0; 2],
                step_left: 0,
            });
            let caps = gst::Caps::builder("audio/x-raw")
                .field("format", "F32LE")
                .field("layout", "interleaved")
                .field("rate", i32::try_from(rate).unwrap_or(i32::MAX))
                .field("channels", 2)
                .field("channel-mask", gst::Bitmask::new(STEREO_MASK))
                .build();
            let mut accepted = self.source.push_event(gst::event::Caps::new(&caps));
            if !state.opened {
                state.opened = true;
                let whole = gst::FormattedSegment::<gst::ClockTime>::new();
                accepted &= self.source.push_event(gst::event::Segment::new(&whole));
            }
            accepted
        }

        fn take(
            &self,
            _pad: &gst::Pad,
            buffer: gst::Buffer,
        ) -> Result<gst::FlowSuccess, gst::FlowError> {
            let mut state = self.lock();
            let fresh = std::mem::take(&mut state.fresh)
                || buffer.flags().contains(gst::BufferFlags::DISCONT);
            let State { segment, input, .. } = &mut *state;
            let input = input.as_mut().ok_or(gst::FlowError::NotNegotiated)?;
            let frame_bytes = input.channels * BYTES;
            let frames = buffer.size() / frame_bytes;
            let (start_ns, cut) = input.locate(segment.as_ref(), buffer.pts(), frames);
            let mut placement = input.clock.place(start_ns, frames - cut, fresh);
            placement.skip += cut;
            if input.passes(placement) && is_sane(&buffer) {
                return self.pass_on(input, buffer, frames);
            }
            let mut silence = placement.silence;
            while silence > 0 {
                let now = silence.min(SILENCE_AT_ONCE);
                let mut quiet = vec![[0.0; 2]; usize::try_from(now).unwrap_or(0)];
                input.smooth(&mut quiet, placement.seam && silence == placement.silence);
                self.give(input, quiet)?;
                silence -= now;
            }
            let mut sound = input.read(&buffer, placement.skip)?;
            sound = bend(sound, input.last, placement.bend);
            input.smooth(&mut sound, placement.seam);
            self.give(input, sound)
        }

        /// Hands `buffer` on as it is, but for its time.
        fn pass_on(
            &self,
            input: &mut Input,
            mut buffer: gst::Buffer,
            frames: usize,
        ) -> Result<gst::FlowSuccess, gst::FlowError> {
            if let Ok(map) = buffer.map_readable() {
                let mut samples = samples(&map[map.len().saturating_sub(2 * BYTES)..]);
                if let (Some(left), Some(right)) = (samples.next(), samples.next()) {
                    input.last = [left, right];
                }
            }
            input.stamp(buffer.make_mut(), frames);
            self.source.push(buffer)
        }

        /// Sends `frames` on through the mixer's limiter.
        fn give(
            &self,
            input: &mut Input,
            mut frames: Vec<Frame>,
        ) -> Result<gst::FlowSuccess, gst::FlowError> {
            if let Some(last) = frames.last() {
                input.last = *last;
            }
            if let Some(mixer) = &mut input.mixer {
                mixer.limit(&mut frames);
            }
            self.send(input, &frames)
        }

        fn send(
            &self,
            input: &mut Input,
            frames: &[Frame],
        ) -> Result<gst::FlowSuccess, gst::FlowError> {
            if frames.is_empty() {
                return Ok(gst::FlowSuccess::Ok);
            }
            let bytes = frames
                .iter()
                .flatten()
                .flat_map(|sample| sample.to_le_bytes());
            let mut buffer = gst::Buffer::from_mut_slice(bytes.collect::<Vec<u8>>());
            input.stamp(buffer.make_mut(), frames.len());
            self.source.push(buffer)
        }

        /// Sends what the limiter still holds.
        fn drain(&self, state: &mut State) -> Result<gst::FlowSuccess, gst::FlowError> {
            let Some(input) = &mut state.input else {
                return Ok(gst::FlowSuccess::Ok);
            };
            let rest = input.mixer.as_mut().map(Mixer::drain).unwrap_or_default();
            self.send(input, &rest)
        }
    }

    impl Input {
        /// Running time of a buffer, and how many of its frames lie in front of its segment.
        fn locate(
            &self,
            segment: Option<&gst::FormattedSegment<gst::ClockTime>>,
            pts: Option<gst::ClockTime>,
            frames: usize,
        ) -> (Option<i64>, usize) {
            let (Some(segment), Some(pts)) = (segment, pts) else {
                return (None, 0);
            };
            let early = segment
                .start()
                .map_or(0, |start| start.nseconds().saturating_sub(pts.nseconds()));
            let cut = usize::try_from(u128::from(early) * u128::from(self.rate) / 1_000_000_000);
            let cut = cut.unwrap_or(frames).min(frames);
            let first = pts + gst::ClockTime::from_nseconds(self.duration_ns(cut));
            let start = match segment.to_running_time_full(first) {
                Some(gst::Signed::Positive(time)) => i64::try_from(time.nseconds()).ok(),
                Some(gst::Signed::Negative(time)) => {
                    i64::try_from(time.nseconds()).ok().map(|t| -t)
                }
                None => None,
            };
            (start, cut)
        }

        /// True if a buffer needs nothing but a new time.
        fn passes(&self, placement: Placement) -> bool {
            self.mixer.is_none() && self.step_left == 0 && placement == Placement::default()
        }

        /// The frames of `buffer` from `skip` on, as two channels.
        fn read(&self, buffer: &gst::Buffer, skip: usize) -> Result<Vec<Frame>, gst::FlowError> {
            let map = buffer.map_readable().map_err(|_| gst::FlowError::Error)?;
            let frames = map.chunks_exact(self.channels * BYTES).skip(skip);
            Ok(match &self.mixer {
                Some(mixer) => frames.map(|frame| mixer.mix(samples(frame))).collect(),
                None => frames
                    .map(|frame| {
                        let mut pair = samples(frame);
                        [pair.next().unwrap_or(0.0), pair.next().unwrap_or(0.0)]
                    })
                    .collect(),
            })
        }

        /// Lets the step at a seam fade, so that it is not heard as a click.
        fn smooth(&mut self, frames: &mut [Frame], seam: bool) {
            let whole = (self.rate as f32 * SEAM_S).max(1.0);
            if seam && let Some(first) = frames.first() {
                self.step = [self.last[0] - first[0], self.last[1] - first[1]];
                self.step_left = whole as usize;
            }
            for frame in frames.iter_mut().take(self.step_left) {
                let share = self.step_left as f32 / whole;
                for (sample, step) in frame.iter_mut().zip(self.step) {
                    *sample += step * share;
                }
                self.step_left -= 1;
            }
        }

        fn stamp(&mut self, buffer: &mut gst::BufferRef, frames: usize) {
            let start = self.time_ns(self.given);
            self.given += frames as u64;
            let end = self.time_ns(self.given);
            buffer.set_pts(gst::ClockTime::from_nseconds(start));
            buffer.set_dts(gst::ClockTime::NONE);
            buffer.set_duration(gst::ClockTime::from_nseconds(end - start));
            // No element behind this one has to look for a gap.
            buffer.unset_flags(gst::BufferFlags::DISCONT | gst::BufferFlags::RESYNC);
        }

        fn time_ns(&self, frames: u64) -> u64 {
            let ns = u128::from(frames) * 1_000_000_000 / u128::from(self.rate);
            self.base_ns + u64::try_from(ns).unwrap_or(u64::MAX)
        }

        fn duration_ns(&self, frames: usize) -> u64 {
            (frames as u64).saturating_mul(1_000_000_000) / u64::from(self.rate)
        }
    }

    /// Rate, number of channels and, if the caps say, where they belong.
    fn read_caps(caps: &gst::CapsRef) -> Option<(u32, usize, Option<Vec<Speaker>>)> {
        let structure = caps.structure(0)?;
        let rate = u32::try_from(structure.get::<i32>("rate").ok()?).ok()?;
        let channels = usize::try_from(structure.get::<i32>("channels").ok()?).ok()?;
        let mask = structure
            .get::<gst::Bitmask>("channel-mask")
            .map_or(0, |m| *m);
        (rate > 0 && channels > 0).then(|| (rate, channels, Speaker::from_mask(mask, channels)))
    }

    fn samples(bytes: &[u8]) -> impl Iterator<Item = f32> {
        let each = bytes.chunks_exact(BYTES);
        each.map(|b| sane(f32::from_le_bytes([b[0], b[1], b[2], b[3]])))
    }

    /// More than this is no sound, and encoders give up on it.
    const LOUDEST: f32 = 16.0;

    /// Silence for what is no number, and an end to what is too much.
    fn sane(sample: f32) -> f32 {
        if sample.is_nan() {
            0.0
        } else {
            sample.clamp(-LOUDEST, LOUDEST)
        }
    }

    fn is_sane(buffer: &gst::Buffer) -> bool {
        let is_sane = |b: &[u8]| f32::from_le_bytes([b[0], b[1], b[2], b[3]]).abs() <= LOUDEST;
        buffer
            .map_readable()
            .is_ok_and(|map| map.chunks_exact(BYTES).all(is_sane))
    }

    /// `frames` made longer by `by` frames or, below zero, shorter: the pitch changes by less than
    /// anyone hears. `before` is the frame in front of them.
    fn bend(frames: Vec<Frame>, before: Frame, by: i64) -> Vec<Frame> {
        let length = frames.len() as f64;
        let longer = length + by as f64;
        if by == 0 || longer < 1.0 {
            return frames;
        }
        let at = |index: usize| match index.checked_sub(1) {
            Some(index) => frames.get(index).copied().unwrap_or(before),
            None => before,
        };
        (1..=longer as usize)
            .map(|n| {
                let place = n as f64 * length / longer;
                let (whole, part) = (place as usize, place.fract() as f32);
                let (a, b) = (at(whole), at((whole + 1).min(frames.len())));
                [0, 1].map(|side| a[side] + (b[side] - a[side]) * part)
            })
            .collect()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn bent_sound_ends_where_it_did_and_has_no_step() {
            let ramp: Vec<Frame> = (1..=512u16)
                .map(|n| [f32::from(n), -f32::from(n)])
                .collect();
            for by in [-2, 0, 2] {
                let bent = bend(ramp.clone(), [0.0; 2], by);
                assert_eq!(i64::try_from(bent.len()), Ok(512 + by));
                assert!((bent[bent.len() - 1][0] - 512.0).abs() < 1e-3);
                let steps = bent.windows(2).map(|w| w[1][0] - w[0][0]);
                assert!(steps.into_iter().all(|step| (step - 1.0).abs() < 0.01));
            }
        }
    }
}
