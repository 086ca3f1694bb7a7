//! An encoder that misbehaves on purpose, in place of hardware that these machines do not have.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer::subclass::prelude::*;

pub(crate) const NAME: &str = "clipsyteststandinenc";

/// Registers the element once.
pub(crate) fn register() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        gst::Element::register(None, NAME, gst::Rank::NONE, Standin::static_type()).unwrap();
    });
}

glib::wrapper! {
    pub struct Standin(ObjectSubclass<imp::Standin>) @extends gst::Bin, gst::Element, gst::Object;
}

mod imp {
    use std::sync::LazyLock;

    use super::*;

    /// Sessions that are open in the whole process, as a driver counts them.
    static OPEN_SESSIONS: AtomicUsize = AtomicUsize::new(0);

    #[derive(Default)]
    pub struct Standin {
        behaviour: Mutex<String>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Standin {
        const NAME: &'static str = "ClipsyTestStandinEnc";
        type Type = super::Standin;
        type ParentType = gst::Bin;
    }

    impl ObjectImpl for Standin {
        fn properties() -> &'static [glib::ParamSpec] {
            static PROPERTIES: LazyLock<Vec<glib::ParamSpec>> =
                LazyLock::new(|| vec![glib::ParamSpecString::builder("behaviour").build()]);
            &PROPERTIES
        }

        fn set_property(&self, _id: usize, value: &glib::Value, _pspec: &glib::ParamSpec) {
            *self.behaviour.lock().unwrap() = value.get().unwrap();
        }

        fn constructed(&self) {
            self.parent_constructed();
            let bin = self.obj();
            let encoder = gst::ElementFactory::make("x264enc")
                .property_from_str("speed-preset", "ultrafast")
                .property("key-int-max", 500u32)
                .property("option-string", "scenecut=0")
                .build()
                .unwrap();
            bin.add(&encoder).unwrap();
            for name in ["sink", "src"] {
                let pad = encoder.static_pad(name).unwrap();
                bin.add_pad(&gst::GhostPad::with_target(&pad).unwrap())
                    .unwrap();
            }
            let (weak, count) = (bin.downgrade(), AtomicU64::new(0));
            let mask = gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM;
            encoder
                .static_pad("sink")
                .unwrap()
                .add_probe(mask, move |pad, info| {
                    let Some(bin) = weak.upgrade() else {
                        return gst::PadProbeReturn::Ok;
                    };
                    let behaviour = bin.imp().behaviour.lock().unwrap().clone();
                    match &info.data {
                        Some(gst::PadProbeData::Buffer(_)) => {
                            misbehave(&bin, pad, &behaviour, count.fetch_add(1, Ordering::SeqCst));
                        }
                        Some(gst::PadProbeData::Event(event))
                            if event.type_() == gst::EventType::CustomDownstream
                                && behaviour == "deaf" =>
                        {
                            // Another event in place of the request to make a keyframe.
                            let nothing = gst::Structure::new_empty("nothing");
                            let event = gst::event::CustomDownstream::builder(nothing).build();
                            info.data = Some(gst::PadProbeData::Event(event));
                        }
                        _ => {}
                    }
                    gst::PadProbeReturn::Ok
                });
            let weak = bin.downgrade();
            encoder
                .static_pad("src")
                .unwrap()
                .add_probe(gst::PadProbeType::BUFFER, move |_, _| {
                    match weak.upgrade() {
                        Some(bin) if *bin.imp().behaviour.lock().unwrap() == "mute" => {
                            gst::PadProbeReturn::Drop
                        }
                        _ => gst::PadProbeReturn::Ok,
                    }
                });
        }
    }

    /// Does what `behaviour` says at buffer number `count`: `dies:N`, `stuck:N`.
    fn misbehave(bin: &super::Standin, pad: &gst::Pad, behaviour: &str, count: u64) {
        let at = |name: &str| {
            behaviour
                .strip_prefix(name)
                .and_then(|n| n.parse::<u64>().ok())
                == Some(count)
        };
        if at("dies:") {
            gst::element_error!(bin, gst::LibraryError::Encode, ("the session was lost"));
        } else if at("stuck:") {
            while !pad.pad_flags().contains(gst::PadFlags::FLUSHING) {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }

    impl GstObjectImpl for Standin {}

    impl ElementImpl for Standin {
        fn change_state(
            &self,
            change: gst::StateChange,
        ) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
            let limit = self
                .behaviour
                .lock()
                .unwrap()
                .strip_prefix("sessions:")
                .and_then(|n| n.parse::<usize>().ok());
            if let (gst::StateChange::NullToReady, Some(limit)) = (change, limit)
                && OPEN_SESSIONS.fetch_add(1, Ordering::SeqCst) >= limit
            {
                OPEN_SESSIONS.fetch_sub(1, Ordering::SeqCst);
                gst::element_imp_error!(self, gst::ResourceError::Busy, ("out of sessions"));
                return Err(gst::StateChangeError);
            }
            if change == gst::StateChange::ReadyToNull && limit.is_some() {
                OPEN_SESSIONS.fetch_sub(1, Ordering::SeqCst);
            }
            self.parent_change_state(change)
        }
    }

    impl BinImpl for Standin {}
}
