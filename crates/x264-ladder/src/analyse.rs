//! The rendition that looks ahead for all.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::fit::{self, Fit};
use crate::ladder::{Common, Decided, Desk, Found, Item, Picture, Wanted};
use crate::noise::Meter;
use crate::outlet::Outlet;
use crate::x264::{Encoder, Kind, Setup, Unit};
use crate::{Error, aq, rung, tree};

/// How pictures between others are chosen: by the cost of all ways through those that are known, not by the next
/// few. It is done once for all renditions, so it may cost more.
const CHOICE: &str = "2";

/// Encodes one rendition and tells the others what it found.
pub(crate) struct Analysis {
    encoder: Encoder,
    size: (u32, u32),
    fit: Fit,
    outlet: Outlet,
    /// Pictures that are not decided yet, in the order in which they are shown.
    open: VecDeque<Open>,
    energies: Vec<u32>,
    /// Of this rendition and of the source.
    noise: [Meter; 2],
    /// By how much the quantisers of the last two pictures were raised that pictures between are between.
    raised: [f32; 2],
    shares: bool,
}

struct Open {
    picture: Arc<Picture>,
    /// What the encoder's own adaptive quantisation makes of it.
    aq: Vec<f32>,
    spread: Vec<f32>,
    noise: [(u32, f32); 2],
    decided: Option<Decided>,
}

impl Analysis {
    /// With `shares`, what it finds is kept for others.
    pub(crate) fn open(
        wanted: &Wanted,
        common: &Common,
        shares: bool,
        outlet: Outlet,
    ) -> Result<Self, Error> {
        let settings = &wanted.settings;
        let mut options = rung::options(settings)?;
        let mut set = |key: &str, value: String| options.push((key.to_owned(), value));
        set("vbv-maxrate", settings.bitrate.to_string());
        set("vbv-bufsize", rung::buffer_kbit(settings).to_string());
        if shares {
            set("rc-lookahead", common.look_ahead.to_string());
            set("crf", rung::quality(settings).to_string());
            set("b-adapt", CHOICE.into());
        } else {
            set("crf", settings.quantizer.to_string());
        }
        let encoder = Encoder::open(&Setup {
            preset: &settings.preset,
            size: wanted.size,
            rate: rung::rate(common),
            options: &options,
            colour: common.colour,
            analyses: shares,
        })?;
        if encoder.read().aq_mode > 2 {
            return Err(Error::Setting(
                "aq-mode",
                encoder.read().aq_mode.to_string(),
            ));
        }
        Ok(Self {
            encoder,
            size: wanted.size,
            fit: Fit::new(wanted.size),
            outlet,
            open: VecDeque::new(),
            energies: Vec::new(),
            noise: Default::default(),
            raised: [0.0; 2],
            shares,
        })
    }

    /// The profile of the stream.
    pub(crate) fn profile(&mut self) -> Result<u8, Error> {
        self.encoder.profile()
    }

    /// Encodes all pictures of `desk`.
    pub(crate) fn run(mut self, desk: &Desk<'_>) -> Result<(), Error> {
        while let Item::Picture(picture) = desk.take()? {
            if let Some(unit) = self.feed(picture)? {
                self.out(unit, desk)?;
            }
        }
        while let Some(unit) = self.encoder.flush()? {
            self.out(unit, desk)?;
        }
        desk.end();
        self.outlet.end();
        Ok(())
    }

    fn feed(&mut self, picture: Picture) -> Result<Option<Unit>, Error> {
        self.outlet.note(picture.stamp.clone());
        let kind = if picture.stamp.forced {
            Kind::Idr
        } else {
            Kind::Auto
        };
        let picture = Arc::new(picture);
        let planes = self.fit.scale(&picture.frame)?;
        let number = picture.number;
        let mut open = Open {
            picture: Arc::clone(&picture),
            aq: Vec::new(),
            spread: Vec::new(),
            noise: [(0, 0.0); 2],
            decided: None,
        };
        if self.shares {
            let read = self.encoder.read();
            aq::energies(&planes, self.size, &mut self.energies);
            aq::offsets(read.aq_mode, read.aq_strength, &self.energies, &mut open.aq);
            let source = &fit::planes(&picture.frame)?[0];
            let [own, of_source] = &mut self.noise;
            open.noise = [
                (planes[0].width, own.measure(&planes[0])),
                (source.width, of_source.measure(source)),
            ];
            // Of 16 x 16 samples and of 8 x 8 of each colour.
            open.spread
                .extend(self.energies.iter().map(|&e| (e as f32 / 384.0).sqrt()));
        }
        let unit = self.encoder.encode(&planes, number, kind, None)?;
        if self.shares {
            self.open.push_back(open);
        }
        Ok(unit)
    }

    fn out(&mut self, unit: Unit, desk: &Desk<'_>) -> Result<(), Error> {
        if self.shares {
            self.decide(&unit, desk)?;
        }
        Ok(self.outlet.push(unit)?)
    }

    fn decide(&mut self, unit: &Unit, desk: &Desk<'_>) -> Result<(), Error> {
        let found = self.encoder.found()?;
        let open = self
            .open
            .iter_mut()
            .find(|o| o.picture.number == unit.number);
        let open = open.ok_or_else(|| Error::Encode("it gave an unknown picture back".into()))?;
        let found = found.map(|found| {
            Arc::new(Found {
                tree: tree::of_found(found, &open.aq),
                spread: std::mem::take(&mut open.spread),
                noise: open.noise,
            })
        });
        // x264 tells of pictures between others by how much they are raised above those.
        let raised = match unit.kind {
            Kind::B | Kind::BRef => unit.raised + f32::midpoint(self.raised[0], self.raised[1]),
            _ => {
                self.raised = [self.raised[1], unit.raised];
                unit.raised
            }
        };
        gstreamer::log!(
            crate::CATEGORY,
            "{} lines, analysed: picture {} {:?} took {} bits, raised by {raised:.1}",
            self.size.1,
            unit.number,
            unit.kind,
            unit.data.len() * 8
        );
        open.decided = Some(Decided {
            picture: Arc::clone(&open.picture),
            kind: unit.kind,
            bits: unit.data.len() as f64 * 8.0 * f64::from(raised / 6.0).exp2(),
            raised: raised.into(),
            tree: found,
        });
        while let Some(decided) = self.open.front().and_then(|o| o.decided.as_ref()) {
            desk.decide(decided);
            self.open.pop_front();
        }
        Ok(())
    }
}
