//! A rendition that does not look ahead itself.

use gstreamer as gst;

use crate::fit::Fit;
use crate::ladder::{Common, Decided, Found, Shelf, Wanted};
use crate::outlet::Outlet;
use crate::pad::Settings;
use crate::plan::{Ahead, Planner};
use crate::tree::{self, Resampler};
use crate::x264::{Encoder, Kind, Setup, Unit};
use crate::{Error, noise};

/// Cost of noise over that of a picture, for noise and picture of the same spread: pictures are predicted
/// from their own surroundings, noise is not. Found by trial with film grain.
const NOISE_SHARE: f32 = 1.2;
/// Noise that makes no difference, in samples.
const LEAST_NOISE: f32 = 0.3;

/// Encodes one rendition by what another found.
pub(crate) struct Rung {
    encoder: Encoder,
    size: (u32, u32),
    fit: Fit,
    outlet: Outlet,
    resampler: Resampler,
    planner: Planner,
    offsets: Vec<f32>,
    strength: f32,
    /// Pictures between others may be needed by others.
    pyramid: bool,
}

impl Rung {
    /// Opens the encoder.
    pub(crate) fn open(wanted: &Wanted, common: &Common, outlet: Outlet) -> Result<Self, Error> {
        let settings = &wanted.settings;
        let mut options = options(settings)?;
        let probe = |options: &[(String, String)]| {
            Encoder::open(&Setup {
                preset: &settings.preset,
                size: wanted.size,
                rate: rate(common),
                options,
                colour: common.colour,
                analyses: false,
            })
        };
        let qcomp = qcomp(&options);
        let pyramid =
            last(&options, "b-pyramid").is_none_or(|value| value != "none" && value != "0");
        let level = level(common.rate, qcomp);
        let mut set = |key: &str, value: String| options.push((key.to_owned(), value));
        set("crf", (quality(settings) + level).to_string());
        for (key, value) in [
            ("mbtree", "0"),
            ("b-adapt", "0"),
            ("rc-lookahead", "0"),
            ("sync-lookahead", "0"),
            // As with the tree: the quantiser does not follow how hard a picture is.
            ("qcomp", "1"),
            ("pbratio", "1"),
        ] {
            set(key, value.into());
        }
        let encoder = probe(&options)?;
        let pixels = |(width, height): (u32, u32)| f64::from(width) * f64::from(height);
        let rate = f64::from(common.rate.numer()) / f64::from(common.rate.denom());
        Ok(Self {
            encoder,
            size: wanted.size,
            fit: Fit::new(wanted.size),
            outlet,
            resampler: Resampler::new(common.analysed, wanted.size),
            planner: Planner::new(
                settings.bitrate,
                settings.vbv_ms,
                rate,
                settings.key_int_max,
                pixels(wanted.size) / pixels(common.analysed),
            ),
            offsets: Vec::new(),
            strength: 5.0 * (1.0 - qcomp),
            pyramid,
        })
    }

    /// The profile of the stream.
    pub(crate) fn profile(&mut self) -> Result<u8, Error> {
        self.encoder.profile()
    }

    /// Encodes all pictures of `shelf`.
    pub(crate) fn run(mut self, shelf: &Shelf<'_>) -> Result<(), Error> {
        while let Some((decided, ahead)) = shelf.take()? {
            if let Some(unit) = self.feed(&decided, &ahead)? {
                self.out(unit)?;
            }
        }
        while let Some(unit) = self.encoder.flush()? {
            self.out(unit)?;
        }
        self.outlet.end();
        Ok(())
    }

    fn feed(&mut self, decided: &Decided, ahead: &[Ahead]) -> Result<Option<Unit>, Error> {
        let number = decided.picture.number;
        self.outlet.note(decided.picture.stamp.clone());
        let raise = self.planner.raise(ahead);
        if let Some(first) = ahead.first() {
            self.planner.fed(number, *first, raise);
        }
        // The first picture is no exception: x264 does not make it finer by itself where it has a tree.
        let add = raise as f32;
        let kind = match decided.kind {
            Kind::BRef if !self.pyramid => Kind::B,
            kind => kind,
        };
        let offsets = match &decided.tree {
            Some(found) if kind.is_kept() => {
                self.worth(found, add);
                Some(&mut self.offsets[..])
            }
            _ if add != 0.0 => {
                tree::flat(self.size, add, &mut self.offsets);
                Some(&mut self.offsets[..])
            }
            _ => None,
        };
        let planes = self.fit.scale(&decided.picture.frame)?;
        self.encoder.encode(&planes, number, kind, offsets)
    }

