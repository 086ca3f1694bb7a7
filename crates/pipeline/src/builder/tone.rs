//! From any colour to that of ordinary video, as tables.
//!
//! Light is taken from the signal by its transfer function: those of ITU-R BT.2100-2 (tables 4 and
//! 5, HLG shown on a display of 1000 cd/m²) for high dynamic range, that of a BT.1886 display for
//! most others. The brightest component of high dynamic range is brought below reference white,
//! 203 cd/m² after BT.2408, by the curve of BT.2390 (annex 5, "EETF"): what is darker than about
//! 90 cd/m², faces among it, keeps its brightness. The colours go from their primaries to the
//! wanted ones, and light becomes signal again.

use clipsy_domain::media::HdrKind;
use gstreamer_video::{
    VideoColorMatrix, VideoColorRange, VideoColorimetry, VideoTransferFunction as Transfer,
};

use super::colour;
use super::gamut::{self, Matrix};

/// Light of white paper in the scene, in cd/m².
const REFERENCE_WHITE: f32 = 203.0;
/// Light of the brightest picture element in cd/m², of HLG and where PQ does not say.
const USUAL_PEAK: f32 = 1000.0;

/// 10-bit code values between two nodes of the luma table in both directions of chroma, and its
/// logarithm.
const LUMA_BITS: u32 = 4;
const LUMA_STEP: usize = 1 << LUMA_BITS;
const LUMA_NODES: usize = 1024 / LUMA_STEP + 1;
/// 10-bit code values between two nodes of the chroma table, in chroma and in luma.
const CHROMA_BITS: u32 = 3;
const CHROMA_STEP: usize = 1 << CHROMA_BITS;
const CHROMA_NODES: usize = 1024 / CHROMA_STEP + 1;
const CHROMA_LUMA_BITS: u32 = 4;
const CHROMA_LUMA_STEP: usize = 1 << CHROMA_LUMA_BITS;
const CHROMA_LUMA_NODES: usize = 1024 / CHROMA_LUMA_STEP + 1;

/// What pictures are made of that a [`ToneMap`] takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signal {
    pub(crate) colour: VideoColorimetry,
    /// Bits per component, 8 or 10.
    pub(crate) bits: u32,
    /// Light of the brightest picture element of PQ in cd/m², if the source tells it.
    pub(crate) peak: Option<f32>,
}

/// Turns `Y'CbCr` of up to 10 bits into limited-range 8-bit `Y'CbCr` of another colour. Codes of
/// 8 bits are given times four.
pub(crate) struct ToneMap {
    luma: Vec<u8>,
    /// Of high dynamic range only, where each value takes long to work out.
    chroma: Vec<[u8; 2]>,
    curve: Curve,
}

impl ToneMap {
    /// Tables from a signal to limited range of the colour `to`.
    pub(crate) fn new(from: &Signal, to: &VideoColorimetry) -> Self {
        let curve = Curve::new(from, to);
        let mut luma = Vec::with_capacity(LUMA_NODES * LUMA_NODES * 1024);
        for cb in 0..LUMA_NODES {
            for cr in 0..LUMA_NODES {
                for y in 0..1024 {
                    luma.push(curve.convert([y, cb * LUMA_STEP, cr * LUMA_STEP])[0]);
                }
            }
        }
        let mut chroma = Vec::new();
        for cb in (0..CHROMA_NODES).filter(|_| curve.hdr.is_some()) {
            for cr in 0..CHROMA_NODES {
                for y in 0..CHROMA_LUMA_NODES {
                    let code = [y * CHROMA_LUMA_STEP, cb * CHROMA_STEP, cr * CHROMA_STEP];
                    let [_, blue, red] = curve.convert(code);
                    chroma.push([blue, red]);
                }
            }
        }
        Self {
            luma,
            chroma,
            curve,
        }
    }

