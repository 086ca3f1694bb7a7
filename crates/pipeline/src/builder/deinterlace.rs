//! `clipsydeinterlace`: makes whole pictures of fields, and lets whole pictures through.
//!
//! Each picture is judged by its own flags, so that a stream may change between the two as often as
//! it likes, and comes out with its own time (docs/decisions/0007-deinterlace-to-frame-rate.md).

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::subclass::prelude::*;

/// Factory name.
pub(crate) const NAME: &str = "clipsydeinterlace";

glib::wrapper! {
    pub struct Deinterlacer(ObjectSubclass<imp::Deinterlacer>) @extends gst::Element, gst::Object;
}

impl Deinterlacer {
    /// Makes a picture of each field instead of one of each pair.
    pub(crate) fn use_every_field(&self) {
        self.imp().use_every_field();
    }
}

mod imp {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

    use gstreamer::prelude::*;
    use gstreamer::subclass::prelude::*;
    use gstreamer_video as gst_video;
    use gstreamer_video::prelude::*;
    use gstreamer_video::{
        VideoBufferFlags, VideoFieldOrder, VideoFrameRef, VideoInfo, VideoInterlaceMode,
    };

    use super::{glib, gst};
    use crate::builder::fields;
    use clipsy_picture::{Plane, PlaneMut, row_length};

    pub struct Deinterlacer {
        sink: gst::Pad,
        source: gst::Pad,
        every_field: AtomicBool,
        state: Mutex<Option<State>>,
    }

    struct State {
        info: VideoInfo,
        out_caps: gst::Caps,
        pool: gst::BufferPool,
        /// The picture before, whole or interlaced.
        previous: Option<gst::Buffer>,
        /// An interlaced picture whose second field has not been shown.
        second: Option<Fields>,
    }

    /// An interlaced picture.
    #[derive(Clone)]
    struct Fields {
        picture: gst::Buffer,
        top_first: bool,
    }

    impl Deinterlacer {
        pub(super) fn use_every_field(&self) {
            self.every_field.store(true, Ordering::Relaxed);
        }

        fn state(&self) -> MutexGuard<'_, Option<State>> {
            self.state.lock().unwrap_or_else(PoisonError::into_inner)
        }

        fn chain(&self, picture: &gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
            let ready = {
                let mut state = self.state();
                let state = state.as_mut().ok_or(gst::FlowError::NotNegotiated)?;
                let ready = state.take(picture, self.every_field.load(Ordering::Relaxed));
                ready.map_err(|error| {
                    gst::element_imp_error!(self, gst::StreamError::Failed, ["{error}"]);
                    gst::FlowError::Error
                })?
            };
            for picture in ready {
                self.source.push(picture)?;
            }
            Ok(gst::FlowSuccess::Ok)
        }

        fn event(&self, event: gst::Event) -> bool {
            match event.view() {
                gst::EventView::Caps(caps) => {
                    let caps = caps.caps_owned();
                    return self.set_caps(&caps, event.seqnum());
                }
                gst::EventView::FlushStop(_) => {
                    if let Some(state) = self.state().as_mut() {
                        state.previous = None;
                        state.second = None;
                    }
                }
                gst::EventView::Eos(_) | gst::EventView::Segment(_) => self.finish(),
                _ => {}
            }
            self.source.push_event(event)
        }

        /// Sends the field that still waits.
        fn finish(&self) {
            let waiting = self.state().as_mut().and_then(|state| {
                let second = state.second.take()?;
                state.second_field(&second, None).ok()
            });
            if let Some(picture) = waiting {
                // What is wrong downstream shows with the next picture.
                let _ = self.source.push(picture);
            }
        }