    /// Makes the offsets of what a picture is worth to others.
    fn worth(&mut self, found: &Found, add: f32) {
        let noise = noise::extra(found.noise, self.size.0);
        if noise < LEAST_NOISE || self.strength <= 0.0 {
            return self.resampler.resample(&found.tree, add, &mut self.offsets);
        }
        let shares = found
            .spread
            .iter()
            .map(|spread| NOISE_SHARE * noise / spread.max(1.0));
        let tree = tree::with_noise(&found.tree, shares, self.strength);
        self.resampler.resample(&tree, add, &mut self.offsets);
    }

    fn out(&mut self, unit: Unit) -> Result<(), Error> {
        let bits = unit.data.len() as f64 * 8.0;
        let state = self.planner.coded(unit.number, bits);
        gst::log!(
            crate::CATEGORY,
            "{} lines: picture {} {:?} took {bits} bits; {state:?}",
            self.size.1,
            unit.number,
            unit.kind
        );
        Ok(self.outlet.push(unit)?)
    }
}

/// What x264 adds to the constant rate factor when it has a tree: it is in `ratecontrol.c`, once for the
/// tree and once for pictures that are shown for more or less than 40 ms.
fn level(rate: gst::Fraction, qcomp: f32) -> f32 {
    let shown = (rate.denom() as f32 / rate.numer() as f32).clamp(0.01, 1.0);
    (1.0 - qcomp) * (13.5 + 6.0 * (0.04 / shown).log2())
}

fn qcomp(options: &[(String, String)]) -> f32 {
    let given = last(options, "qcomp").and_then(|value| value.parse().ok());
    given.unwrap_or(0.6)
}

/// What an option is set to in the end.
fn last<'a>(options: &'a [(String, String)], wanted: &str) -> Option<&'a str> {
    let given = options.iter().rev().find(|(key, _)| key == wanted);
    given.map(|(_, value)| value.as_str())
}

/// The options that are the same for all kinds of renditions.
pub(crate) fn options(settings: &Settings) -> Result<Vec<(String, String)>, Error> {
    let mut options = vec![
        ("keyint".to_owned(), settings.key_int_max.to_string()),
        ("threads".to_owned(), settings.threads.to_string()),
    ];
    for option in settings.options.split(':').filter(|o| !o.is_empty()) {
        let (key, value) = option
            .split_once('=')
            .ok_or_else(|| Error::Setting("option", option.to_owned()))?;
        options.push((key.to_owned(), value.to_owned()));
    }
    Ok(options)
}

/// By how much the constant rate factor is raised where the look-ahead sees more pictures than the preset's:
/// it finds more worth in them, and bits come out as they would without.
const TRIM: f32 = 0.5;

/// The constant rate factor of renditions that share a look-ahead.
pub(crate) fn quality(settings: &Settings) -> f32 {
    settings.quantizer as f32 + TRIM
}

/// Size of the buffer that decoders have.
pub(crate) fn buffer_kbit(settings: &Settings) -> u64 {
    u64::from(settings.bitrate) * u64::from(settings.vbv_ms) / 1000
}

pub(crate) fn rate(common: &Common) -> (i32, i32) {
    (common.rate.numer(), common.rate.denom())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_is_that_of_x264() {
        let near = |a: f32, b: f32| (a - b).abs() < 1e-3;
        assert!(near(level(gst::Fraction::new(25, 1), 0.6), 5.4));
        assert!(near(level(gst::Fraction::new(50, 1), 0.6), 7.8));
        // Shorter than 10 ms and longer than a second are taken as those.
        let limit = level(gst::Fraction::new(100, 1), 0.6);
        assert!(near(level(gst::Fraction::new(240, 1), 0.6), limit));
    }

    #[test]
    fn options_are_pairs() {
        let settings = Settings {
            options: "me=dia:scenecut=0:".into(),
            ..Settings::default()
        };
        let options = options(&settings).unwrap();
        assert_eq!(
            options[2..],
            [("me".into(), "dia".into()), ("scenecut".into(), "0".into())]
        );
        let broken = Settings {
            options: "me".into(),
            ..Settings::default()
        };
        assert!(super::options(&broken).is_err());
    }
}
