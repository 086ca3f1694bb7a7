//! `clipsyrate`: brings pictures to one constant frame rate, each standing until the time of the
//! next.
//!
//! `videorate` shows a picture up to half a gap before its time, begins anew on each segment and
//! copies every picture. This element places pictures by their running time alone (see
//! [`super::cadence`]), gives out one segment, and copies only what it repeats. At the end it
//! holds the last picture as long as the sound goes on (see [`super::tail`]).

use std::sync::Arc;

use clipsy_domain::frame_rate::FrameRate;
use gstreamer as gst;
use gstreamer::glib;
use gstreamer::subclass::prelude::*;

use super::tail::Tails;

/// Factory name.
pub(crate) const NAME: &str = "clipsyrate";

glib::wrapper! {
    pub struct Rate(ObjectSubclass<imp::Rate>) @extends gst::Element, gst::Object;
}

/// What the element is told before it runs.
pub(crate) struct Setup {
    /// Rate of the output.
    pub(crate) rate: FrameRate,
    /// How many pictures of the source there are for each output frame, rounded; at least 1.
    pub(crate) marks: u64,
    /// By how much the second picture is late against the rate, by jitter.
    pub(crate) second_late_ns: i64,
    /// Where the ends of picture and sound meet.
    pub(crate) tails: Arc<Tails>,
}

impl Rate {
    /// To be called once, before the element runs.
    pub(crate) fn configure(&self, setup: Setup) {
        self.imp().configure(setup);
    }
}

mod imp {
    use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

    use gstreamer::prelude::*;

    use super::super::cadence::Cadence;
    use super::super::element::field_free;
    use super::{Setup, glib, gst};
    use gstreamer::subclass::prelude::*;

    pub struct Rate {
        sink: gst::Pad,
        src: gst::Pad,
        setup: Mutex<Option<Setup>>,
        state: Mutex<State>,
    }

    #[derive(Default)]
    struct State {
        segment: Option<gst::FormattedSegment<gst::ClockTime>>,
        cadence: Option<Cadence>,
        held: Option<Held>,
        /// Output frames pushed so far.
        frames: u64,
    }

    struct Held {
        picture: gst::Buffer,
        time_ns: Option<u64>,
        end_ns: Option<u64>,
    }

    impl Rate {
        pub(super) fn configure(&self, setup: Setup) {
            *self.setup.lock().unwrap_or_else(PoisonError::into_inner) = Some(setup);
        }

        fn state(&self) -> MutexGuard<'_, State> {
            self.state.lock().unwrap_or_else(PoisonError::into_inner)
        }

        fn with_setup<T>(&self, use_it: impl FnOnce(&Setup) -> T) -> Option<T> {
            let setup = self.setup.lock().unwrap_or_else(PoisonError::into_inner);
            setup.as_ref().map(use_it)
        }

        fn chain(&self, picture: gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
            let mut state = self.state();
            let running = |at: Option<gst::ClockTime>| {
                let segment = state.segment.as_ref()?;
                segment.to_running_time(at?).map(gst::ClockTime::nseconds)
            };
            let time_ns = running(picture.pts());
            if picture.pts().is_some() && time_ns.is_none() {
                // Before the beginning that the container gives.
                return Ok(gst::FlowSuccess::Ok);
            }
            let end_ns = time_ns
                .zip(picture.duration())
                .map(|(start, duration)| start + duration.nseconds());
            if let Some(end) = end_ns.or(time_ns) {
                self.with_setup(|setup| setup.tails.picture_reached(end));
            }
            let held = state.held.replace(Held {
                picture,
                time_ns,
                end_ns,
            });
            let Some(held) = held else {
                return Ok(gst::FlowSuccess::Ok);
            };
            self.begin(&mut state, time_ns.or(held.time_ns), held.time_ns)?;
            let count = match &mut state.cadence {
                Some(cadence) => cadence.place(time_ns),
                None => 0,
            };
            self.show(&mut state, held.picture, count)
        }

