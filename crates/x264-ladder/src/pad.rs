//! Source pads with the settings of their renditions.

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::subclass::prelude::*;

/// Settings of one rendition. Those that `x264enc` has bear its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Pixels across; 0 for as many as the source has.
    pub(crate) width: u32,
    /// Pixels down; 0 for as many as the source has.
    pub(crate) height: u32,
    /// Most kbit/s.
    pub(crate) bitrate: u32,
    /// Milliseconds over which that holds.
    pub(crate) vbv_ms: u32,
    /// Constant rate factor.
    pub(crate) quantizer: u32,
    /// Most pictures from one keyframe to the next.
    pub(crate) key_int_max: u32,
    /// Threads of the encoder.
    pub(crate) threads: u32,
    /// x264's preset.
    pub(crate) preset: String,
    /// Options by x264's names, `key=value` with colons between.
    pub(crate) options: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            width: 0,
            height: 0,
            bitrate: 2048,
            vbv_ms: 2000,
            quantizer: 23,
            key_int_max: 250,
            threads: 1,
            preset: "veryfast".into(),
            options: String::new(),
        }
    }
}

glib::wrapper! {
    pub struct LadderPad(ObjectSubclass<imp::LadderPad>) @extends gst::Pad, gst::Object;
}

impl LadderPad {
    /// What was set.
    pub(crate) fn settings(&self) -> Settings {
        self.imp().settings()
    }
}

mod imp {
    use std::sync::{LazyLock, Mutex, PoisonError};

    use super::{Settings, glib, gst};
    use gst::prelude::*;
    use gst::subclass::prelude::*;

    #[derive(Default)]
    pub struct LadderPad {
        settings: Mutex<Settings>,
    }

    impl LadderPad {
        pub(super) fn settings(&self) -> Settings {
            let settings = self.settings.lock();
            settings.unwrap_or_else(PoisonError::into_inner).clone()
        }
    }

    #[glib::object_subclass]
    impl ObjectSubclass for LadderPad {
        const NAME: &'static str = "ClipsyX264LadderPad";
        type Type = super::LadderPad;
        type ParentType = gst::Pad;
    }

    impl ObjectImpl for LadderPad {
        fn properties() -> &'static [glib::ParamSpec] {
            static PROPERTIES: LazyLock<Vec<glib::ParamSpec>> = LazyLock::new(|| {
                let default = Settings::default();
                let number = |name: &'static str, what: &'static str, least, value| {
                    glib::ParamSpecUInt::builder(name)
                        .nick(name)
                        .blurb(what)
                        .minimum(least)
                        .default_value(value)
                        .mutable_ready()
                        .build()
                };
                let text = |name: &'static str, what: &'static str, value: &str| {
                    glib::ParamSpecString::builder(name)
                        .nick(name)
                        .blurb(what)
                        .default_value(Some(value))
                        .mutable_ready()
                        .build()
                };
                vec![
                    number("width", "Pixels across; 0 for the source's", 0, 0),
                    number("height", "Pixels down; 0 for the source's", 0, 0),
                    number("bitrate", "Most kbit/s", 1, default.bitrate),
                    number(
                        "vbv-buf-capacity",
                        "Milliseconds over which the bitrate holds",
                        1,
                        default.vbv_ms,
                    ),
                    number("quantizer", "Constant rate factor", 1, default.quantizer),
                    number(
                        "key-int-max",
                        "Most pictures from one keyframe to the next",
                        1,
                        default.key_int_max,
                    ),
                    number("threads", "Threads of the encoder", 1, default.threads),
                    text("speed-preset", "x264's preset", &default.preset),
                    text(
                        "option-string",
                        "Options by x264's names: key=value, with colons between",
                        &default.options,
                    ),
                ]
            });
            &PROPERTIES
        }

        fn set_property(&self, _id: usize, value: &glib::Value, spec: &glib::ParamSpec) {
            let mut settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
            let number = || value.get().unwrap_or_default();
            let text = || -> String {
                let text: Option<String> = value.get().unwrap_or_default();
                text.unwrap_or_default()
            };
            match spec.name() {
                "width" => settings.width = number(),
                "height" => settings.height = number(),
                "bitrate" => settings.bitrate = number(),
                "vbv-buf-capacity" => settings.vbv_ms = number(),
                "quantizer" => settings.quantizer = number(),
                "key-int-max" => settings.key_int_max = number(),
                "threads" => settings.threads = number(),
                "speed-preset" => settings.preset = text(),
                _ => settings.options = text(),
            }
        }

        fn property(&self, _id: usize, spec: &glib::ParamSpec) -> glib::Value {
            let settings = self.settings();
            match spec.name() {
                "width" => settings.width.to_value(),
                "height" => settings.height.to_value(),
                "bitrate" => settings.bitrate.to_value(),
                "vbv-buf-capacity" => settings.vbv_ms.to_value(),
                "quantizer" => settings.quantizer.to_value(),
                "key-int-max" => settings.key_int_max.to_value(),
                "threads" => settings.threads.to_value(),
                "speed-preset" => settings.preset.to_value(),
                _ => settings.options.to_value(),
            }
        }
    }

    impl GstObjectImpl for LadderPad {}
    impl PadImpl for LadderPad {}
}
