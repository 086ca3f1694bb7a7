//! x264 behind safe types. What depends on the layout of its structures is in `shim.c`.
#![expect(
    unsafe_code,
    reason = "x264 is a library in C; every call is in this module"
)]

use std::ffi::{CStr, CString, c_char};
use std::ptr::NonNull;

use clipsy_picture::Plane;

use crate::Error;

/// How a picture is coded. The numbers are x264's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum Kind {
    /// As the encoder likes.
    Auto = 0,
    /// A picture that needs no other, and behind which none needs one from before it.
    Idr = 1,
    /// A picture that needs no other.
    I = 2,
    /// A picture that needs one before it.
    P = 3,
    /// A picture between others that others need.
    BRef = 4,
    /// A picture between others.
    B = 5,
}

impl Kind {
    fn of(number: i32) -> Self {
        match number {
            1 | 6 => Self::Idr,
            2 => Self::I,
            4 => Self::BRef,
            5 => Self::B,
            _ => Self::P,
        }
    }

    /// True if other pictures are predicted from it.
    pub(crate) fn is_kept(self) -> bool {
        !matches!(self, Self::B | Self::Auto)
    }
}

/// A coded picture.
#[derive(Debug, Clone)]
pub(crate) struct Unit {
    /// One access unit with start codes.
    pub(crate) data: Vec<u8>,
    /// Number of the picture.
    pub(crate) number: i64,
    /// Decoding time in pictures; below zero at the start.
    pub(crate) dts: i64,
    /// How it was coded.
    pub(crate) kind: Kind,
    /// True if decoding can start here.
    pub(crate) keyframe: bool,
    /// By how much x264's own buffer model raised the quantiser.
    pub(crate) raised: f32,
}

/// Numbers that x264 took from its options.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Read {
    /// Constant rate factor.
    pub(crate) crf: f32,
    /// Compression of the curve of quantisers.
    pub(crate) qcomp: f32,
    /// Adaptive quantisation: 0 is none, 1 by energy, 2 by energy against the picture's own.
    pub(crate) aq_mode: i32,
    /// How much of it.
    pub(crate) aq_strength: f32,
}

/// What an encoder is opened with.
#[derive(Debug, Clone)]
pub(crate) struct Setup<'a> {
    /// x264's preset.
    pub(crate) preset: &'a str,
    /// Size of the picture.
    pub(crate) size: (u32, u32),
    /// Pictures per second.
    pub(crate) rate: (i32, i32),
    /// Options by their names in x264, later ones winning.
    pub(crate) options: &'a [(String, String)],
    /// Colours as H.264 numbers them.
    pub(crate) colour: Colour,
    /// Keeps what the look-ahead finds, see [`Encoder::found`].
    pub(crate) analyses: bool,
}

/// Colours as H.264 numbers them; 2 is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Colour {
    /// All values of a byte are used.
    pub(crate) full_range: bool,
    /// Matrix coefficients.
    pub(crate) matrix: u32,
    /// Primaries.
    pub(crate) primaries: u32,
    /// Transfer characteristics.
    pub(crate) transfer: u32,
}

/// An open encoder.
pub(crate) struct Encoder {
    raw: NonNull<Raw>,
    read: Read,
    blocks: usize,
}

// SAFETY: the encoder has no state that belongs to a thread, and is used by one at a time.
unsafe impl Send for Encoder {}