    /// What becomes of four picture elements of the luma `mean` on average that share their chroma.
    pub(crate) fn block(&self, mean: u16, cb: u16, cr: u16) -> Block<'_> {
        let (left, right) = node(cb, LUMA_BITS);
        let (up, down) = node(cr, LUMA_BITS);
        let row = |cb: usize, cr: usize| {
            let at = (cb * LUMA_NODES + cr) * 1024;
            &self.luma[at..at + 1024]
        };
        let (near_left, near_up) = ((1 << LUMA_BITS) - right, (1 << LUMA_BITS) - down);
        let mut block = Block {
            corners: [
                row(left, up),
                row(left, up + 1),
                row(left + 1, up),
                row(left + 1, up + 1),
            ],
            weights: [
                near_left * near_up,
                near_left * down,
                right * near_up,
                right * down,
            ],
            correction: 0,
            chroma: [0; 2],
        };
        if self.chroma.is_empty() {
            // Next to the edge of a gamut a step of a table is a leap.
            let [luma, blue, red] = self.curve.convert([mean, cb, cr].map(usize::from));
            block.correction = i32::from(luma) * Block::WHOLE - block.sum(mean);
            block.chroma = [blue, red];
        } else {
            block.chroma = self.chroma_of(mean, cb, cr);
        }
        block
    }

    /// Chroma by the table.
    fn chroma_of(&self, y: u16, cb: u16, cr: u16) -> [u8; 2] {
        let (cb, right) = node(cb, CHROMA_BITS);
        let (cr, down) = node(cr, CHROMA_BITS);
        let (y, above) = node(y, CHROMA_LUMA_BITS);
        let mut sums = [0; 2];
        for (cb, right) in [(cb, (1 << CHROMA_BITS) - right), (cb + 1, right)] {
            for (cr, down) in [(cr, (1 << CHROMA_BITS) - down), (cr + 1, down)] {
                let at = (cb * CHROMA_NODES + cr) * CHROMA_LUMA_NODES + y;
                for (pair, above) in self.chroma[at..at + 2]
                    .iter()
                    .zip([(1 << CHROMA_LUMA_BITS) - above, above])
                {
                    for (sum, &value) in sums.iter_mut().zip(pair) {
                        *sum += i32::from(value) * right * down * above;
                    }
                }
            }
        }
        let whole = 1 << (2 * CHROMA_BITS + CHROMA_LUMA_BITS);
        sums.map(|sum| ((sum + whole / 2) / whole) as u8)
    }
}

/// The node at or below a 10-bit code, and how far above it the code is.
fn node(code: u16, bits: u32) -> (usize, i32) {
    let code = code.min(1023);
    (
        usize::from(code >> bits),
        i32::from(code & ((1 << bits) - 1)),
    )
}

/// What becomes of picture elements that share their chroma.
pub(crate) struct Block<'a> {
    /// Chroma, blue then red.
    pub(crate) chroma: [u8; 2],
    /// Luma by 10-bit luma at the four nodes around the chroma.
    corners: [&'a [u8]; 4],
    weights: [i32; 4],
    /// What the mean of the four is off at the luma of the block.
    correction: i32,
}

impl Block<'_> {
    /// All weights together.
    const WHOLE: i32 = 1 << (2 * LUMA_BITS);

    /// The luma value that goes with a 10-bit code.
    pub(crate) fn luma(&self, code: u16) -> u8 {
        let sum = self.sum(code) + self.correction;
        ((sum + Self::WHOLE / 2) / Self::WHOLE).clamp(16, 235) as u8
    }

    fn sum(&self, code: u16) -> i32 {
        let at = usize::from(code.min(1023));
        let values = self.corners.iter().zip(self.weights);
        values
            .map(|(row, weight)| i32::from(row[at]) * weight)
            .sum()
    }
}

/// High dynamic range of a signal with this transfer function.
pub(crate) fn hdr(transfer: Transfer) -> Option<HdrKind> {
    match transfer {
        Transfer::Smpte2084 => Some(HdrKind::Pq),
        Transfer::AribStdB67 => Some(HdrKind::Hlg),
        _ => None,
    }
}

/// The way of one picture element through light.
struct Curve {
    hdr: Option<HdrKind>,
    /// Code of black, codes from black to white, and codes from end to end of chroma.
    levels: [f32; 3],
    /// Shares of red and blue in luma, in and out.
    shares: [[f32; 2]; 2],
    /// Light by the signal from 0 to 1 in steps of 1/4096: of PQ in cd/m², of HLG light of the
    /// scene from 0 to 1, else light of the display from 0 to 1.
    light: Vec<f32>,
    primaries: Matrix,
    /// Signal by light from 0 to 1 in steps of 1/4096 of its square root.
    signal: Vec<f32>,
    peak: f32,
}

const STEPS: f32 = 4096.0;

