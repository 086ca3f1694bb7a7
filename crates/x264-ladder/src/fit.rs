//! Pictures at the size of a rendition.

use clipsy_picture::{Fitter, Plane, PlaneMut, row_length};
use gstreamer as gst;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;

use crate::Error;

/// A picture that is read.
pub(crate) type Frame = gst_video::VideoFrame<gst_video::video_frame::Readable>;

/// Size and sample shape of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Form {
    size: (u32, u32),
    par: (u32, u32),
}

impl Form {
    fn of(info: &gst_video::VideoInfo) -> Self {
        let par = info.par();
        Self {
            size: (info.width(), info.height()),
            par: (par.numer().unsigned_abs(), par.denom().unsigned_abs()),
        }
    }
}

/// Brings pictures to one size; remembers how, and keeps the memory that it writes to.
pub(crate) struct Fit {
    size: (u32, u32),
    fitter: Option<(Form, Fitter)>,
    planes: [Vec<u8>; 3],
}

impl Fit {
    /// To pictures of `size`.
    pub(crate) fn new(size: (u32, u32)) -> Self {
        Self {
            size,
            fitter: None,
            planes: Default::default(),
        }
    }

    /// The planes of `frame` at this size; the source's own if it has it.
    pub(crate) fn scale<'a>(&'a mut self, frame: &'a Frame) -> Result<[Plane<'a>; 3], Error> {
        let form = Form::of(frame.info());
        if form.size == self.size && form.par.0 == form.par.1 {
            return planes(frame);
        }
        let fitter = match &mut self.fitter {
            Some((known, fitter)) if *known == form => fitter,
            place => {
                &mut place
                    .insert((form, Fitter::new(form.size, form.par, self.size)))
                    .1
            }
        };
        let (width, height) = self.size;
        for (component, (from, data)) in planes(frame)?.iter().zip(&mut self.planes).enumerate() {
            let (width, height) = plane_size((width, height), component);
            data.resize(width as usize * height as usize, 0);
            let stride = width as usize;
            fitter.scale(component, from, &mut PlaneMut { data, stride })?;
        }
        let mut number = 0;
        Ok(self.planes.each_ref().map(|data| {
            let (width, height) = plane_size((width, height), number);
            number += 1;
            Plane {
                data,
                stride: width as usize,
                width,
                height,
            }
        }))
    }
}

/// Planes of colour have half the size in both directions.
fn plane_size((width, height): (u32, u32), component: usize) -> (u32, u32) {
    match component {
        0 => (width, height),
        _ => (width.div_ceil(2), height.div_ceil(2)),
    }
}

/// The planes of a picture as it is.
pub(crate) fn planes(frame: &Frame) -> Result<[Plane<'_>; 3], Error> {
    let plane = |component: u32| -> Result<Plane<'_>, Error> {
        Ok(Plane {
            data: frame
                .plane_data(component)
                .map_err(|_| gst::FlowError::Error)?,
            stride: row_length(frame.plane_stride(), component),
            width: frame.comp_width(component),
            height: frame.comp_height(component),
        })
    };
    Ok([plane(0)?, plane(1)?, plane(2)?])
}