        /// Lays the grid when the second picture has come, since the first may be cut short by the
        /// beginning of its segment, and places the first picture on it.
        fn begin(
            &self,
            state: &mut State,
            example_ns: Option<u64>,
            first_ns: Option<u64>,
        ) -> Result<(), gst::FlowError> {
            if state.cadence.is_some() {
                return Ok(());
            }
            let mut cadence = self
                .with_setup(|s| {
                    let example = example_ns
                        .unwrap_or(0)
                        .saturating_add_signed(-s.second_late_ns);
                    Cadence::new(s.rate, s.marks, example)
                })
                .ok_or(gst::FlowError::NotNegotiated)?;
            cadence.place(first_ns);
            state.cadence = Some(cadence);
            let segment = gst::FormattedSegment::<gst::ClockTime>::new();
            self.src.push_event(gst::event::Segment::new(&segment));
            Ok(())
        }

        /// Pushes `count` output frames that show `picture`.
        fn show(
            &self,
            state: &mut State,
            picture: gst::Buffer,
            count: u64,
        ) -> Result<gst::FlowSuccess, gst::FlowError> {
            let mut picture = Some(picture);
            for left in (0..count).rev() {
                let Some(cadence) = &state.cadence else {
                    break;
                };
                let start = cadence.frame_start_ns(state.frames);
                let end = cadence.frame_start_ns(state.frames + 1);
                // The last one takes the picture itself, so that it can go back to its pool.
                let mut frame = if left == 0 {
                    match picture.take() {
                        Some(picture) => picture,
                        None => break,
                    }
                } else {
                    match &picture {
                        Some(picture) => picture.copy(),
                        None => break,
                    }
                };
                let fields = frame.make_mut();
                fields.set_pts(gst::ClockTime::from_nseconds(start));
                fields.set_dts(gst::ClockTime::NONE);
                fields.set_duration(gst::ClockTime::from_nseconds(end - start));
                state.frames += 1;
                self.src.push(frame)?;
            }
            Ok(gst::FlowSuccess::Ok)
        }

        /// Shows the last picture for its own length, then as long as the sound goes on.
        fn finish(&self) {
            let mut state = self.state();
            let Some(held) = state.held.take() else {
                drop(state);
                if let Some(tails) = self.with_setup(|s| s.tails.clone()) {
                    tails.hold_picture(|_| ());
                }
                return;
            };
            if self.begin(&mut state, held.time_ns, held.time_ns).is_err() {
                return;
            }
            let last = held.picture.copy();
            let count = state.cadence.as_mut().map_or(0, |c| c.finish(held.end_ns));
            let mut flow = self.show(&mut state, held.picture, count);
            let Some(tails) = self.with_setup(|s| s.tails.clone()) else {
                return;
            };
            tails.hold_picture(|to_ns| {
                let count = state.cadence.as_mut().map_or(0, |c| c.finish(Some(to_ns)));
                if flow.is_ok() {
                    flow = self.show(&mut state, last.copy(), count);
                }
            });
        }

        fn sink_event(&self, event: gst::Event) -> bool {
            match event.view() {
                gst::EventView::Caps(caps) => {
                    let Some(rate) = self.with_setup(|s| s.rate) else {
                        return false;
                    };
                    let mut caps = caps.caps_owned();
                    let fraction = gst::Fraction::new(
                        i32::try_from(rate.num()).unwrap_or(i32::MAX),
                        i32::try_from(rate.den()).unwrap_or(i32::MAX),
                    );
                    for structure in caps.make_mut().iter_mut() {
                        structure.set("framerate", fraction);
                        structure.remove_field("max-framerate");
                    }
                    self.src.push_event(gst::event::Caps::new(&caps))
                }
                gst::EventView::Segment(segment) => {
                    if let Some(segment) = segment.segment().downcast_ref::<gst::ClockTime>() {
                        self.state().segment = Some(segment.clone());
                    }
                    true
                }
                gst::EventView::Gap(gap) => {
                    // Nothing new until its end: the picture stands.
                    let (start, duration) = gap.get();
                    let mut state = self.state();
                    let end = start + duration.unwrap_or(gst::ClockTime::ZERO);
                    let end = state.segment.as_ref().and_then(|s| s.to_running_time(end));
                    if let (Some(held), Some(end)) = (&mut state.held, end) {
                        held.end_ns = held.end_ns.max(Some(end.nseconds()));
                    }
                    true
                }
                gst::EventView::Eos(_) => {
                    self.finish();
                    self.src.push_event(event)
                }
                _ => gst::Pad::event_default(&self.sink, Some(&*self.obj()), event),
            }
        }

