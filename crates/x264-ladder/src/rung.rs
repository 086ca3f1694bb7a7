//! A rendition that does not look ahead itself.

use gstreamer as gst;

use crate::Error;
use crate::fit::Fit;
use crate::ladder::{Common, Decided, Shelf, Wanted};
use crate::outlet::Outlet;
use crate::pad::Settings;
use crate::plan::{Ahead, Planner};
use crate::tree::{self, Resampler};
use crate::x264::{Encoder, Kind, Setup, Unit};

/// Encodes one rendition by what another found.
pub(crate) struct Rung {
    encoder: Encoder,
    size: (u32, u32),
    fit: Fit,
    outlet: Outlet,
    resampler: Resampler,
    planner: Planner,
    offsets: Vec<f32>,
    /// What x264 adds to the quality where its look-ahead is on, except for the first picture.
    level: f32,
    strength: f32,
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
        let level = level(common.rate, qcomp);
        let mut set = |key: &str, value: String| options.push((key.to_owned(), value));
        set("crf", (settings.quantizer as f32 + level).to_string());
        for (key, value) in [
            ("mbtree", "0"),
            ("b-adapt", "0"),
            ("rc-lookahead", "0"),
            ("sync-lookahead", "0"),
            ("b-pyramid", "none"),
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
                pixels(wanted.size) / pixels(common.analysed),
            ),
            offsets: Vec::new(),
            level,
            strength: 5.0 * (1.0 - qcomp),
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
        // x264 starts with the plain quality, whatever it adds later.
        let first = if number == 0 { -self.level } else { 0.0 };
        let add = raise as f32 + first;
        let offsets = match &decided.tree {
            Some(found) => {
                self.resampler.resample(&found.tree, add, &mut self.offsets);
                Some(&mut self.offsets[..])
            }
            None if add != 0.0 => {
                tree::flat(self.size, add, &mut self.offsets);
                Some(&mut self.offsets[..])
            }
            None => None,
        };
        let kind = match decided.kind {
            Kind::BRef => Kind::B,
            kind => kind,
        };
        let planes = self.fit.scale(&decided.picture.frame)?;
        self.encoder.encode(&planes, number, kind, offsets)
    }

    fn out(&mut self, unit: Unit) -> Result<(), Error> {
        self.planner
            .coded(unit.number, unit.data.len() as f64 * 8.0);
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
    let given = options.iter().rev().find(|(key, _)| key == "qcomp");
    given
        .and_then(|(_, value)| value.parse().ok())
        .unwrap_or(0.6)
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
