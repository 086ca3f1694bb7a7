//! The element: its pads, events and states.

use gstreamer as gst;
use gstreamer::glib;

glib::wrapper! {
    pub struct Ladder(ObjectSubclass<imp::Ladder>)
        @extends gst::Element, gst::Object, @implements gst::ChildProxy;
}

mod imp {
    use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

    use gst::prelude::*;
    use gst::subclass::prelude::*;
    use gstreamer_video as gst_video;

    use super::{glib, gst};
    use crate::CATEGORY;
    use crate::fit::Frame;
    use crate::ladder::{self, Common, Entry, Picture, Wanted};
    use crate::outlet::{SHIFT, Stamp};
    use crate::pad::LadderPad;
    use crate::x264::Colour;

    /// Pictures that the look-ahead sees: as many as make no difference to more.
    const LOOK_AHEAD: u32 = 16;
    /// The rendition that analyses is the smallest of those with at least so many lines: what it does not
    /// show, the larger ones cannot learn from it.
    const LEAST_LINES: u32 = 480;

    pub struct Ladder {
        sink: gst::Pad,
        state: Mutex<State>,
    }

    #[derive(Default)]
    struct State {
        look_ahead: Option<u32>,
        pads: Vec<LadderPad>,
        next_pad: u32,
        info: Option<gst_video::VideoInfo>,
        /// Events that go before the next picture.
        events: Vec<gst::Event>,
        forced: bool,
        pictures: i64,
        /// When the last picture ended.
        end: gst::ClockTime,
        running: Option<ladder::Ladder>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Ladder {
        const NAME: &'static str = "ClipsyX264Ladder";
        type Type = super::Ladder;
        type ParentType = gst::Element;
        type Interfaces = (gst::ChildProxy,);

        fn with_class(class: &Self::Class) -> Self {
            let template = class.pad_template("sink");
            let builder = match &template {
                Some(template) => gst::Pad::builder_from_template(template),
                None => gst::Pad::builder(gst::PadDirection::Sink),
            };
            let sink = builder
                .chain_function(|_, parent, buffer| {
                    let failed = || Err(gst::FlowError::Error);
                    Self::catch_panic_pad_function(parent, failed, |this| this.chain(buffer))
                })
                .event_function(|pad, parent, event| {
                    let failed = || false;
                    Self::catch_panic_pad_function(parent, failed, |this| this.event(pad, event))
                })
                .query_function(|pad, parent, query| {
                    let failed = || false;
                    Self::catch_panic_pad_function(parent, failed, |this| this.query(pad, query))
                })
                .build();
            Self {
                sink,
                state: Mutex::default(),
            }
        }
    }

    impl ObjectImpl for Ladder {
        fn constructed(&self) {
            self.parent_constructed();
            if let Err(error) = self.obj().add_pad(&self.sink) {
                gst::error!(CATEGORY, imp = self, "no sink pad: {error}");
            }
        }

        fn properties() -> &'static [glib::ParamSpec] {
            static PROPERTIES: LazyLock<Vec<glib::ParamSpec>> = LazyLock::new(|| {
                let look_ahead = glib::ParamSpecUInt::builder("look-ahead")
                    .nick("look-ahead")
                    .blurb("Pictures that the look-ahead sees")
                    .minimum(1)
                    .maximum(250)
                    .default_value(LOOK_AHEAD)
                    .mutable_ready();
                vec![look_ahead.build()]
            });
            &PROPERTIES
        }

        fn set_property(&self, _id: usize, value: &glib::Value, _spec: &glib::ParamSpec) {
            self.state().look_ahead = value.get().ok();
        }

        fn property(&self, _id: usize, _spec: &glib::ParamSpec) -> glib::Value {
            self.state().look_ahead.unwrap_or(LOOK_AHEAD).to_value()
        }
    }

    impl GstObjectImpl for Ladder {}

    /// So that `gst-launch-1.0` can set what belongs to a rendition: `src_0::bitrate=5000`.
    impl ChildProxyImpl for Ladder {
        fn children_count(&self) -> u32 {
            u32::try_from(self.state().pads.len()).unwrap_or(u32::MAX)
        }

        fn child_by_name(&self, name: &str) -> Option<glib::Object> {
            let state = self.state();
            let pad = state.pads.iter().find(|pad| pad.name() == name)?;
            Some(pad.clone().upcast())
        }