        /// Any rate comes in; the rest is up to what follows.
        fn sink_query(&self, query: &mut gst::QueryRef) -> bool {
            if let gst::QueryViewMut::Caps(caps) = query.view_mut() {
                let filter = caps.filter_owned().map(field_free("framerate"));
                let possible = self.src.peer_query_caps(filter.as_ref());
                let possible = field_free("framerate")(possible);
                let result = match caps.filter() {
                    Some(filter) => {
                        filter.intersect_with_mode(&possible, gst::CapsIntersectMode::First)
                    }
                    None => possible,
                };
                caps.set_result(&result);
                return true;
            }
            gst::Pad::query_default(&self.sink, Some(&*self.obj()), query)
        }
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Rate {
        const NAME: &'static str = "ClipsyRate";
        type Type = super::Rate;
        type ParentType = gst::Element;

        fn with_class(class: &Self::Class) -> Self {
            let template = |name: &str| class.pad_template(name);
            let pad = |builder: gst::PadBuilder<gst::Pad>| {
                builder.flags(gst::PadFlags::PROXY_ALLOCATION | gst::PadFlags::PROXY_SCHEDULING)
            };
            let named = |name: &str, direction| match template(name) {
                Some(template) => gst::Pad::builder_from_template(&template),
                None => gst::Pad::builder(direction),
            };
            let sink = pad(named("sink", gst::PadDirection::Sink))
                .chain_function(|_, parent, buffer| {
                    Self::catch_panic_pad_function(
                        parent,
                        || Err(gst::FlowError::Error),
                        |rate| rate.chain(buffer),
                    )
                })
                .event_function(|_, parent, event| {
                    Self::catch_panic_pad_function(parent, || false, |rate| rate.sink_event(event))
                })
                .query_function(|_, parent, query| {
                    Self::catch_panic_pad_function(parent, || false, |rate| rate.sink_query(query))
                })
                .build();
            let src = pad(named("src", gst::PadDirection::Src)).build();
            Self {
                sink,
                src,
                setup: Mutex::default(),
                state: Mutex::default(),
            }
        }
    }

    impl ObjectImpl for Rate {
        fn constructed(&self) {
            self.parent_constructed();
            let element = self.obj();
            for pad in [&self.sink, &self.src] {
                // The pads are new and have different names, so they are always taken.
                let _ = element.add_pad(pad);
            }
        }
    }

    impl GstObjectImpl for Rate {}

    impl ElementImpl for Rate {
        fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
            static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
                gst::subclass::ElementMetadata::new(
                    "Clipsy frame rate",
                    "Filter/Effect/Video",
                    "Constant frame rate; each picture stands until the time of the next",
                    "The Clipsy developers",
                )
            });
            Some(&METADATA)
        }

        fn pad_templates() -> &'static [gst::PadTemplate] {
            static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
                let caps = gst::Caps::builder("video/x-raw").any_features().build();
                [
                    ("src", gst::PadDirection::Src),
                    ("sink", gst::PadDirection::Sink),
                ]
                .into_iter()
                .filter_map(|(name, direction)| {
                    gst::PadTemplate::new(name, direction, gst::PadPresence::Always, &caps).ok()
                })
                .collect()
            });
            &TEMPLATES
        }
    }
}