impl Curve {
    fn new(from: &Signal, to: &VideoColorimetry) -> Self {
        let of = |f: &dyn Fn(f32) -> f32| (0..=4096u16).map(|i| f(f32::from(i) / STEPS)).collect();
        let (source, transfer) = (&from.colour, from.colour.transfer());
        let kind = hdr(transfer);
        let top = if from.bits > 8 { 1023.0 } else { 1020.0 };
        let peak = from.peak.filter(|_| kind == Some(HdrKind::Pq));
        Self {
            hdr: kind,
            levels: match source.range() {
                VideoColorRange::Range0_255 => [0.0, top, top],
                _ => [64.0, 876.0, 896.0],
            },
            shares: [source.matrix(), to.matrix()].map(shares),
            light: match kind {
                Some(HdrKind::Pq) => of(&pq_to_light),
                Some(HdrKind::Hlg) => of(&hlg_to_scene),
                None => of(&|signal| to_light(transfer, signal)),
            },
            primaries: gamut::between(
                // No player tells those of old and new television apart, so neither do we where
                // a stream changes from one to the other.
                if colour::is_narrow(source.primaries()) && colour::is_narrow(to.primaries()) {
                    to.primaries()
                } else {
                    source.primaries()
                },
                to.primaries(),
            ),
            signal: of(&|root| to_signal(to.transfer(), root * root)),
            peak: peak.map_or(USUAL_PEAK, |p| p.clamp(REFERENCE_WHITE * 1.5, 10_000.0)),
        }
    }

    /// 10-bit `Y'CbCr` to 8-bit limited-range `Y'CbCr`.
    fn convert(&self, [y, cb, cr]: [usize; 3]) -> [u8; 3] {
        let [black, white, chroma] = self.levels;
        let y = (y as f32 - black) / white;
        let [cb, cr] = [cb, cr].map(|c| (c as f32 - 512.0) / chroma);
        let [[red, blue], [to_red, to_blue]] = self.shares;
        let (r, b) = (y + 2.0 * (1.0 - red) * cr, y + 2.0 * (1.0 - blue) * cb);
        let g = (y - red * r - blue * b) / (1.0 - red - blue);
        let rgb = gamut::apply(&self.primaries, self.display_light([r, g, b]))
            .map(|c| lookup(&self.signal, c.clamp(0.0, 1.0).sqrt()));
        let [r, g, b] = rgb;
        let y = to_red * r + (1.0 - to_red - to_blue) * g + to_blue * b;
        let code = |value: f32, zero: f32, scale: f32| (zero + scale * value).round() as u8;
        [
            code(y, 16.0, 219.0),
            code((b - y) / (2.0 * (1.0 - to_blue)), 128.0, 224.0),
            code((r - y) / (2.0 * (1.0 - to_red)), 128.0, 224.0),
        ]
    }

    /// Light of the three components, white being 1.
    fn display_light(&self, rgb: [f32; 3]) -> [f32; 3] {
        let light = rgb.map(|c| lookup(&self.light, c.clamp(0.0, 1.0)));
        let light = match self.hdr {
            None => return light,
            Some(HdrKind::Pq) => light,
            Some(HdrKind::Hlg) => {
                let scene = 0.2627 * light[0] + 0.678 * light[1] + 0.0593 * light[2];
                // A display of 1000 cd/m² has a system gamma of 1.2.
                let gain = USUAL_PEAK * scene.max(1e-6).powf(0.2);
                light.map(|c| c * gain)
            }
        };
        let brightest = light.iter().copied().fold(1e-6, f32::max);
        let gain = compress(brightest, self.peak) / brightest / REFERENCE_WHITE;
        light.map(|c| c * gain)
    }
}

/// Shares of red and blue in luma; those of BT.709 where there is no such thing.
fn shares(matrix: VideoColorMatrix) -> [f32; 2] {
    let (red, blue) = matrix.kr_kb().unwrap_or((0.2126, 0.0722));
    [red as f32, blue as f32]
}

/// Light of a display by the signal, both from 0 to 1 (ITU-T H.273, table 3; cameras' functions
/// are shown on a BT.1886 display).
fn to_light(transfer: Transfer, signal: f32) -> f32 {
    match transfer {
        Transfer::Srgb if signal <= 0.040_45 => signal / 12.92,
        Transfer::Srgb => ((signal + 0.055) / 1.055).powf(2.4),
        Transfer::Gamma10 => signal,
        Transfer::Gamma18 => signal.powf(1.8),
        Transfer::Gamma20 => signal.powf(2.0),
        Transfer::Adobergb => signal.powf(563.0 / 256.0),
        Transfer::Log100 if signal > 0.0 => 10f32.powf(2.0 * (signal - 1.0)),
        Transfer::Log316 if signal > 0.0 => 10f32.powf(2.5 * (signal - 1.0)),
        Transfer::Log100 | Transfer::Log316 => 0.0,
        _ => signal.powf(2.4),
    }
}

