//! Keeps a rendition within its rate: by how much its quantiser is raised, mini-GOP by mini-GOP.
//!
//! x264 can do this, but would look ahead for it. Here the analysed rendition tells what is coming: a
//! picture takes its bits there times a ratio that is learnt as the rendition is made. A buffer as
//! decoders have it is filled at the highest rate allowed and emptied by pictures in the order in which
//! they are decoded, and must never be found empty.

use std::collections::VecDeque;

use crate::x264::Kind;

/// Share of the buffer that is full when the first picture is decoded; x264's own default.
const START: f64 = 0.9;
/// What the buffer should hold on average.
const GOAL: f64 = 0.5;
/// How fast a difference to that is made good for: bits are so much fewer for a buffer that is empty, and as
/// many more for one that is full.
const PULL: f64 = 0.8;
/// What the buffer must hold after each picture that is known.
const FLOOR: f64 = 0.12;
/// Share of what comes in that pictures may take while it holds less: it fills, and what is shown meanwhile
/// is still a picture.
const THRIFT: f64 = 0.5;
/// By how much the first picture may be larger than expected: nothing is learnt yet, and small renditions of
/// fine detail take as many bits as larger ones.
const UNKNOWN: f64 = 2.0;
/// Steps of the quantiser that halve the bits.
const HALVES: f64 = 6.0;
/// Most that the quantiser is raised; with it x264 begins to blur what it takes in.
const MOST: f64 = 45.0;
/// So many times the usual bits of its class make a picture one that shows something new.
const NEW: f64 = 3.0;
/// How far below what the analysed rendition needed it may stay.
const SLACK: f64 = 2.0;
/// Finest step in which it is.
const STEP: f64 = 0.25;

/// How much of what was learnt outlasts a picture.
const KEEP: f64 = 0.8;

/// Kinds of pictures whose bits scale alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Intra,
    Predicted,
    Between,
}

impl Class {
    fn of(kind: Kind) -> Self {
        match kind {
            Kind::Idr | Kind::I => Self::Intra,
            Kind::B | Kind::BRef => Self::Between,
            _ => Self::Predicted,
        }
    }
}

/// A picture as the analysed rendition coded it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Ahead {
    pub(crate) kind: Kind,
    /// Bits that it took there, or would have taken had nothing been held back.
    pub(crate) bits: f64,
    /// By how much its quantiser was raised there to hold back.
    pub(crate) raised: f64,
}

/// Bits here over bits there.
#[derive(Debug, Clone, Copy)]
struct Ratio {
    here: f64,
    there: f64,
}

impl Ratio {
    fn get(self) -> f64 {
        self.here / self.there
    }

    fn learn(&mut self, here: f64, there: f64, keep: f64) {
        self.here = keep * self.here + here;
        self.there = keep * self.there + there;
    }
}

/// What was expected of a picture, for those who look into it.
#[derive(Debug)]
#[expect(dead_code, reason = "it is only printed")]
pub(crate) struct Expected {
    bits: f64,
    raise: f64,
    /// What the buffer holds now, over its size.
    left: f64,
}

struct Pending {
    number: i64,
    ahead: Ahead,
    raise: f64,
    bits: f64,
}

/// Plans one rendition.
///
/// Two things raise the quantiser, and the higher one counts: what comes in on average takes more than the
/// rate, which changes slowly; and what is known to come would empty the buffer, which must not be.
pub(crate) struct Planner {
    per_picture: f64,
    size: f64,
    fill: f64,
    ratios: [Ratio; 3],
    pending: VecDeque<Pending>,
    /// Bits that the pictures of the last seconds would have taken, those that need no others apart.
    history: VecDeque<f64>,
    intra: f64,
    /// Pictures from one keyframe to the next.
    gop: f64,
    raise: f64,
    /// By how much pictures were larger than expected of late.
    surprise: f64,
    inside: bool,
    #[cfg(test)]
    lowest: f64,
}

impl Planner {
    /// For at most `kbps` over `ms`, with a keyframe after `gop` pictures. `scale` is the number of pixels
    /// here over that in the analysed rendition.
    pub(crate) fn new(kbps: u32, ms: u32, pictures_per_s: f64, gop: u32, scale: f64) -> Self {
        let rate = f64::from(kbps) * 1000.0;
        let size = rate * f64::from(ms) / 1000.0;
        let first = Ratio {
            here: 20_000.0 * scale.powf(0.9),
            there: 20_000.0,
        };
        Self {
            per_picture: rate / pictures_per_s,
            size,
            fill: START * size,
            ratios: [first; 3],
            pending: VecDeque::new(),
            history: VecDeque::new(),
            intra: 0.0,
            gop: f64::from(gop.max(1)),
            raise: 0.0,
            surprise: UNKNOWN,
            inside: false,
            #[cfg(test)]
            lowest: START * size,
        }
    }

