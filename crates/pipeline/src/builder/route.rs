//! Where pictures lie on their way from the decoder to an encoder.
//!
//! Moving a picture between a card and the system costs more than scaling it, so it is moved as
//! seldom as can be: not at all where the card decodes, scales and encodes; once where only the
//! card encodes; and to the system at full size where something has to be done to it that only
//! works there.

use clipsy_domain::media::VideoStream;
use gstreamer as gst;
use gstreamer_video as gst_video;

use super::element;
use super::video::off_card;
use crate::Error;
use crate::catalog::{Catalog, DecoderSpec, ElementSpec, Makes, MemorySpec, VariantSpec};

/// The way of the pictures of one job.
#[derive(Debug, Clone, Default)]
pub(crate) struct Route<'a> {
    /// Memory that the decoder writes to; `None` is the system's, here and below.
    pub(crate) decoded: Option<&'a MemorySpec>,
    /// Memory in which pictures are teed and scaled.
    pub(crate) scaled: Option<&'a MemorySpec>,
    /// The encoder takes pictures where they are scaled.
    pub(crate) direct: bool,
    /// Why decoded pictures leave the card before they are scaled.
    pub(crate) leaves: Option<String>,
    /// Why pictures are not scaled on the card although they could be.
    pub(crate) lacks: Option<String>,
}

impl<'a> Route<'a> {
    /// The shortest way that works here. `without` are memories in which scaling failed already.
    pub(crate) fn plan(
        catalog: &'a Catalog,
        source: &VideoStream,
        decoder: Option<&DecoderSpec>,
        variant: &VariantSpec,
        without: &[String],
    ) -> Self {
        let decoded = decoder.and_then(|d| catalog.memory(&d.memory));
        let accepts = |memory: &MemorySpec| variant.accepts.contains(&memory.id);
        let fault = |memory: &MemorySpec| why_unusable(memory, without);
        // An encoder of all renditions scales by itself.
        let scales =
            (variant.makes == Makes::Ladder).then(|| "the encoder scales on the CPU".to_owned());
        let leaves =
            decoded.and_then(|memory| off_card(source).or(scales).or_else(|| fault(memory)));
        let mut of_encoder = catalog.memories.iter().filter(|memory| accepts(memory));
        let scaled = match decoded {
            Some(memory) if leaves.is_none() => Some(memory),
            _ => of_encoder.clone().find(|memory| fault(memory).is_none()),
        };
        let lacks = match (scaled, decoded) {
            (Some(_), _) => None,
            _ if variant.makes == Makes::Ladder => None,
            (None, Some(memory)) => fault(memory),
            (None, None) => of_encoder.find_map(fault),
        };
        Self {
            decoded,
            scaled,
            direct: scaled.is_none_or(accepts),
            leaves,
            lacks,
        }
    }

    /// The same for an encoder alone, whose pictures come from the system.
    pub(crate) fn of_encoder(catalog: &'a Catalog, variant: &VariantSpec) -> Self {
        let mut all = catalog.memories.iter();
        let usable = |m: &&MemorySpec| variant.accepts.contains(&m.id) && is_usable(m);
        Self {
            scaled: all.find(usable),
            direct: true,
            ..Self::default()
        }
    }