        fn set_caps(&self, caps: &gst::Caps, number: gst::Seqnum) -> bool {
            let Ok(info) = VideoInfo::from_caps(caps) else {
                return false;
            };
            let mut out_caps = caps.clone();
            for structure in out_caps.make_mut().iter_mut() {
                structure.set("interlace-mode", "progressive");
                structure.remove_field("field-order");
            }
            // Streams that change between fields and whole pictures do so by new caps.
            let same = match self.state().as_mut() {
                Some(state) if state.out_caps == out_caps => {
                    state.info = info.clone();
                    true
                }
                _ => false,
            };
            if same {
                return true;
            }
            self.finish();
            let Some(state) = State::new(info, out_caps.clone()) else {
                return false;
            };
            if let Some(old) = self.state().replace(state) {
                let _ = old.pool.set_active(false);
            }
            let event = gst::event::Caps::builder(&out_caps).seqnum(number).build();
            self.source.push_event(event)
        }
    }

    impl State {
        fn new(info: VideoInfo, out_caps: gst::Caps) -> Option<Self> {
            let pool = gst_video::VideoBufferPool::new();
            let mut config = pool.config();
            let size = u32::try_from(info.size()).ok()?;
            config.set_params(Some(&out_caps), size, 0, 0);
            pool.set_config(config).ok()?;
            pool.set_active(true).ok()?;
            Some(Self {
                info,
                out_caps,
                pool: pool.upcast(),
                previous: None,
                second: None,
            })
        }

        /// Pictures to show now that `picture` has come.
        fn take(
            &mut self,
            picture: &gst::Buffer,
            every_field: bool,
        ) -> Result<Vec<gst::Buffer>, glib::BoolError> {
            let mut ready = Vec::with_capacity(2);
            if let Some(second) = self.second.take() {
                ready.push(self.second_field(&second, Some(picture))?);
            }
            match self.fields_of(picture) {
                None => ready.push(picture.clone()),
                Some(fields) => {
                    let before = self.previous.as_ref();
                    let mut first = self.field(&fields, before, fields.top_first)?;
                    if every_field {
                        if let Some(first) = first.get_mut() {
                            first.set_duration(picture.duration().map(|d| d / 2));
                        }
                        self.second = Some(fields);
                    }
                    ready.push(first);
                }
            }
            self.previous = Some(picture.clone());
            Ok(ready)
        }

        /// The fields of an interlaced picture; a decoder's flags go before what the caps say.
        fn fields_of(&self, picture: &gst::Buffer) -> Option<Fields> {
            let flags = picture.video_flags();
            let all = self.info.interlace_mode() == VideoInterlaceMode::Interleaved;
            let fields = flags.contains(VideoBufferFlags::INTERLACED);
            if !all && (!fields || flags.contains(VideoBufferFlags::ONEFIELD)) {
                return None;
            }
            let top_first = flags.contains(VideoBufferFlags::TFF)
                || match self.info.field_order() {
                    VideoFieldOrder::TopFieldFirst => true,
                    VideoFieldOrder::BottomFieldFirst => false,
                    // The usual order, of a picture without flags.
                    _ => !fields,
                };
            Some(Fields {
                picture: picture.clone(),
                top_first,
            })
        }

        /// The second field, half a picture later; `next` is the picture behind it.
        fn second_field(
            &self,
            fields: &Fields,
            next: Option<&gst::Buffer>,
        ) -> Result<gst::Buffer, glib::BoolError> {
            let mut picture = self.field(fields, next, !fields.top_first)?;
            if let (Some(picture), Some(length)) = (picture.get_mut(), fields.picture.duration()) {
                picture.set_pts(picture.pts().map(|pts| pts + length / 2));
                picture.set_duration(length / 2);
            }
            Ok(picture)
        }

        /// A whole picture from the top or the bottom field.
        fn field(
            &self,
            fields: &Fields,
            other: Option<&gst::Buffer>,
            top: bool,
        ) -> Result<gst::Buffer, glib::BoolError> {
            let full = |_| glib::bool_error!("no memory for a picture");
            let mut made = self.pool.acquire_buffer(None).map_err(full)?;
            {
                let made = made
                    .get_mut()
                    .ok_or_else(|| glib::bool_error!("a new picture is in use"))?;
                let parts = gst::BufferCopyFlags::TIMESTAMPS | gst::BufferCopyFlags::META;
                fields.picture.copy_into(made, parts, ..)?;
                if fields.picture.flags().contains(gst::BufferFlags::DISCONT) {
                    made.set_flags(gst::BufferFlags::DISCONT);
                }
                let now = VideoFrameRef::from_buffer_ref_readable(&fields.picture, &self.info)?;
                let other = other
                    .map(|other| VideoFrameRef::from_buffer_ref_readable(other, &self.info))
                    .transpose()?;
                let out_info = VideoInfo::from_caps(&self.out_caps)?;
                let mut out = VideoFrameRef::from_buffer_ref_writable(made, &out_info)?;
                for component in 0..3 {
                    let stride = row_length(out.plane_stride(), component);
                    let mut out = PlaneMut {
                        data: out.plane_data_mut(component)?,
                        stride,
                    };
                    let other = other.as_ref().map(|o| plane(o, component)).transpose()?;
                    fields::complete(&mut out, &plane(&now, component)?, other.as_ref(), top);
                }
            }
            Ok(made)
        }
    }

    fn plane<'a>(
        frame: &'a VideoFrameRef<&gst::BufferRef>,
        component: u32,
    ) -> Result<Plane<'a>, glib::BoolError> {
        Ok(Plane {
            data: frame.plane_data(component)?,
            stride: row_length(frame.plane_stride(), component),
            width: frame.comp_width(component),
            height: frame.comp_height(component),
        })
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Deinterlacer {
        const NAME: &'static str = "ClipsyDeinterlacer";
        type Type = super::Deinterlacer;
        type ParentType = gst::Element;

        fn with_class(class: &Self::Class) -> Self {
            let pad = |name: &str| {
                let template = class.pad_template(name);
                gst::Pad::builder_from_template(
                    &template.unwrap_or_else(|| unreachable!("the class has {name}")),
                )
            };
            let sink = pad("sink")
                .chain_function(|_, parent, buffer| {
                    Self::catch_panic_pad_function(
                        parent,
                        || Err(gst::FlowError::Error),
                        |this| this.chain(&buffer),
                    )
                })
                .event_function(|_, parent, event| {
                    Self::catch_panic_pad_function(parent, || false, |this| this.event(event))
                })
                .build();
            Self {
                sink,
                source: pad("src").build(),
                every_field: AtomicBool::new(false),
                state: Mutex::default(),
            }
        }
    }

    impl ObjectImpl for Deinterlacer {
        fn constructed(&self) {
            self.parent_constructed();
            for pad in [&self.sink, &self.source] {
                // Fails only for a pad of the same name, and there is none.
                let _ = self.obj().add_pad(pad);
            }
        }
    }

    impl GstObjectImpl for Deinterlacer {}

    impl ElementImpl for Deinterlacer {
        fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
            static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
                gst::subclass::ElementMetadata::new(
                    "Clipsy deinterlacer",
                    "Filter/Effect/Video/Deinterlace",
                    "Makes whole pictures of fields, picture by picture",
                    "The Clipsy developers",
                )
            });
            Some(&METADATA)
        }

        fn pad_templates() -> &'static [gst::PadTemplate] {
            static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
                let caps = gst_video::VideoCapsBuilder::new()
                    .format(gst_video::VideoFormat::I420)
                    .build();
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

        fn change_state(
            &self,
            transition: gst::StateChange,
        ) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
            let result = self.parent_change_state(transition);
            if transition == gst::StateChange::PausedToReady
                && let Some(state) = self.state().take()
            {
                let _ = state.pool.set_active(false);
            }
            result
        }
    }
}
