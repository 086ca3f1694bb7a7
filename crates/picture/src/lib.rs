//! Scaling of planar 4:2:0 pictures.
//!
//! Bicubic, by code of our own where the processor has AVX2, else by `pic-scale`, whose vectorised filter
//! costs a fraction of what `videoscale` takes (docs/decisions/0003-own-scaler-element.md).

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod taps;

use std::borrow::Cow;
use std::sync::Arc;

use pic_scale::{
    BufferStore, ImageSize, ImageStore, ImageStoreMut, Resampling, ResamplingFunction,
    ThreadingPolicy,
};

/// A picture could not be scaled: the sizes do not fit the planes.
#[derive(Debug, thiserror::Error)]
#[error("scaling: {0}")]
pub struct Error(String);

/// One plane of 8-bit samples.
pub struct Plane<'a> {
    /// From the first sample to the last at least.
    pub data: &'a [u8],
    /// Bytes from one row to the next.
    pub stride: usize,
    /// Samples in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// One plane to write to.
pub struct PlaneMut<'a> {
    /// From the first sample to the last at least.
    pub data: &'a mut [u8],
    /// Bytes from one row to the next.
    pub stride: usize,
}

/// Bytes from one row of a component to the next; 0 if there is no such component.
pub fn row_length(strides: &[i32], component: u32) -> usize {
    strides
        .get(component as usize)
        .copied()
        .and_then(|s| usize::try_from(s).ok())
        .unwrap_or(0)
}

/// A rectangle in samples of a plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    /// Samples to its left.
    pub left: u32,
    /// Rows above it.
    pub top: u32,
    /// Samples in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// Brings pictures of one size and shape into another, with black bars where the shape differs.
pub struct Fitter {
    scalers: [Scaler; 3],
    area: Area,
    size: (u32, u32),
}

impl Fitter {
    /// From pictures of size `from`, with samples of shape `par`, to `to` square samples.
    pub fn new(from: (u32, u32), par: (u32, u32), to: (u32, u32)) -> Self {
        Self {
            scalers: Default::default(),
            area: fit(from, par, to),
            size: to,
        }
    }

    /// Scales plane `component` of a 4:2:0 picture; 0 is the brightness, 1 and 2 are the colours.
    pub fn scale(
        &mut self,
        component: usize,
        from: &Plane<'_>,
        to: &mut PlaneMut<'_>,
    ) -> Result<(), Error> {
        // Planes of colour have half the size in both directions.
        let (shift, black) = if component == 0 { (0, 16) } else { (1, 128) };
        if (self.area.width, self.area.height) != self.size {
            to.data.fill(black);
        }
        let area = Area {
            left: self.area.left >> shift,
            top: self.area.top >> shift,
            width: self.area.width.div_ceil(1 << shift),
            height: self.area.height.div_ceil(1 << shift),
        };
        let scaler = self.scalers.get_mut(component);
        let scaler = scaler.ok_or_else(|| Error(format!("there is no plane {component}")))?;
        scaler.scale(from, to, area)
    }
}

/// Remembers how to get from one size to another; one per plane, since planes differ in size.
#[derive(Default)]
pub struct Scaler(Option<(Sizes, Plan)>);

/// How it is done.
enum Plan {
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Plan),
    PicScale(Arc<Resampling<u8, 1>>),
}