    /// What brings decoded pictures to the system at full size.
    pub(crate) fn download(&self) -> &'a [ElementSpec] {
        match self.decoded {
            Some(memory) if self.leaves.is_some() => &memory.download,
            _ => &[],
        }
    }

    /// What brings pictures from the system to where they are scaled.
    pub(crate) fn upload(&self) -> &'a [ElementSpec] {
        match self.scaled {
            Some(memory) if self.decoded.is_none() || self.leaves.is_some() => &memory.upload,
            _ => &[],
        }
    }

    /// True if decoded pictures stay on the card up to the scalers.
    pub(crate) fn stays(&self) -> bool {
        self.decoded.is_some() && self.leaves.is_none()
    }

    /// What brings a teed picture to the system, for the stills.
    pub(crate) fn fetch(&self) -> &'a [ElementSpec] {
        self.scaled.map_or(&[], |memory| &memory.download)
    }

    /// The caps feature of pictures at the tee.
    pub(crate) fn feature(&self) -> Option<&'a str> {
        self.scaled.map(|memory| memory.feature.as_str())
    }

    /// The elements that make pictures of `size` for `variant` out of teed ones of size `from`, with
    /// the caps of what they give out. `name` names them.
    pub(crate) fn scalers(
        &self,
        variant: &VariantSpec,
        from: (u32, u32),
        size: (u32, u32),
        name: impl Fn(&str) -> String,
    ) -> Result<Vec<gst::Element>, Error> {
        let mut elements = Vec::new();
        let mut number = 0;
        let mut next = || {
            number += 1;
            name(&format!("prepare-{}", number - 1))
        };
        let Some(memory) = self.scaled else {
            for factory in &variant.prepare {
                elements.push(element::make(factory, &next())?);
            }
            return Ok(elements);
        };
        for (step, (width, height)) in steps(from, size, memory.most_ratio).into_iter().enumerate()
        {
            for spec in &memory.scale {
                elements.push(element::make_set(spec, &next())?);
            }
            if (width, height) != size {
                let caps = gst_video::VideoCapsBuilder::new()
                    .width(side(width))
                    .height(side(height))
                    .build();
                let caps = element::in_memory(caps, Some(&memory.feature));
                elements.push(element::capsfilter(&name(&format!("step-{step}")), &caps)?);
            }
        }
        if !self.direct && !memory.scales_to_system {
            for spec in &memory.download {
                elements.push(element::make_set(spec, &next())?);
            }
        }
        Ok(elements)
    }

    /// Elements that the pictures pass, as people say it: `cudaconvertscale` and so on.
    pub(crate) fn describe(&self, variant: &VariantSpec) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        let specs = |specs: &[ElementSpec]| -> Vec<String> {
            specs.iter().map(|s| s.element().to_owned()).collect()
        };
        names.extend(specs(self.download()));
        names.extend(specs(self.upload()));
        match self.scaled {
            Some(memory) => {
                names.extend(specs(&memory.scale));
                if !self.direct && !memory.scales_to_system {
                    names.extend(specs(&memory.download));
                }
            }
            None => names.extend(variant.prepare.iter().cloned()),
        }
        names.push(variant.element.clone());
        names
    }
}

pub(super) fn side(length: u32) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}

/// Whether pictures can be moved and scaled in `memory` here.
pub(crate) fn is_usable(memory: &MemorySpec) -> bool {
    why_unusable(memory, &[]).is_none()
}

fn why_unusable(memory: &MemorySpec, without: &[String]) -> Option<String> {
    if without.contains(&memory.id) {
        return Some("scaling on the card failed before".to_owned());
    }
    let needed = memory
        .scale
        .iter()
        .chain(&memory.upload)
        .chain(&memory.download);
    let missing: Vec<String> = needed
        .map(ElementSpec::element)
        .filter(|name| gst::ElementFactory::find(name).is_none())
        .map(str::to_owned)
        .collect();
    (!missing.is_empty()).then(|| crate::encoder::diagnose::why_missing(&memory.needs, &missing))
}

/// The sizes on the way from one to another, with no side divided by more than `most` at once.
fn steps(from: (u32, u32), to: (u32, u32), most: Option<f64>) -> Vec<(u32, u32)> {
    let ratio = |a: u32, b: u32| f64::from(a) / f64::from(b.max(1));
    let largest = ratio(from.0, to.0).max(ratio(from.1, to.1));
    let count = match most {
        // Rounding a size to even numbers is no step.
        Some(most) if most > 1.0 && largest > most * 1.02 => {
            (largest.ln() / most.ln() - 0.03).ceil()
        }
        _ => 1.0,
    };
    let count = (count as u32).clamp(1, 8);
    (1..=count)
        .map(|step| {
            if step == count {
                return to;
            }
            let share = f64::from(step) / f64::from(count);
            let between = |a: u32, b: u32| {
                let length = f64::from(a) * ratio(b, a).powf(share);
                ((length / 2.0).round() as u32 * 2).max(2)
            };
            (between(from.0, to.0), between(from.1, to.1))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: (u32, u32) = (1920, 1080);

    #[test]
    fn no_step_divides_by_more_than_its_ratio() {
        assert_eq!(steps(SOURCE, (640, 360), None), [(640, 360)]);
        assert_eq!(steps(SOURCE, (1920, 1080), Some(2.0)), [SOURCE]);
        assert_eq!(steps(SOURCE, (960, 540), Some(2.0)), [(960, 540)]);
        assert_eq!(
            steps(SOURCE, (640, 360), Some(2.0)),
            [(1108, 624), (640, 360)]
        );
        assert_eq!(steps((7680, 4320), (640, 360), Some(2.0)).len(), 4);
        // Larger is done at once.
        assert_eq!(steps((640, 360), SOURCE, Some(2.0)), [SOURCE]);
    }
}