impl Encoder {
    /// Opens an encoder. Only one that is opened here writes what it found to memory.
    pub(crate) fn open(setup: &Setup<'_>) -> Result<Self, Error> {
        let preset = text(setup.preset)?;
        let (width, height) = (length(setup.size.0)?, length(setup.size.1)?);
        let (n, d) = setup.rate;
        // SAFETY: the preset is a string that ends with a zero.
        let raw = unsafe { ladder_new(preset.as_ptr(), width, height, n, d) };
        let raw =
            NonNull::new(raw).ok_or_else(|| Error::Setting("preset", setup.preset.to_owned()))?;
        let mut encoder = Self {
            raw,
            read: Read {
                crf: 0.0,
                qcomp: 0.0,
                aq_mode: 0,
                aq_strength: 0.0,
            },
            blocks: blocks(setup.size),
        };
        for (key, value) in setup.options {
            let (k, v) = (text(key)?, text(value)?);
            // SAFETY: both are strings that end with a zero.
            if unsafe { ladder_option(raw.as_ptr(), k.as_ptr(), v.as_ptr()) } < 0 {
                return Err(Error::Setting("option", format!("{key}={value}")));
            }
        }
        let Colour {
            full_range,
            matrix,
            primaries,
            transfer,
        } = setup.colour;
        let number = |value: u32| i32::try_from(value).unwrap_or(2);
        let Read {
            crf,
            qcomp,
            aq_mode,
            aq_strength,
        } = &mut encoder.read;
        // SAFETY: the pointers are to fields that live longer than the call.
        let opened = unsafe {
            ladder_colour(
                raw.as_ptr(),
                full_range.into(),
                number(matrix),
                number(primaries),
                number(transfer),
            );
            ladder_settings(raw.as_ptr(), crf, qcomp, aq_mode, aq_strength);
            ladder_open(raw.as_ptr(), c"high".as_ptr(), setup.analyses.into())
        };
        if opened < 0 {
            return Err(encoder.failed("it does not open"));
        }
        Ok(encoder)
    }

    /// What x264 took from its options.
    pub(crate) fn read(&self) -> Read {
        self.read
    }

    /// The profile that the stream says of itself.
    pub(crate) fn profile(&mut self) -> Result<u8, Error> {
        // SAFETY: the encoder is open.
        let profile = unsafe { ladder_profile(self.raw.as_ptr()) };
        u8::try_from(profile).map_err(|_| self.failed("it makes no headers"))
    }

