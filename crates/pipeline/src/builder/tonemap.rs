//! `clipsytonemap`: makes standard dynamic range of high dynamic range.

use gstreamer as gst;
use gstreamer::glib;
use gstreamer_video as gst_video;

use super::tone;

/// Factory name.
pub(crate) const NAME: &str = "clipsytonemap";

glib::wrapper! {
    pub struct ToneMapper(ObjectSubclass<imp::ToneMapper>)
        @extends gst_video::VideoFilter, gstreamer_base::BaseTransform, gst::Element, gst::Object;
}

mod imp {
    use std::sync::{LazyLock, Mutex};

    use clipsy_domain::media::HdrKind;
    use gstreamer_base::subclass::BaseTransformMode;
    use gstreamer_base::subclass::prelude::*;
    use gstreamer_video::prelude::*;
    use gstreamer_video::subclass::prelude::*;

    use super::tone::ToneMap;
    use super::{glib, gst, gst_video};

    #[derive(Default)]
    pub struct ToneMapper {
        map: Mutex<Option<ToneMap>>,
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
                    "BT.2100 PQ and HLG to BT.709",
                    "The Clipsy developers",
                )
            });
            Some(&METADATA)
        }

        fn pad_templates() -> &'static [gst::PadTemplate] {
            static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
                let caps = |format| gst_video::VideoCapsBuilder::new().format(format);
                let deep = caps(gst_video::VideoFormat::I42010le)
                    .field("colorimetry", gst::List::new(["bt2100-pq", "bt2100-hlg"]))
                    .build();
                let flat = caps(gst_video::VideoFormat::I420)
                    .field("colorimetry", "bt709")
                    .build();
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
        const PASSTHROUGH_ON_SAME_CAPS: bool = false;
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
                if direction == gst::PadDirection::Sink {
                    structure.set("format", "I420");
                    structure.set("colorimetry", "bt709");
                } else {
                    structure.set("format", "I420_10LE");
                    structure.set("colorimetry", gst::List::new(["bt2100-pq", "bt2100-hlg"]));
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
            _out_info: &gst_video::VideoInfo,
        ) -> Result<(), gst::LoggableError> {
            let kind = match in_info.colorimetry().transfer() {
                gst_video::VideoTransferFunction::AribStdB67 => HdrKind::Hlg,
                _ => HdrKind::Pq,
            };
            let peak = gst_video::VideoContentLightLevel::from_caps(in_caps)
                .ok()
                .map(|level| f32::from(level.max_content_light_level()))
                .filter(|nits| *nits > 0.0);
            if let Ok(mut map) = self.map.lock() {
                *map = Some(ToneMap::new(kind, peak));
            }
            Ok(())
        }

        fn transform_frame(
            &self,
            input: &gst_video::VideoFrameRef<&gst::BufferRef>,
            output: &mut gst_video::VideoFrameRef<&mut gst::BufferRef>,
        ) -> Result<gst::FlowSuccess, gst::FlowError> {
            let map = self.map.lock().map_err(|_| gst::FlowError::Error)?;
            let map = map.as_ref().ok_or(gst::FlowError::NotNegotiated)?;
            let plane = |n: u32| {
                let stride = row_length(input.plane_stride(), n);
                input.plane_data(n).map(|data| (data, stride))
            };
            let [luma, blue, red] = [plane(0), plane(1), plane(2)];
            let (luma, blue, red) = (
                luma.map_err(|_| gst::FlowError::Error)?,
                blue.map_err(|_| gst::FlowError::Error)?,
                red.map_err(|_| gst::FlowError::Error)?,
            );
            let (width, height) = (input.width() as usize, input.height() as usize);
            let half = width.div_ceil(2);
            let mut chroma = [Vec::new(), Vec::new()];
            let stride = row_length(output.plane_stride(), 0);
            let out = output
                .plane_data_mut(0)
                .map_err(|_| gst::FlowError::Error)?;
            for pair in 0..height.div_ceil(2) {
                let (blues, reds) = (row(blue, pair, half), row(red, pair, half));
                let mut sums = vec![(0u32, 0u32); half];
                for y in [2 * pair, 2 * pair + 1].into_iter().filter(|y| *y < height) {
                    let line = &mut out[y * stride..y * stride + width];
                    let codes = row(luma, y, width);
                    let each = codes.chunks(4).zip(line.chunks_mut(2)).zip(&mut sums);
                    for (at, ((codes, line), sum)) in each.enumerate() {
                        let table = map.luma_of(code(blues, at), code(reds, at));
                        for (x, value) in line.iter_mut().enumerate() {
                            let code = code(codes, x).min(1023);
                            *value = table[usize::from(code)];
                            *sum = (sum.0 + u32::from(code), sum.1 + 1);
                        }
                    }
                }
                for (at, (sum, count)) in sums.into_iter().enumerate() {
                    let y = (sum / count.max(1)) as u16;
                    let [b, r] = map.chroma_of(y, code(blues, at), code(reds, at));
                    chroma[0].push(b);
                    chroma[1].push(r);
                }
            }
            for (component, values) in (1u32..).zip(&chroma) {
                let stride = row_length(output.plane_stride(), component);
                let out = output
                    .plane_data_mut(component)
                    .map_err(|_| gst::FlowError::Error)?;
                for (line, values) in out.chunks_mut(stride).zip(values.chunks(half)) {
                    line[..half].copy_from_slice(values);
                }
            }
            Ok(gst::FlowSuccess::Ok)
        }
    }

    /// The bytes of a row of `width` 16-bit samples.
    fn row((data, stride): (&[u8], usize), y: usize, width: usize) -> &[u8] {
        &data[y * stride..y * stride + 2 * width]
    }

    /// Sample `x` of a row of 16-bit samples, lower byte first.
    fn code(row: &[u8], x: usize) -> u16 {
        u16::from_le_bytes([row[2 * x], row[2 * x + 1]])
    }

    fn row_length(strides: &[i32], component: u32) -> usize {
        strides
            .get(component as usize)
            .copied()
            .and_then(|s| usize::try_from(s).ok())
            .unwrap_or(0)
    }
}
