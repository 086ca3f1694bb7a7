//! `clipsytonemap`: makes the colour that is encoded of any other, high dynamic range among them.

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::subclass::prelude::*;
use gstreamer_video as gst_video;

use super::tone;

/// Factory name.
pub(crate) const NAME: &str = "clipsytonemap";

glib::wrapper! {
    pub struct ToneMapper(ObjectSubclass<imp::ToneMapper>)
        @extends gst_video::VideoFilter, gstreamer_base::BaseTransform, gst::Element, gst::Object;
}

impl ToneMapper {
    /// Makes pictures of this colour; of BT.709 without.
    pub(crate) fn aim_at(&self, colour: &gst_video::VideoColorimetry) {
        self.imp().aim_at(colour);
    }
}

mod imp {
    use std::sync::{LazyLock, Mutex, OnceLock};

    use gstreamer_base::subclass::BaseTransformMode;
    use gstreamer_base::subclass::prelude::*;
    use gstreamer_video::prelude::*;
    use gstreamer_video::subclass::prelude::*;

    use super::tone::{self, Signal, ToneMap};
    use super::{glib, gst, gst_video};
    use clipsy_picture::row_length;

    #[derive(Default)]
    pub struct ToneMapper {
        way: Mutex<Option<Way>>,
        aim: OnceLock<String>,
    }

    impl ToneMapper {
        pub(super) fn aim_at(&self, colour: &gst_video::VideoColorimetry) {
            // It is set once, while the pipeline is built.
            let _ = self.aim.set(colour.to_string());
        }
    }

    /// What has to be done to pictures.
    enum Way {
        /// Full range becomes limited.
        Narrow,
        Map(Box<ToneMap>),
    }

    #[glib::object_subclass]
    impl ObjectSubclass for ToneMapper {
        const NAME: &'static str = "ClipsyToneMapper";
        type Type = super::ToneMapper;
        type ParentType = gst_video::VideoFilter;
    }

    impl ObjectImpl for ToneMapper {}
    impl GstObjectImpl for ToneMapper {}