    /// Encodes the picture `number`; an answer is a picture that was given before, or this one. `offsets`
    /// are added to the quantisers of its macroblocks.
    pub(crate) fn encode(
        &mut self,
        planes: &[Plane<'_>; 3],
        number: i64,
        kind: Kind,
        offsets: Option<&mut [f32]>,
    ) -> Result<Option<Unit>, Error> {
        if let Some(offsets) = &offsets
            && offsets.len() != self.blocks
        {
            return Err(Error::Encode("offsets do not fit the picture".into()));
        }
        let mut picture = RawPicture {
            planes: [std::ptr::null(); 3],
            strides: [0; 3],
            kind: kind as i32,
            number,
            offsets: offsets.map_or(std::ptr::null_mut(), <[f32]>::as_mut_ptr),
        };
        for (i, plane) in planes.iter().enumerate() {
            let needed =
                plane.stride * (plane.height as usize).saturating_sub(1) + plane.width as usize;
            if plane.data.len() < needed {
                return Err(Error::Encode("a plane is too short".into()));
            }
            picture.planes[i] = plane.data.as_ptr();
            picture.strides[i] = i32::try_from(plane.stride).unwrap_or(0);
        }
        self.run(Some(&picture))
    }

    /// What is left in the encoder, one picture a call, after the last was given.
    pub(crate) fn flush(&mut self) -> Result<Option<Unit>, Error> {
        loop {
            // SAFETY: the encoder is open.
            if unsafe { ladder_delayed(self.raw.as_ptr()) } == 0 {
                return Ok(None);
            }
            if let Some(unit) = self.run(None)? {
                return Ok(Some(unit));
            }
        }
    }

    fn run(&mut self, picture: Option<&RawPicture>) -> Result<Option<Unit>, Error> {
        let mut unit = RawUnit {
            data: std::ptr::null(),
            size: 0,
            pts: 0,
            dts: 0,
            kind: 0,
            keyframe: 0,
            raised: 0.0,
        };
        let picture = picture.map_or(std::ptr::null(), std::ptr::from_ref);
        // SAFETY: the planes and offsets are as long as the encoder reads, which `encode` made sure of,
        // and it has copied them when this returns.
        match unsafe { ladder_encode(self.raw.as_ptr(), picture, &raw mut unit) } {
            1 => {
                let size = usize::try_from(unit.size).unwrap_or(0);
                // SAFETY: so many bytes lie there until the next call.
                let data = unsafe { std::slice::from_raw_parts(unit.data, size) }.to_vec();
                Ok(Some(Unit {
                    data,
                    number: unit.pts,
                    dts: unit.dts,
                    kind: Kind::of(unit.kind),
                    keyframe: unit.keyframe != 0,
                    raised: unit.raised,
                }))
            }
            0 => Ok(None),
            _ => Err(self.failed("it failed")),
        }
    }

    /// Offsets of the quantiser that the look-ahead found for the macroblocks of the picture that came out
    /// last; `None` if it is none that others need. Adaptive quantisation is in them.
    pub(crate) fn found(&mut self) -> Result<Option<Vec<f32>>, Error> {
        let mut data = std::ptr::null();
        // SAFETY: so many bytes lie there until the next picture.
        let bytes = unsafe {
            let length = ladder_found(self.raw.as_ptr(), &raw mut data);
            if length == 0 {
                return Ok(None);
            }
            std::slice::from_raw_parts(data, length)
        };
        // A byte with the kind of picture, then a number in 8.8 bits for each macroblock.
        if bytes.len() != 1 + 2 * self.blocks {
            return Err(Error::Encode(format!(
                "its look-ahead wrote {} bytes for {} macroblocks",
                bytes.len(),
                self.blocks
            )));
        }
        let offset = |b: &[u8]| f32::from(i16::from_be_bytes([b[0], b[1]])) / 256.0;
        Ok(Some(bytes[1..].chunks_exact(2).map(offset).collect()))
    }

    fn failed(&self, what: &str) -> Error {
        // SAFETY: the text ends with a zero and lives as long as the encoder.
        let said = unsafe { CStr::from_ptr(ladder_error(self.raw.as_ptr())) };
        let said = said.to_string_lossy();
        match said.trim() {
            "" => Error::Encode(what.to_owned()),
            said => Error::Encode(format!("{what}: {said}")),
        }
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: it is used by nobody any more.
        unsafe { ladder_free(self.raw.as_ptr()) }
    }
}

/// Macroblocks of a picture.
pub(crate) fn blocks((width, height): (u32, u32)) -> usize {
    (width.div_ceil(16) * height.div_ceil(16)) as usize
}

fn text(text: &str) -> Result<CString, Error> {
    CString::new(text).map_err(|_| Error::Setting("text", text.to_owned()))
}

fn length(length: u32) -> Result<i32, Error> {
    i32::try_from(length).map_err(|_| Error::Setting("size", length.to_string()))
}

enum Raw {}

#[repr(C)]
struct RawPicture {
    planes: [*const u8; 3],
    strides: [i32; 3],
    kind: i32,
    number: i64,
    offsets: *mut f32,
}

#[repr(C)]
struct RawUnit {
    data: *const u8,
    size: i64,
    pts: i64,
    dts: i64,
    kind: i32,
    keyframe: i32,
    raised: f32,
}

unsafe extern "C" {
    fn ladder_new(preset: *const c_char, width: i32, height: i32, n: i32, d: i32) -> *mut Raw;
    fn ladder_option(encoder: *mut Raw, key: *const c_char, value: *const c_char) -> i32;
    fn ladder_colour(encoder: *mut Raw, full: i32, matrix: i32, primaries: i32, transfer: i32);
    fn ladder_settings(
        encoder: *const Raw,
        crf: *mut f32,
        qcomp: *mut f32,
        aq_mode: *mut i32,
        aq_strength: *mut f32,
    );
    fn ladder_open(encoder: *mut Raw, profile: *const c_char, analyses: i32) -> i32;
    fn ladder_profile(encoder: *mut Raw) -> i32;
    fn ladder_encode(encoder: *mut Raw, picture: *const RawPicture, unit: *mut RawUnit) -> i32;
    fn ladder_delayed(encoder: *const Raw) -> i32;
    fn ladder_found(encoder: *mut Raw, data: *mut *const u8) -> usize;
    fn ladder_error(encoder: *const Raw) -> *const c_char;
    fn ladder_free(encoder: *mut Raw);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(list: &[(&str, &str)]) -> Vec<(String, String)> {
        let each = list.iter();
        each.map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    }

    fn setup(options: &[(String, String)]) -> Setup<'_> {
        Setup {
            preset: "veryfast",
            size: (160, 90),
            rate: (25, 1),
            options,
            colour: Colour {
                full_range: false,
                matrix: 1,
                primaries: 1,
                transfer: 1,
            },
            analyses: true,
        }
    }