        fn child_by_index(&self, index: u32) -> Option<glib::Object> {
            let state = self.state();
            Some(state.pads.get(index as usize)?.clone().upcast())
        }
    }

    impl ElementImpl for Ladder {
        fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
            static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
                gst::subclass::ElementMetadata::new(
                    "x264 ladder",
                    "Codec/Encoder/Video",
                    "Encodes several sizes of a video as H.264 with one look-ahead",
                    "The Clipsy developers",
                )
            });
            Some(&METADATA)
        }

        fn pad_templates() -> &'static [gst::PadTemplate] {
            static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
                let raw = gst_video::VideoCapsBuilder::new()
                    .format(gst_video::VideoFormat::I420)
                    .field("interlace-mode", "progressive")
                    .build();
                let coded = gst::Caps::builder("video/x-h264")
                    .field("stream-format", "byte-stream")
                    .field("alignment", "au")
                    .build();
                let sink = gst::PadTemplate::new(
                    "sink",
                    gst::PadDirection::Sink,
                    gst::PadPresence::Always,
                    &raw,
                );
                let source = gst::PadTemplate::with_gtype(
                    "src_%u",
                    gst::PadDirection::Src,
                    gst::PadPresence::Request,
                    &coded,
                    LadderPad::static_type(),
                );
                [sink, source].into_iter().flatten().collect()
            });
            &TEMPLATES
        }

        fn request_new_pad(
            &self,
            template: &gst::PadTemplate,
            name: Option<&str>,
            _caps: Option<&gst::Caps>,
        ) -> Option<gst::Pad> {
            let mut state = self.state();
            if state.running.is_some() {
                gst::error!(
                    CATEGORY,
                    imp = self,
                    "no renditions can be added in mid-run"
                );
                return None;
            }
            let wanted = name.and_then(|name| name.strip_prefix("src_")?.parse().ok());
            let number = wanted.unwrap_or(state.next_pad);
            state.next_pad = state.next_pad.max(number.saturating_add(1));
            let pad = gst::PadBuilder::<LadderPad>::from_template(template)
                .name(format!("src_{number}"))
                .event_function(|pad, parent, event| {
                    let failed = || false;
                    Self::catch_panic_pad_function(parent, failed, |this| {
                        this.source_event(pad.upcast_ref(), event)
                    })
                })
                .build();
            state.pads.push(pad.clone());
            drop(state);
            let _ = pad.set_active(true);
            self.obj().add_pad(&pad).ok()?;
            self.obj().child_added(&pad, &pad.name());
            Some(pad.upcast())
        }

        fn release_pad(&self, pad: &gst::Pad) {
            self.state()
                .pads
                .retain(|known| known.upcast_ref::<gst::Pad>() != pad);
            let _ = pad.set_active(false);
            let _ = self.obj().remove_pad(pad);
        }

        fn change_state(
            &self,
            change: gst::StateChange,
        ) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
            if change == gst::StateChange::PausedToReady
                && let Some(entry) = self.entry()
            {
                // Whoever waits for room would keep the pads from being closed.
                entry.flush();
            }
            let result = self.parent_change_state(change);
            if change == gst::StateChange::PausedToReady {
                self.reset();
                self.state().info = None;
            }
            result
        }
    }

    impl Ladder {
        fn state(&self) -> MutexGuard<'_, State> {
            self.state.lock().unwrap_or_else(PoisonError::into_inner)
        }

        fn entry(&self) -> Option<Entry> {
            self.state().running.as_ref().map(ladder::Ladder::entry)
        }

        /// Forgets all pictures.
        fn reset(&self) {
            let mut state = self.state();
            let running = state.running.take();
            state.events.clear();
            state.forced = false;
            state.pictures = 0;
            state.end = gst::ClockTime::ZERO;
            drop(state);
            if let Some(running) = running {
                running.stop();
            }
        }

        fn chain(&self, buffer: gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
            let (entry, picture) = {
                let mut state = self.state();
                let info = state.info.clone().ok_or(gst::FlowError::NotNegotiated)?;
                let entry = match &state.running {
                    Some(running) => running.entry(),
                    None => self.start(&mut state, &info)?,
                };
                (entry, self.picture(&mut state, buffer, &info)?)
            };
            entry.give(picture)?;
            Ok(gst::FlowSuccess::Ok)
        }

        fn picture(
            &self,
            state: &mut State,
            buffer: gst::Buffer,
            info: &gst_video::VideoInfo,
        ) -> Result<Picture, gst::FlowError> {
            let pts = buffer.pts().unwrap_or(state.end);
            let fps = info.fps();
            let step = gst::ClockTime::SECOND.mul_div_round(
                fps.denom().unsigned_abs().into(),
                fps.numer().unsigned_abs().max(1).into(),
            );
            let duration = buffer.duration().or(step);
            state.end = pts + duration.unwrap_or_default();
            let frame = Frame::from_buffer_readable(buffer, info).map_err(|_| {
                gst::element_imp_error!(
                    self,
                    gst::StreamError::Format,
                    ["a picture does not fit its caps"]
                );
                gst::FlowError::Error
            })?;
            let number = state.pictures;
            state.pictures += 1;
            Ok(Picture {
                frame,
                number,
                stamp: Stamp {
                    pts,
                    duration,
                    forced: std::mem::take(&mut state.forced),
                    events: std::mem::take(&mut state.events),
                },
            })
        }

        /// Opens the encoders for pictures like these.
        fn start(
            &self,
            state: &mut State,
            info: &gst_video::VideoInfo,
        ) -> Result<Entry, gst::FlowError> {
            let or = |wanted: u32, source: u32| if wanted == 0 { source } else { wanted };
            let mut wanted: Vec<Wanted> = state
                .pads
                .iter()
                .map(|pad| {
                    let settings = pad.settings();
                    Wanted {
                        pad: pad.clone().upcast(),
                        size: (
                            or(settings.width, info.width()),
                            or(settings.height, info.height()),
                        ),
                        settings,
                    }
                })
                .collect();
            let sizes: Vec<(u32, u32)> = wanted.iter().map(|w| w.size).collect();
            let Some(analysing) = analysing(&sizes) else {
                return Err(gst::FlowError::NotLinked);
            };
            // Nobody can be faster than the one that analyses, which does more for its size than the others.
            let most = wanted.iter().map(|w| w.settings.threads).max().unwrap_or(1);
            let threads = &mut wanted[analysing].settings.threads;
            *threads = (*threads).max(most / 3);
            let rate = match info.fps() {
                rate if rate.numer() > 0 => rate,
                _ => gst::Fraction::new(25, 1),
            };
            let common = Common {
                rate,
                colour: colour(info),
                look_ahead: state.look_ahead.unwrap_or(LOOK_AHEAD),
                analysed: sizes[analysing],
            };
            let prepare = |wanted: &Wanted, profile: u8| {
                let caps = coded(wanted, profile, info, rate);
                wanted.pad.push_event(gst::event::Caps::new(&caps));
            };
            let element = self.obj();
            let started =
                ladder::Ladder::start(element.upcast_ref(), wanted, analysing, &common, prepare);
            match started {
                Ok(running) => {
                    let entry = running.entry();
                    state.running = Some(running);
                    Ok(entry)
                }
                Err((pad, error)) => {
                    ladder::post(element.upcast_ref(), &pad, &error);
                    Err(gst::FlowError::Error)
                }
            }
        }

        fn event(&self, pad: &gst::Pad, event: gst::Event) -> bool {
            match event.view() {
                gst::EventView::Caps(caps) => {
                    let info = gst_video::VideoInfo::from_caps(caps.caps());
                    let known = info.is_ok();
                    self.state().info = info.ok();
                    known
                }
                gst::EventView::Segment(segment) => {
                    let event = shifted(segment);
                    self.state().events.push(event);
                    true
                }
                gst::EventView::Gap(_) => true,
                gst::EventView::Eos(_) => match self.entry() {
                    Some(entry) => {
                        entry.end();
                        true
                    }
                    // Nothing ever came.
                    None => gst::Pad::event_default(pad, Some(&*self.obj()), event),
                },
                gst::EventView::FlushStart(_) => {
                    if let Some(entry) = self.entry() {
                        entry.flush();
                    }
                    gst::Pad::event_default(pad, Some(&*self.obj()), event)
                }
                gst::EventView::FlushStop(_) => {
                    self.reset();
                    gst::Pad::event_default(pad, Some(&*self.obj()), event)
                }
                gst::EventView::CustomDownstream(_) if gst_video::ForceKeyUnitEvent::is(&event) => {
                    self.state().forced = true;
                    true
                }
                _ => gst::Pad::event_default(pad, Some(&*self.obj()), event),
            }
        }

        fn source_event(&self, pad: &gst::Pad, event: gst::Event) -> bool {
            if gst_video::ForceKeyUnitEvent::is(&event) {
                // Renditions have their keyframes at the same pictures.
                self.state().forced = true;
                return true;
            }
            gst::Pad::event_default(pad, Some(&*self.obj()), event)
        }

        fn query(&self, pad: &gst::Pad, query: &mut gst::QueryRef) -> bool {
            if let gst::QueryViewMut::Allocation(allocation) = query.view_mut() {
                let (caps, _) = allocation.get_owned();
                let info = caps.and_then(|caps| gst_video::VideoInfo::from_caps(&caps).ok());
                let size = info.map_or(0, |info| u32::try_from(info.size()).unwrap_or(0));
                allocation.add_allocation_meta::<gst_video::VideoMeta>(None);
                // Pictures are held while they are looked ahead at: a pool with less would come to a stop.
                let held = self.state().look_ahead.unwrap_or(LOOK_AHEAD) + HELD;
                allocation.add_allocation_pool(None::<&gst::BufferPool>, size, held, 0);
                return true;
            }
            gst::Pad::query_default(pad, Some(&*self.obj()), query)
        }
    }

    /// Pictures that are held besides those that the look-ahead sees.
    const HELD: u32 = 24;

    /// Which of these sizes is analysed.
    fn analysing(sizes: &[(u32, u32)]) -> Option<usize> {
        let lines = |&i: &usize| sizes[i].0.min(sizes[i].1);
        let enough = (0..sizes.len()).filter(|i| lines(i) >= LEAST_LINES);
        enough
            .min_by_key(lines)
            .or_else(|| (0..sizes.len()).max_by_key(lines))
    }

    fn colour(info: &gst_video::VideoInfo) -> Colour {
        let colorimetry = info.colorimetry();
        Colour {
            full_range: colorimetry.range() == gst_video::VideoColorRange::Range0_255,
            matrix: colorimetry.matrix().to_iso(),
            primaries: colorimetry.primaries().to_iso(),
            transfer: colorimetry.transfer().to_iso(),
        }
    }

    fn coded(
        wanted: &Wanted,
        profile: u8,
        info: &gst_video::VideoInfo,
        rate: gst::Fraction,
    ) -> gst::Caps {
        let side = |length: u32| i32::try_from(length).unwrap_or(i32::MAX);
        let mut caps = gst::Caps::builder("video/x-h264")
            .field("stream-format", "byte-stream")
            .field("alignment", "au")
            .field("width", side(wanted.size.0))
            .field("height", side(wanted.size.1))
            .field("pixel-aspect-ratio", gst::Fraction::new(1, 1))
            .field("framerate", rate)
            .field("interlace-mode", "progressive");
        let name = match profile {
            66 => Some("baseline"),
            77 => Some("main"),
            100 => Some("high"),
            _ => None,
        };
        if let Some(name) = name {
            caps = caps.field("profile", name);
        }
        let colorimetry = info.colorimetry().to_string();
        if !colorimetry.is_empty() {
            caps = caps.field("colorimetry", colorimetry);
        }
        caps.build()
    }

    /// The same segment for later times.
    fn shifted(event: &gst::event::Segment) -> gst::Event {
        let segment = event.segment();
        let Some(time) = segment.downcast_ref::<gst::ClockTime>() else {
            return gst::event::Segment::new(segment);
        };
        let mut time = time.clone();
        let later = |at: Option<gst::ClockTime>| at.map(|at| at + SHIFT);
        time.set_start(later(time.start()));
        time.set_stop(later(time.stop()));
        time.set_position(later(time.position()));
        gst::event::Segment::new(&time)
    }

    #[cfg(test)]
    mod tests {
        use super::analysing;

        #[test]
        fn the_smallest_with_enough_lines_analyses() {
            assert_eq!(
                analysing(&[(1920, 1080), (1280, 720), (854, 480), (640, 360)]),
                Some(2)
            );
            assert_eq!(analysing(&[(1080, 1920), (720, 1280), (360, 640)]), Some(1));
            assert_eq!(analysing(&[(320, 180), (640, 360)]), Some(1));
            assert_eq!(analysing(&[]), None);
        }
    }
}