    impl ElementImpl for ToneMapper {
        fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
            static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
                gst::subclass::ElementMetadata::new(
                    "Clipsy tone mapper",
                    "Filter/Converter/Video/Colorspace",
                    "From wide gamut, high dynamic range and full range to ordinary video",
                    "The Clipsy developers",
                )
            });
            Some(&METADATA)
        }

        fn pad_templates() -> &'static [gst::PadTemplate] {
            static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
                use gst_video::VideoFormat::{I420, I42010le};
                let caps = |formats: &[gst_video::VideoFormat]| {
                    gst_video::VideoCapsBuilder::new()
                        .format_list(formats.iter().copied())
                        .build()
                };
                let (deep, flat) = (caps(&[I420, I42010le]), caps(&[I420]));
                [
                    ("src", gst::PadDirection::Src, flat),
                    ("sink", gst::PadDirection::Sink, deep),
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

    impl BaseTransformImpl for ToneMapper {
        const MODE: BaseTransformMode = BaseTransformMode::NeverInPlace;
        const PASSTHROUGH_ON_SAME_CAPS: bool = true;
        const TRANSFORM_IP_ON_PASSTHROUGH: bool = false;

        fn transform_caps(
            &self,
            direction: gst::PadDirection,
            caps: &gst::Caps,
            filter: Option<&gst::Caps>,
        ) -> Option<gst::Caps> {
            let mut other = caps.clone();
            for structure in other.make_mut().iter_mut() {
                // Light levels say nothing about the result, nor does the result about them.
                structure.remove_fields(["mastering-display-info", "content-light-level"]);
                structure.remove_fields(["colorimetry", "chroma-site"]);
                if direction == gst::PadDirection::Sink {
                    structure.set("format", "I420");
                    structure.set(
                        "colorimetry",
                        self.aim.get().map_or("bt709", |a| a.as_str()),
                    );
                } else {
                    structure.set("format", gst::List::new(["I420", "I420_10LE"]));
                }
            }
            Some(match filter {
                Some(filter) => filter.intersect_with_mode(&other, gst::CapsIntersectMode::First),
                None => other,
            })
        }
    }

    impl VideoFilterImpl for ToneMapper {
        fn set_info(
            &self,
            in_caps: &gst::Caps,
            in_info: &gst_video::VideoInfo,
            _out_caps: &gst::Caps,
            out_info: &gst_video::VideoInfo,
        ) -> Result<(), gst::LoggableError> {
            let (colour, to) = (in_info.colorimetry(), out_info.colorimetry());
            let bits = in_info.format_info().depth()[0];
            let narrowed = gst_video::VideoColorimetry::new(
                to.range(),
                colour.matrix(),
                colour.transfer(),
                colour.primaries(),
            );
            let way = if bits == 8 && colour == to {
                None
            } else if bits == 8 && narrowed == to {
                Some(Way::Narrow)
            } else {
                let peak = gst_video::VideoContentLightLevel::from_caps(in_caps)
                    .ok()
                    .map(|level| f32::from(level.max_content_light_level()))
                    .filter(|nits| *nits > 0.0);
                let from = Signal { colour, bits, peak };
                Some(Way::Map(Box::new(ToneMap::new(&from, &to))))
            };
            self.obj().set_passthrough(way.is_none());
            if let Ok(mut known) = self.way.lock() {
                *known = way;
            }
            Ok(())
        }

        fn transform_frame(
            &self,
            input: &gst_video::VideoFrameRef<&gst::BufferRef>,
            output: &mut gst_video::VideoFrameRef<&mut gst::BufferRef>,
        ) -> Result<gst::FlowSuccess, gst::FlowError> {
            let failed = |_| gst::FlowError::Error;
            let way = self.way.lock().map_err(|_| gst::FlowError::Error)?;
            let plane = |n: u32| {
                let stride = row_length(input.plane_stride(), n);
                input.plane_data(n).map(|data| (data, stride))
            };
            let planes = [plane(0), plane(1), plane(2)];
            let [luma, blue, red] = planes;
            let planes = [
                luma.map_err(failed)?,
                blue.map_err(failed)?,
                red.map_err(failed)?,
            ];
            match way.as_ref().ok_or(gst::FlowError::NotNegotiated)? {
                Way::Narrow => narrow(planes, output).map_err(failed)?,
                Way::Map(table) if input.format() == gst_video::VideoFormat::I420 => {
                    map::<1>(table, planes, output).map_err(failed)?;
                }
                Way::Map(table) => map::<2>(table, planes, output).map_err(failed)?,
            }
            Ok(gst::FlowSuccess::Ok)
        }
    }

    type Planes<'a> = [(&'a [u8], usize); 3];
    type Done = Result<(), gst::glib::BoolError>;

    /// Brings planes of full range to limited range.
    fn narrow(
        planes: Planes<'_>,
        output: &mut gst_video::VideoFrameRef<&mut gst::BufferRef>,
    ) -> Done {
        for (component, (from, stride)) in (0u32..).zip(planes) {
            let (width, height) = (
                output.comp_width(component) as usize,
                output.comp_height(component) as usize,
            );
            let out_stride = row_length(output.plane_stride(), component);
            let out = output.plane_data_mut(component)?;
            let rows = from.chunks(stride).zip(out.chunks_mut(out_stride));
            for (from, to) in rows.take(height) {
                tone::narrow(&from[..width], &mut to[..width], component > 0);
            }
        }
        Ok(())
    }

    /// Looks every sample up in the tables. Samples have `BYTES` bytes.
    fn map<const BYTES: usize>(
        table: &ToneMap,
        [luma, blue, red]: Planes<'_>,
        output: &mut gst_video::VideoFrameRef<&mut gst::BufferRef>,
    ) -> Done {
        let (width, height) = (output.width() as usize, output.height() as usize);
        let half = width.div_ceil(2);
        let code = code::<BYTES>;
        let row = row::<BYTES>;
        let mut chroma = [Vec::new(), Vec::new()];
        let stride = row_length(output.plane_stride(), 0);
        let out = output.plane_data_mut(0)?;
        for pair in 0..height.div_ceil(2) {
            let (blues, reds) = (row(blue, pair, half), row(red, pair, half));
            let rows = 2 * pair..(2 * pair + 2).min(height);
            for at in 0..half {
                let columns = 2 * at..(2 * at + 2).min(width);
                let (mut sum, mut count) = (0, 0);
                for codes in rows.clone().map(|y| row(luma, y, width)) {
                    for x in columns.clone() {
                        sum += u32::from(code(codes, x));
                        count += 1;
                    }
                }
                let mean = (sum / count) as u16;
                let block = table.block(mean, code(blues, at), code(reds, at));
                for y in rows.clone() {
                    let codes = row(luma, y, width);
                    for x in columns.clone() {
                        out[y * stride + x] = block.luma(code(codes, x));
                    }
                }
                let [b, r] = block.chroma;
                chroma[0].push(b);
                chroma[1].push(r);
            }
        }
        for (component, values) in (1u32..).zip(&chroma) {
            let stride = row_length(output.plane_stride(), component);
            let out = output.plane_data_mut(component)?;
            for (line, values) in out.chunks_mut(stride).zip(values.chunks(half)) {
                line[..half].copy_from_slice(values);
            }
        }
        Ok(())
    }

    /// The bytes of a row of `width` samples.
    fn row<const BYTES: usize>((data, stride): (&[u8], usize), y: usize, width: usize) -> &[u8] {
        &data[y * stride..y * stride + BYTES * width]
    }

    /// Sample `x` of a row as a 10-bit code; longer ones have their lower byte first.
    fn code<const BYTES: usize>(row: &[u8], x: usize) -> u16 {
        if BYTES == 1 {
            u16::from(row[x]) << 2
        } else {
            u16::from_le_bytes([row[2 * x], row[2 * x + 1]])
        }
    }
}
