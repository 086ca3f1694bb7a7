//! `clipsyscale`: scales I420 pictures to the size that is asked for downstream.

use gstreamer as gst;
use gstreamer::glib;
use gstreamer_video as gst_video;

/// Factory name.
pub(crate) const NAME: &str = "clipsyscale";

glib::wrapper! {
    pub struct Scale(ObjectSubclass<imp::Scale>)
        @extends gst_video::VideoFilter, gstreamer_base::BaseTransform, gst::Element, gst::Object;
}

mod imp {
    use std::sync::{LazyLock, Mutex};

    use gstreamer_base::subclass::BaseTransformMode;
    use gstreamer_base::subclass::prelude::*;
    use gstreamer_video::prelude::*;
    use gstreamer_video::subclass::prelude::*;

    use clipsy_picture::{Fitter, Plane, PlaneMut, row_length};

    use super::{glib, gst, gst_video};

    #[derive(Default)]
    pub struct Scale {
        fitter: Mutex<Option<Fitter>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Scale {
        const NAME: &'static str = "ClipsyScale";
        type Type = super::Scale;
        type ParentType = gst_video::VideoFilter;
    }

    impl ObjectImpl for Scale {}
    impl GstObjectImpl for Scale {}

    impl ElementImpl for Scale {
        fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
            static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
                gst::subclass::ElementMetadata::new(
                    "Clipsy scaler",
                    "Filter/Converter/Video/Scaler",
                    "Bicubic scaling of I420 video; other shapes get black bars",
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
    }

    impl BaseTransformImpl for Scale {
        const MODE: BaseTransformMode = BaseTransformMode::NeverInPlace;
        const PASSTHROUGH_ON_SAME_CAPS: bool = true;
        const TRANSFORM_IP_ON_PASSTHROUGH: bool = false;

        fn transform_caps(
            &self,
            _direction: gst::PadDirection,
            caps: &gst::Caps,
            filter: Option<&gst::Caps>,
        ) -> Option<gst::Caps> {
            // Any size and sample aspect can become any other; the rest stays as it is.
            let mut other = caps.clone();
            for structure in other.make_mut().iter_mut() {
                structure.set("width", gst::IntRange::new(1, i32::MAX));
                structure.set("height", gst::IntRange::new(1, i32::MAX));
                structure.remove_field("pixel-aspect-ratio");
            }
            Some(match filter {
                Some(filter) => filter.intersect_with_mode(&other, gst::CapsIntersectMode::First),
                None => other,
            })
        }
    }

    impl VideoFilterImpl for Scale {
        fn set_info(
            &self,
            _in_caps: &gst::Caps,
            in_info: &gst_video::VideoInfo,
            _out_caps: &gst::Caps,
            out_info: &gst_video::VideoInfo,
        ) -> Result<(), gst::LoggableError> {
            let par = in_info.par();
            let shape = (par.numer().unsigned_abs(), par.denom().unsigned_abs());
            let size = |info: &gst_video::VideoInfo| (info.width(), info.height());
            if let Ok(mut fitter) = self.fitter.lock() {
                *fitter = Some(Fitter::new(size(in_info), shape, size(out_info)));
            }
            Ok(())
        }

        fn transform_frame(
            &self,
            input: &gst_video::VideoFrameRef<&gst::BufferRef>,
            output: &mut gst_video::VideoFrameRef<&mut gst::BufferRef>,
        ) -> Result<gst::FlowSuccess, gst::FlowError> {
            let mut fitter = self.fitter.lock().map_err(|_| gst::FlowError::Error)?;
            let fitter = fitter.as_mut().ok_or(gst::FlowError::NotNegotiated)?;
            for component in 0..3u32 {
                let from = Plane {
                    data: input
                        .plane_data(component)
                        .map_err(|_| gst::FlowError::Error)?,
                    stride: row_length(input.plane_stride(), component),
                    width: input.comp_width(component),
                    height: input.comp_height(component),
                };
                let stride = row_length(output.plane_stride(), component);
                let data = output
                    .plane_data_mut(component)
                    .map_err(|_| gst::FlowError::Error)?;
                fitter
                    .scale(component as usize, &from, &mut PlaneMut { data, stride })
                    .map_err(|error| {
                        gst::element_imp_error!(self, gst::StreamError::Failed, ["{error}"]);
                        gst::FlowError::Error
                    })?;
            }
            Ok(gst::FlowSuccess::Ok)
        }
    }
}