    /// By how much the quantiser of the first picture of `ahead` is to be raised. The others follow in the
    /// order in which they are shown.
    pub(crate) fn raise(&mut self, ahead: &[Ahead]) -> f64 {
        let start = self.expected_fill();
        // A mini-GOP has one: pictures between others are coded behind those that they need.
        if !self.inside {
            self.raise = self.steady(start, ahead).max(least(ahead));
        }
        // Within one it only rises, by what has come back since: nothing can be coded again.
        while self.raise < MOST && !self.holds(start, ahead, self.raise) {
            self.raise += STEP;
        }
        self.inside = ahead
            .first()
            .is_some_and(|a| Class::of(a.kind) == Class::Between);
        self.raise
    }

    /// A picture went to the encoder.
    pub(crate) fn fed(&mut self, number: i64, ahead: Ahead, raise: f64) {
        self.pending.push_back(Pending {
            number,
            ahead,
            raise,
            bits: self.expected_bits(&ahead, raise),
        });
    }

    /// A picture came back with so many bits. Tells what was expected of it.
    pub(crate) fn coded(&mut self, number: i64, bits: f64) -> Option<Expected> {
        self.fill -= bits;
        #[cfg(test)]
        {
            self.lowest = self.lowest.min(self.fill);
        }
        self.fill = (self.fill + self.per_picture).min(self.size);
        let at = self.pending.iter().position(|p| p.number == number)?;
        let known = self.pending.remove(at)?;
        {
            let class = Class::of(known.ahead.kind);
            let there = known.ahead.bits * (-known.raise / HALVES).exp2();
            let free = bits * (known.raise / HALVES).exp2();
            if class == Class::Intra {
                self.intra = free;
            } else {
                self.history.push_back(free);
                while self.history.len() as f64 > (self.size / self.per_picture).max(8.0) {
                    self.history.pop_front();
                }
            }
            let keep = if class == Class::Intra { 0.5 } else { KEEP };
            self.ratios[class as usize].learn(bits, there, keep);
            let surprise = bits / known.bits.max(1.0);
            self.surprise = (1.0 + (self.surprise - 1.0) * 0.95).max(surprise.clamp(1.0, 3.0));
        }
        Some(Expected {
            bits: known.bits,
            raise: known.raise,
            left: self.fill / self.size,
        })
    }

    /// What the average of what was and of what is known to come asks for, with the buffer at `fill`.
    fn steady(&self, fill: f64, ahead: &[Ahead]) -> f64 {
        let (mut long, mut short) = (
            (self.history.iter().sum::<f64>(), self.history.len()),
            (0.0, 0),
        );
        let mut intra = self.intra;
        let waiting = self.pending.iter().map(|pending| &pending.ahead);
        for picture in waiting.chain(ahead) {
            let bits = self.expected_bits(picture, 0.0);
            if Class::of(picture.kind) == Class::Intra {
                intra = bits;
                continue;
            }
            for (sum, count) in [&mut long, &mut short] {
                *sum += bits;
                *count += 1;
            }
        }
        let mean = |(sum, count): (f64, usize)| sum / (count as f64).max(1.0);
        // A full buffer is there to be used for what goes by; with one that is not, it may as well stay.
        let usual = if fill < GOAL * self.size {
            mean(long).max(mean(short))
        } else {
            mean(long)
        };
        let mean = usual + intra / self.gop;
        let allowed = self.per_picture * (1.0 + PULL * (fill / self.size - GOAL));
        let needed = HALVES * (mean / allowed.max(0.1 * self.per_picture)).log2();
        // In the steps of the other.
        ((needed / STEP).ceil() * STEP).clamp(0.0, MOST)
    }

    fn expected_bits(&self, ahead: &Ahead, raise: f64) -> f64 {
        let class = Class::of(ahead.kind);
        let usual = self.ratios[class as usize];
        let mut ratio = usual.get();
        // Without a keyframe at a cut, the next picture is coded as one.
        if ahead.bits > NEW * (1.0 - KEEP) * usual.there {
            ratio = ratio.max(self.ratios[Class::Intra as usize].get());
        }
        ratio * ahead.bits * (-raise / HALVES).exp2()
    }

    /// The buffer once all that went to the encoder has come back.
    fn expected_fill(&self) -> f64 {
        let each = self.pending.iter();
        each.fold(self.fill, |fill, picture| {
            (fill - picture.bits + self.per_picture).min(self.size)
        })
    }

    /// Whether the buffer stays full enough over `ahead` with this much more of the quantiser.
    fn holds(&self, start: f64, ahead: &[Ahead], raise: f64) -> bool {
        let mut fill = start;
        // Where the buffer holds too little already, it has to fill.
        let mut filling = start - THRIFT * self.per_picture;
        let mut rest = ahead;
        while !rest.is_empty() {
            let between = |a: &Ahead| Class::of(a.kind) == Class::Between;
            let count = rest.iter().take_while(|a| between(a)).count();
            let group = &rest[..(count + 1).min(rest.len())];
            // The last one shown is the first one decoded.
            let (last, others) = match group.split_last() {
                Some((last, others)) if !between(last) => (Some(last), others),
                _ => (None, group),
            };
            for picture in last.into_iter().chain(others) {
                let bits = self.expected_bits(picture, raise);
                // One picture may be as much larger as any was of late.
                if fill - bits * self.surprise < filling.min(FLOOR * self.size) {
                    return false;
                }
                filling += (1.0 - THRIFT) * self.per_picture;
                fill = (fill - bits + self.per_picture).min(self.size);
            }
            rest = &rest[group.len()..];
        }
        true
    }
}