/// The inverse of [`to_light`] for what is encoded.
fn to_signal(transfer: Transfer, light: f32) -> f32 {
    match transfer {
        Transfer::Srgb if light <= 0.003_130_8 => light * 12.92,
        Transfer::Srgb => 1.055 * light.powf(1.0 / 2.4) - 0.055,
        _ => light.powf(1.0 / 2.4),
    }
}

/// Brings samples of full range to limited range, to the nearest value.
pub(crate) fn narrow(from: &[u8], to: &mut [u8], chroma: bool) {
    // Times 219/255 from 16 on, or times 224/255 around 128.
    let (factor, zero) = if chroma { (224, 3968) } else { (219, 4080) };
    for (to, &from) in to.iter_mut().zip(from) {
        // Divides by 255 without a division, which leaves nothing that 16 bits cannot hold.
        let sum = u16::from(from) * factor + zero + 128;
        *to = ((sum + (sum >> 8)) >> 8) as u8;
    }
}

/// A value between the entries of a table from 0 to 1.
fn lookup(table: &[f32], at: f32) -> f32 {
    let at = at * STEPS;
    let low = (at as usize).min(table.len() - 2);
    table[low] + (table[low + 1] - table[low]) * (at - low as f32)
}

/// Brings light of at most `peak` below reference white; dark parts stay as they are.
fn compress(light: f32, peak: f32) -> f32 {
    let most = light_to_pq(peak);
    let white = light_to_pq(REFERENCE_WHITE) / most;
    let knee = 1.5 * white - 0.5;
    let value = (light_to_pq(light) / most).min(1.0);
    if value <= knee {
        return light;
    }
    let t = (value - knee) / (1.0 - knee);
    let (t2, t3) = (t * t, t * t * t);
    let bent = (2.0 * t3 - 3.0 * t2 + 1.0) * knee
        + (t3 - 2.0 * t2 + t) * (1.0 - knee)
        + (3.0 * t2 - 2.0 * t3) * white;
    pq_to_light(bent * most)
}

// Constants of the PQ functions, BT.2100-2 table 4.
const M1: f32 = 2610.0 / 16384.0;
const M2: f32 = 2523.0 / 4096.0 * 128.0;
const C1: f32 = 3424.0 / 4096.0;
const C2: f32 = 2413.0 / 4096.0 * 32.0;
const C3: f32 = 2392.0 / 4096.0 * 32.0;

fn pq_to_light(value: f32) -> f32 {
    let root = value.max(0.0).powf(1.0 / M2);
    10_000.0 * ((root - C1).max(0.0) / (C2 - C3 * root)).powf(1.0 / M1)
}

fn light_to_pq(light: f32) -> f32 {
    let root = (light / 10_000.0).max(0.0).powf(M1);
    ((C1 + C2 * root) / (1.0 + C3 * root)).powf(M2)
}