    /// A square that moves over a chequered ground.
    fn picture(number: usize) -> [Vec<u8>; 3] {
        let mut luma: Vec<u8> = (0..160 * 90)
            .map(|i| {
                if (i % 160 / 8 + i / 160 / 8) % 2 == 0 {
                    90
                } else {
                    110
                }
            })
            .collect();
        for y in 20..60 {
            luma[y * 160 + 2 * number..y * 160 + 2 * number + 40].fill(200);
        }
        [luma, vec![128; 80 * 45], vec![128; 80 * 45]]
    }

    fn planes(picture: &[Vec<u8>; 3]) -> [Plane<'_>; 3] {
        let plane = |i: usize, width, height| Plane {
            data: &picture[i],
            stride: width as usize,
            width,
            height,
        };
        [plane(0, 160, 90), plane(1, 80, 45), plane(2, 80, 45)]
    }

    #[test]
    fn what_the_look_ahead_found_comes_with_every_kept_picture() {
        let options = options(&[("crf", "23"), ("b-pyramid", "none"), ("threads", "1")]);
        let mut encoder = Encoder::open(&setup(&options)).unwrap();
        assert!((encoder.read().crf - 23.0).abs() < f32::EPSILON);
        assert_eq!(encoder.profile().unwrap(), 100);
        let (mut given, mut least) = (0, 0.0f32);
        let mut check = |encoder: &mut Encoder, unit: Option<Unit>| {
            let Some(unit) = unit else { return };
            given += 1;
            let found = encoder.found().unwrap();
            assert_eq!(found.is_some(), unit.kind.is_kept(), "{}", unit.number);
            least = found.iter().flatten().fold(least, |a, b| a.min(*b));
        };
        for number in 0..40u8 {
            let picture = picture(number.into());
            let unit = encoder.encode(&planes(&picture), number.into(), Kind::Auto, None);
            check(&mut encoder, unit.unwrap());
        }
        while let Some(unit) = encoder.flush().unwrap() {
            check(&mut encoder, Some(unit));
        }
        assert_eq!(given, 40);
        // The ground stays as it is: it is worth coding well.
        assert!(least < -3.0, "{least}");
    }

    #[test]
    fn nothing_of_it_is_written_to_disk() {
        let options = options(&[]);
        drop(Encoder::open(&setup(&options)).unwrap());
        let names = std::fs::read_dir(".").unwrap().flatten();
        let left = names.filter(|e| e.file_name().to_string_lossy().contains("look-ahead"));
        assert_eq!(left.count(), 0);
    }

    #[test]
    fn a_wrong_option_is_named() {
        let options = options(&[("nonsense", "1")]);
        let error = Encoder::open(&setup(&options)).err().unwrap();
        assert!(error.to_string().contains("nonsense=1"), "{error}");
    }
}