/// What the pictures up to the next that others need are raised by at least: bits are known where the analysed
/// rendition was, and where it had to hold back they can be many times more just below.
fn least(ahead: &[Ahead]) -> f64 {
    let between = |a: &Ahead| Class::of(a.kind) == Class::Between;
    let count = ahead.iter().take_while(|a| between(a)).count();
    let group = ahead.iter().take(count + 1);
    let most = group.map(|a| a.raised).fold(0.0, f64::max);
    ((most - SLACK) / STEP).floor().max(0.0) * STEP
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ahead(kind: Kind, bits: f64) -> Ahead {
        Ahead {
            kind,
            bits,
            raised: 0.0,
        }
    }

    /// Runs pictures of these bits through a planner whose rendition takes `ratio` times as many, halved
    /// by every `halves` steps; the answer is the lowest fill and the mean raise.
    fn run(kbps: u32, ratio: f64, halves: f64, pictures: &[Ahead]) -> (f64, f64) {
        let mut planner = Planner::new(kbps, 2000, 25.0, 50, 1.0);
        let mut sum = 0.0;
        for (i, picture) in pictures.iter().enumerate() {
            let number = i64::try_from(i).unwrap();
            let raise = planner.raise(&pictures[i..(i + 8).min(pictures.len())]);
            sum += raise;
            planner.fed(number, *picture, raise);
            planner.coded(number, picture.bits * ratio * (-raise / halves).exp2());
        }
        (planner.lowest / planner.size, sum / pictures.len() as f64)
    }

    fn stream(bits: f64) -> Vec<Ahead> {
        let kind = |i: usize| match i % 50 {
            0 => ahead(Kind::Idr, 4.0 * bits),
            i if i % 3 == 0 => ahead(Kind::P, bits),
            _ => ahead(Kind::B, bits / 3.0),
        };
        (0..500).map(kind).collect()
    }

    #[test]
    fn what_fits_is_left_alone() {
        let (lowest, raise) = run(1000, 1.0, 6.0, &stream(20_000.0));
        assert!(lowest > 0.5 && raise == 0.0, "{lowest} {raise}");
    }

    #[test]
    fn what_does_not_fit_is_made_to() {
        for ratio in [0.5, 1.0, 2.0] {
            for halves in [3.5, 6.0, 7.0] {
                let (lowest, raise) = run(1000, ratio, halves, &stream(100_000.0));
                assert!(lowest > 0.0, "{ratio} {halves}: {lowest} {raise}");
            }
        }
    }

    #[test]
    fn where_the_analysed_one_holds_back_so_do_the_others() {
        let mut planner = Planner::new(1000, 2000, 25.0, 50, 1.0);
        let mut pictures = vec![
            ahead(Kind::B, 10.0),
            ahead(Kind::P, 10.0),
            ahead(Kind::P, 10.0),
        ];
        pictures[1].raised = 12.0;
        assert!((planner.raise(&pictures) - 10.0).abs() < 1e-9);
        // The picture between goes with the one behind it; what comes then is on its own.
        assert!((planner.raise(&pictures[1..]) - 10.0).abs() < 1e-9);
        assert!(planner.raise(&pictures[2..]) < 1e-9);
    }

    #[test]
    fn a_first_picture_of_more_bits_than_expected_fits() {
        // Nearly twice what the first ratio says, and more than the whole buffer if left alone.
        let pictures = [ahead(Kind::Idr, 1_080_000.0)];
        let (lowest, raise) = run(1000, 1.9, 6.0, &pictures);
        assert!(lowest > 0.0, "{lowest} {raise}");
    }

    #[test]
    fn an_empty_buffer_fills_with_pictures_that_can_be_seen() {
        let mut planner = Planner::new(1000, 2000, 25.0, 50, 1.0);
        let pictures = stream(20_000.0);
        planner.fill = 0.0;
        let mut before = planner.fill;
        for (i, picture) in pictures[1..25].iter().enumerate() {
            let number = i64::try_from(i).unwrap();
            let raise = planner.raise(&pictures[i + 1..i + 9]);
            assert!(raise < 15.0, "{i}: {raise}");
            planner.fed(number, *picture, raise);
            planner.coded(number, picture.bits * (-raise / 6.0).exp2());
            assert!(planner.fill >= before, "{i}: {raise}");
            before = planner.fill;
        }
        assert!(before > 0.2 * planner.size, "{before}");
    }

    #[test]
    fn a_sudden_change_does_not_empty_the_buffer() {
        let mut pictures = stream(5_000.0);
        for picture in &mut pictures[130..] {
            picture.bits *= 20.0;
        }
        let (lowest, _) = run(1000, 1.0, 6.0, &pictures);
        assert!(lowest > 0.0, "{lowest}");
    }
}