/// The inverse of the HLG OETF, BT.2100-2 table 5.
fn hlg_to_scene(value: f32) -> f32 {
    const A: f32 = 0.178_832_77;
    const B: f32 = 1.0 - 4.0 * A;
    const C: f32 = 0.559_910_7;
    if value <= 0.5 {
        value * value / 3.0
    } else {
        (((value - C) / A).exp() + B) / 12.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signal(colour: &str) -> Signal {
        gstreamer::init().unwrap();
        Signal {
            colour: colour.parse().unwrap(),
            bits: 10,
            peak: None,
        }
    }

    fn curve(colour: &str) -> Curve {
        let signal = signal(colour);
        Curve::new(&signal, &"bt709".parse().unwrap())
    }

    const BOTH: [&str; 2] = ["bt2100-pq", "bt2100-hlg"];

    fn grey(kind: &str) -> Vec<u8> {
        let curve = curve(kind);
        (64..=940)
            .map(|y| curve.convert([y, 512, 512])[0])
            .collect()
    }

    #[test]
    fn grey_stays_grey_and_never_falls() {
        for kind in BOTH {
            let ramp = grey(kind);
            assert_eq!(ramp[0], 16, "{kind:?}");
            assert!(ramp.is_sorted(), "{kind:?}");
            assert!((233..=235).contains(ramp.last().unwrap()), "{kind:?}");
            let curve = curve(kind);
            for y in 64..=940 {
                let [_, cb, cr] = curve.convert([y, 512, 512]);
                assert!(
                    cb.abs_diff(128) <= 1 && cr.abs_diff(128) <= 1,
                    "{kind:?} {y}"
                );
            }
        }
    }

    #[test]
    fn reference_white_is_bright_and_faces_keep_their_light() {
        // BT.2408 table 1: reference white is 58 % PQ and 75 % HLG.
        for (kind, white) in [("bt2100-pq", 0.58), ("bt2100-hlg", 0.75)] {
            let code = 64 + (876.0f32 * white) as usize;
            let y = curve(kind).convert([code, 512, 512])[0];
            assert!((195..=225).contains(&y), "{kind:?}: {y}");
        }
        assert!((compress(50.0, 1000.0) - 50.0).abs() < 0.1);
        assert!(compress(1000.0, 1000.0) <= REFERENCE_WHITE + 0.5);
    }

    #[test]
    fn the_transfer_functions_meet_published_points() {
        assert!((pq_to_light(0.508_078_4) - 100.0).abs() < 0.5);
        assert!((light_to_pq(1000.0) - 0.751_827).abs() < 1e-4);
        assert!((hlg_to_scene(0.5) - 1.0 / 12.0).abs() < 1e-6);
        assert!((hlg_to_scene(1.0) - 1.0).abs() < 1e-4);
    }

    #[test]
    fn the_tables_hold_what_the_curve_says() {
        let (map, curve) = (
            ToneMap::new(&signal("bt2100-hlg"), &"bt709".parse().unwrap()),
            curve("bt2100-hlg"),
        );
        for (y, cb, cr) in [
            (64u16, 512u16, 512u16),
            (500, 512, 512),
            (700, 480, 560),
            (940, 512, 512),
            (381, 427, 695),
            (333, 601, 409),
        ] {
            let [luma, blue, red] = curve.convert([y.into(), cb.into(), cr.into()]);
            let block = map.block(y, cb, cr);
            assert!(block.luma(y).abs_diff(luma) <= 1);
            let [b, r] = block.chroma;
            assert!(b.abs_diff(blue) <= 1 && r.abs_diff(red) <= 1);
        }
        let block = map.block(u16::MAX, u16::MAX, u16::MAX);
        assert!(block.luma(u16::MAX) > 16);
    }

    #[test]
    fn ordinary_greys_stay_and_full_range_becomes_limited() {
        for colour in ["bt2020-10", "smpte240m", "2:3:5:11", "2:2:4:2"] {
            let curve = curve(colour);
            for (code, grey) in [(64, 16), (504, 126), (940, 235)] {
                assert_eq!(
                    curve.convert([code, 512, 512]),
                    [grey, 128, 128],
                    "{colour}"
                );
            }
        }
        let full = curve("1:6:13:7");
        for (code, grey) in [(0, 16), (512, 126), (1023, 235)] {
            assert_eq!(full.convert([code, 512, 512]), [grey, 128, 128]);
        }
    }

    #[test]
    fn full_range_is_narrowed_to_the_nearest_value() {
        let all: Vec<u8> = (0..=255).collect();
        for (chroma, scale, middle, zero) in
            [(false, 219.0, 0.0, 16.0), (true, 224.0, 128.0, 128.0)]
        {
            let mut narrowed = vec![0; 256];
            narrow(&all, &mut narrowed, chroma);
            for (&from, to) in all.iter().zip(narrowed) {
                let exact = (f64::from(from) - middle) * scale / 255.0 + zero;
                assert_eq!(to, exact.round() as u8, "{from}");
            }
        }
    }

    #[test]
    fn blocks_of_wide_gamut_are_exact_at_their_own_luma() {
        let map = ToneMap::new(&signal("2:3:5:11"), &"bt709".parse().unwrap());
        let curve = curve("2:3:5:11");
        for code in [[420u16, 460, 400], [384, 421, 684], [300, 620, 440]] {
            let [luma, blue, red] = curve.convert(code.map(usize::from));
            let block = map.block(code[0], code[1], code[2]);
            assert_eq!((block.luma(code[0]), block.chroma), (luma, [blue, red]));
        }
    }

    #[test]
    fn bt2020_red_becomes_that_of_bt709() {
        // (200, 30, 30) of BT.709 in 10-bit BT.2020, worked out by hand (BT.2087, annex 2).
        let [y, cb, cr] = curve("bt2020-10").convert([384, 421, 684]);
        for (is, right) in [(y, 73), (cb, 111), (cr, 203)] {
            assert!(is.abs_diff(right) <= 1, "{y} {cb} {cr}");
        }
    }
}