impl Plan {
    fn new(sizes: Sizes) -> Result<Self, Error> {
        #[cfg(target_arch = "x86_64")]
        if let Some(plan) = avx2::Plan::new(sizes.from, sizes.to) {
            return Ok(Self::Avx2(plan));
        }
        let mut scaler = pic_scale::Scaler::new(ResamplingFunction::CatmullRom);
        // The renditions already run side by side.
        scaler.set_threading_policy(ThreadingPolicy::Single);
        let size = |(width, height): (u32, u32)| ImageSize::new(width as usize, height as usize);
        let plan = scaler.plan_planar_resampling(size(sizes.from), size(sizes.to));
        Ok(Self::PicScale(plan.map_err(|e| Error(e.to_string()))?))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Sizes {
    from: (u32, u32),
    to: (u32, u32),
}

impl Scaler {
    /// Scales all of `from` into the rectangle `area` of `to`.
    pub fn scale(
        &mut self,
        from: &Plane<'_>,
        to: &mut PlaneMut<'_>,
        area: Area,
    ) -> Result<(), Error> {
        let wrong = |what: &dyn std::fmt::Display| Error(what.to_string());
        let sizes = Sizes {
            from: (from.width, from.height),
            to: (area.width, area.height),
        };
        if area.width == 0 || area.height == 0 || from.width == 0 || from.height == 0 {
            return Err(wrong(&"a picture without samples"));
        }
        holds(from.data.len(), from.stride, (from.width, from.height))?;
        let first = area.top as usize * to.stride + area.left as usize;
        let data = to
            .data
            .get_mut(first..)
            .ok_or_else(|| wrong(&"the rectangle is outside of the picture"))?;
        holds(data.len(), to.stride, sizes.to)?;
        if self.0.as_ref().is_none_or(|(known, _)| *known != sizes) {
            self.0 = Some((sizes, Plan::new(sizes)?));
        }
        let plan = match &mut self.0 {
            #[cfg(target_arch = "x86_64")]
            Some((_, Plan::Avx2(plan))) => {
                let stride = to.stride;
                plan.scale(from, &mut PlaneMut { data, stride }, area.width as usize);
                return Ok(());
            }
            Some((_, Plan::PicScale(plan))) => plan,
            None => return Err(wrong(&"there is no plan")),
        };
        let source = ImageStore::<u8, 1> {
            buffer: Cow::Borrowed(from.data),
            channels: 1,
            width: from.width as usize,
            height: from.height as usize,
            stride: from.stride,
            bit_depth: 8,
        };
        let mut target = ImageStoreMut::<u8, 1> {
            buffer: BufferStore::Borrowed(data),
            channels: 1,
            width: area.width as usize,
            height: area.height as usize,
            stride: to.stride,
            bit_depth: 8,
        };
        plan.resample(&source, &mut target).map_err(|e| wrong(&e))
    }
}

/// Whether as many bytes hold a plane of that size.
fn holds(bytes: usize, stride: usize, (width, height): (u32, u32)) -> Result<(), Error> {
    let (width, height) = (width as usize, height as usize);
    let needed = (height - 1).saturating_mul(stride).saturating_add(width);
    if stride < width || bytes < needed {
        return Err(Error(format!(
            "{bytes} bytes with rows of {stride} are no plane of {width}x{height}"
        )));
    }
    Ok(())
}

/// The largest rectangle with the shape of a `width` × `height` picture of samples shaped
/// `par_num`:`par_den` that fits in the middle of `out_width` × `out_height` square samples.
/// All numbers are even, as 4:2:0 needs. A difference of less than a percent is taken as
/// rounding and fills the whole picture.
pub fn fit(
    (width, height): (u32, u32),
    (par_num, par_den): (u32, u32),
    (out_width, out_height): (u32, u32),
) -> Area {
    let whole = Area {
        left: 0,
        top: 0,
        width: out_width,
        height: out_height,
    };
    let shape = f64::from(width) * f64::from(par_num.max(1))
        / (f64::from(height.max(1)) * f64::from(par_den.max(1)));
    let out_shape = f64::from(out_width) / f64::from(out_height.max(1));
    // One line more or less of a small picture is no other shape.
    let tolerance = (2.0 / f64::from(out_width.min(out_height).max(1))).max(0.01);
    if (shape / out_shape - 1.0).abs() <= tolerance {
        return whole;
    }
    let even = |x: f64| ((x / 2.0).round() as u32 * 2).max(2);
    if shape > out_shape {
        let height = even(f64::from(out_width) / shape).min(out_height);
        Area {
            top: ((out_height - height) / 2) & !1,
            height,
            ..whole
        }
    } else {
        let width = even(f64::from(out_height) * shape).min(out_width);
        Area {
            left: ((out_width - width) / 2) & !1,
            width,
            ..whole
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the filter in floating point, on noise, at sizes that end within a register.
    #[test]
    fn planes_are_what_the_filter_says() {
        let sizes = [
            ((1920, 270), (1280, 180)),
            ((640, 480), (284, 158)),
            ((101, 77), (33, 21)),
            ((64, 48), (64, 48)),
            ((48, 40), (90, 61)),
            ((400, 300), (22, 17)),
            ((17, 9), (9, 5)),
        ];
        for (from, to) in sizes {
            let (stride, target_stride) = (from.0 as usize + 5, to.0 as usize + 3);
            let mut seed = 1_u32;
            let data: Vec<u8> = (0..stride * from.1 as usize)
                .map(|_| {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    // Hard edges among noise: the filter overshoots there.
                    if seed >> 30 == 0 {
                        (seed >> 23) as u8
                    } else {
                        ((seed >> 29) as u8 & 1) * 255
                    }
                })
                .collect();
            let mut made = vec![7_u8; target_stride * to.1 as usize];
            let plane = Plane {
                data: &data,
                stride,
                width: from.0,
                height: from.1,
            };
            let mut target = PlaneMut {
                data: &mut made,
                stride: target_stride,
            };
            let area = Area {
                left: 0,
                top: 0,
                width: to.0,
                height: to.1,
            };
            Scaler::default().scale(&plane, &mut target, area).unwrap();
            let row = |y: usize| data[y * stride..y * stride + from.0 as usize].to_vec();
            let wanted = filtered(&(0..from.1 as usize).map(row).collect::<Vec<_>>(), to);
            for (y, wanted) in wanted.iter().enumerate() {
                for (x, wanted) in wanted.iter().enumerate() {
                    let found = f64::from(made[y * target_stride + x]);
                    assert!(
                        (found - wanted).abs() <= 1.0,
                        "{from:?} to {to:?} at {x},{y}: {found}, not {wanted}"
                    );
                }
                assert!(made[y * target_stride + to.0 as usize..][..3] == [7, 7, 7]);
            }
        }
    }

    /// Columns and rows by the definition of the filter, cut off at the borders.
    fn filtered(rows: &[Vec<u8>], (width, height): (u32, u32)) -> Vec<Vec<f64>> {
        fn weights(from: usize, to: usize, target: usize) -> Vec<f64> {
            let ratio = from as f64 / to as f64;
            let centre = (target as f64 + 0.5) * ratio - 0.5;
            let weights = (0..from).map(|source| {
                let x = ((source as f64 - centre) / ratio.max(1.0)).abs();
                match x {
                    x if x < 1.0 => 1.4 * x.powi(3) - 2.4 * x.powi(2) + 1.0,
                    x if x < 2.0 => -0.6 * x.powi(3) + 3.0 * x.powi(2) - 4.8 * x + 2.4,
                    _ => 0.0,
                }
            });
            let weights: Vec<f64> = weights.collect();
            let sum: f64 = weights.iter().sum();
            weights.iter().map(|weight| weight / sum).collect()
        }
        let (from, to) = (rows[0].len(), width as usize);
        let across: Vec<Vec<f64>> = (0..to).map(|x| weights(from, to, x)).collect();
        let sum = |weights: &[f64], samples: &mut dyn Iterator<Item = f64>| -> f64 {
            weights.iter().zip(samples).map(|(w, s)| w * s).sum()
        };
        (0..height as usize)
            .map(|y| {
                let down = weights(rows.len(), height as usize, y);
                let column = |x: usize| sum(&down, &mut rows.iter().map(|row| f64::from(row[x])));
                let mixed: Vec<f64> = (0..from).map(column).collect();
                let sample = |weights: &Vec<f64>| sum(weights, &mut mixed.iter().copied());
                across.iter().map(|w| sample(w).clamp(0.0, 255.0)).collect()
            })
            .collect()
    }

    #[test]
    fn planes_that_are_too_small_are_refused() {
        let data = [0_u8; 100];
        let mut out = [0_u8; 16];
        let area = |width| Area {
            left: 0,
            top: 0,
            width,
            height: 4,
        };
        for (stride, height, width) in
            [(10, 11, 4), (9, 5, 4), (10, 10, 5), (10, 10, 0), (10, 0, 4)]
        {
            let from = Plane {
                data: &data,
                stride,
                width: 10,
                height,
            };
            let mut to = PlaneMut {
                data: &mut out,
                stride: 4,
            };
            let scaled = Scaler::default().scale(&from, &mut to, area(width));
            assert!(scaled.is_err(), "{stride} {height} {width}");
        }
    }

    #[test]
    fn same_shape_fills_the_picture() {
        let whole = Area {
            left: 0,
            top: 0,
            width: 854,
            height: 480,
        };
        assert_eq!(fit((1920, 1080), (1, 1), (854, 480)), whole);
        assert_eq!(fit((720, 576), (64, 45), (854, 480)), whole);
    }

    #[test]
    fn another_shape_gets_bars() {
        assert_eq!(
            fit((640, 480), (1, 1), (1280, 720)),
            Area {
                left: 160,
                top: 0,
                width: 960,
                height: 720
            }
        );
        assert_eq!(
            fit((1920, 800), (1, 1), (640, 360)),
            Area {
                left: 0,
                top: 46,
                width: 640,
                height: 266
            }
        );
    }

    #[test]
    fn a_flat_plane_stays_flat_and_the_border_untouched() {
        let source = vec![100u8; 64 * 32];
        let mut target = vec![7u8; 40 * 20];
        let from = Plane {
            data: &source,
            stride: 64,
            width: 60,
            height: 32,
        };
        let mut to = PlaneMut {
            data: &mut target,
            stride: 40,
        };
        Scaler::default()
            .scale(
                &from,
                &mut to,
                Area {
                    left: 4,
                    top: 2,
                    width: 30,
                    height: 16,
                },
            )
            .unwrap();
        for (i, &sample) in target.iter().enumerate() {
            let (x, y) = (i % 40, i / 40);
            let inside = (4..34).contains(&x) && (2..18).contains(&y);
            assert_eq!(sample, if inside { 100 } else { 7 }, "at {x},{y}");
        }
    }
}
