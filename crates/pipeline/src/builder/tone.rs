//! From high dynamic range to standard dynamic range, as tables.
//!
//! Light is taken from the signal by the transfer functions of ITU-R BT.2100-2 (tables 4 and 5,
//! HLG shown on a display of 1000 cd/m²). Its brightest component is brought below reference
//! white, 203 cd/m² after BT.2408, by the curve of BT.2390 (annex 5, "EETF"): what is darker than
//! about 90 cd/m², faces among it, keeps its brightness. The colours go from BT.2020 to BT.709
//! primaries, the signal to that of a BT.1886 display.

use clipsy_domain::media::HdrKind;

/// Light of white paper in the scene, in cd/m².
const REFERENCE_WHITE: f32 = 203.0;
/// Light of the brightest picture element in cd/m², of HLG and where PQ does not say.
const USUAL_PEAK: f32 = 1000.0;

/// 10-bit code values between two nodes of the luma table in both directions of chroma.
const LUMA_STEP: usize = 16;
const LUMA_NODES: usize = 1024 / LUMA_STEP + 1;
/// 10-bit code values between two nodes of the chroma table, in chroma and in luma.
const CHROMA_STEP: usize = 8;
const CHROMA_NODES: usize = 1024 / CHROMA_STEP + 1;
const CHROMA_LUMA_STEP: usize = 16;
const CHROMA_LUMA_NODES: usize = 1024 / CHROMA_LUMA_STEP + 1;

/// Turns limited-range 10-bit `Y'CbCr` of BT.2100 into limited-range 8-bit `Y'CbCr` of BT.709.
pub(crate) struct ToneMap {
    luma: Vec<u8>,
    chroma: Vec<[u8; 2]>,
}

impl ToneMap {
    /// Tables for signals of `kind`. `peak` is the light of the brightest picture element of PQ in
    /// cd/m², if the source tells it.
    pub(crate) fn new(kind: HdrKind, peak: Option<f32>) -> Self {
        let curve = Curve::new(kind, peak);
        let mut luma = Vec::with_capacity(LUMA_NODES * LUMA_NODES * 1024);
        for cb in 0..LUMA_NODES {
            for cr in 0..LUMA_NODES {
                for y in 0..1024 {
                    luma.push(curve.convert([y, cb * LUMA_STEP, cr * LUMA_STEP])[0]);
                }
            }
        }
        let mut chroma = Vec::with_capacity(CHROMA_NODES * CHROMA_NODES * CHROMA_LUMA_NODES);
        for cb in 0..CHROMA_NODES {
            for cr in 0..CHROMA_NODES {
                for y in 0..CHROMA_LUMA_NODES {
                    let code = [y * CHROMA_LUMA_STEP, cb * CHROMA_STEP, cr * CHROMA_STEP];
                    let [_, blue, red] = curve.convert(code);
                    chroma.push([blue, red]);
                }
            }
        }
        Self { luma, chroma }
    }

    /// The 256 × 4 luma values that go with a pair of chroma values, by 10-bit luma.
    pub(crate) fn luma_of(&self, cb: u16, cr: u16) -> &[u8] {
        let node = |c: u16| (usize::from(c.min(1023)) + LUMA_STEP / 2) / LUMA_STEP;
        let at = (node(cb) * LUMA_NODES + node(cr)) * 1024;
        &self.luma[at..at + 1024]
    }

    /// The chroma values of four picture elements of luma `y` on average.
    pub(crate) fn chroma_of(&self, y: u16, cb: u16, cr: u16) -> [u8; 2] {
        let node = |c: u16, step: usize| (usize::from(c.min(1023)) + step / 2) / step;
        let row = node(cb, CHROMA_STEP) * CHROMA_NODES + node(cr, CHROMA_STEP);
        self.chroma[row * CHROMA_LUMA_NODES + node(y, CHROMA_LUMA_STEP)]
    }
}

/// The way of one picture element through light.
struct Curve {
    kind: HdrKind,
    /// Light in cd/m² by the transfer function's value from 0 to 1 in steps of 1/4096; for HLG,
    /// light of the scene from 0 to 1.
    light: Vec<f32>,
    /// Signal of a BT.1886 display by light from 0 to 1 in steps of 1/4096 of its square root.
    signal: Vec<f32>,
    peak: f32,
}

const STEPS: f32 = 4096.0;

impl Curve {
    fn new(kind: HdrKind, peak: Option<f32>) -> Self {
        let of = |f: &dyn Fn(f32) -> f32| (0..=4096u16).map(|i| f(f32::from(i) / STEPS)).collect();
        let peak = peak.map_or(USUAL_PEAK, |p| p.clamp(REFERENCE_WHITE * 1.5, 10_000.0));
        Self {
            kind,
            light: match kind {
                HdrKind::Pq => of(&pq_to_light),
                HdrKind::Hlg => of(&hlg_to_scene),
            },
            signal: of(&|root| (root * root).powf(1.0 / 2.4)),
            peak: if kind == HdrKind::Hlg {
                USUAL_PEAK
            } else {
                peak
            },
        }
    }

    /// 10-bit limited-range `Y'CbCr` to 8-bit limited-range `Y'CbCr`.
    fn convert(&self, [y, cb, cr]: [usize; 3]) -> [u8; 3] {
        let y = (y as f32 - 64.0) / 876.0;
        let [cb, cr] = [cb, cr].map(|c| (c as f32 - 512.0) / 896.0);
        // BT.2020, non-constant luminance.
        let rgb = [
            y + 1.4746 * cr,
            y - 0.164_553 * cb - 0.571_353 * cr,
            y + 1.8814 * cb,
        ];
        let rgb = self.display_light(rgb);
        let brightest = rgb.iter().copied().fold(1e-6, f32::max);
        let gain = compress(brightest, self.peak) / brightest / REFERENCE_WHITE;
        let [r, g, b] = rgb.map(|c| c * gain);
        // BT.2087, annex 2.
        let [r, g, b] = [
            1.6605 * r - 0.5876 * g - 0.0728 * b,
            -0.1246 * r + 1.1329 * g - 0.0083 * b,
            -0.0182 * r - 0.1006 * g + 1.1187 * b,
        ]
        .map(|c| lookup(&self.signal, c.clamp(0.0, 1.0).sqrt()));
        let y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
        let code = |value: f32, zero: f32, scale: f32| (zero + scale * value).round() as u8;
        [
            code(y, 16.0, 219.0),
            code((b - y) / 1.8556, 128.0, 224.0),
            code((r - y) / 1.5748, 128.0, 224.0),
        ]
    }

    /// Light of the three components in cd/m².
    fn display_light(&self, rgb: [f32; 3]) -> [f32; 3] {
        let light = rgb.map(|c| lookup(&self.light, c.clamp(0.0, 1.0)));
        match self.kind {
            HdrKind::Pq => light,
            HdrKind::Hlg => {
                let scene = 0.2627 * light[0] + 0.678 * light[1] + 0.0593 * light[2];
                // A display of 1000 cd/m² has a system gamma of 1.2.
                let gain = USUAL_PEAK * scene.max(1e-6).powf(0.2);
                light.map(|c| c * gain)
            }
        }
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

    fn grey(kind: HdrKind) -> Vec<u8> {
        let curve = Curve::new(kind, None);
        (64..=940)
            .map(|y| curve.convert([y, 512, 512])[0])
            .collect()
    }

    #[test]
    fn grey_stays_grey_and_never_falls() {
        for kind in [HdrKind::Pq, HdrKind::Hlg] {
            let ramp = grey(kind);
            assert_eq!(ramp[0], 16, "{kind:?}");
            assert!(ramp.is_sorted(), "{kind:?}");
            assert!((233..=235).contains(ramp.last().unwrap()), "{kind:?}");
            let curve = Curve::new(kind, None);
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
        for (kind, white) in [(HdrKind::Pq, 0.58), (HdrKind::Hlg, 0.75)] {
            let code = 64 + (876.0f32 * white) as usize;
            let y = Curve::new(kind, None).convert([code, 512, 512])[0];
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
            ToneMap::new(HdrKind::Hlg, None),
            Curve::new(HdrKind::Hlg, None),
        );
        for (y, cb, cr) in [
            (64u16, 512u16, 512u16),
            (500, 512, 512),
            (700, 480, 560),
            (940, 512, 512),
        ] {
            let [luma, blue, red] = curve.convert([y.into(), cb.into(), cr.into()]);
            assert_eq!(map.luma_of(cb, cr)[usize::from(y)], luma);
            let [b, r] = map.chroma_of(y, cb, cr);
            assert!(b.abs_diff(blue) <= 1 && r.abs_diff(red) <= 1);
        }
        assert_eq!(map.luma_of(u16::MAX, u16::MAX).len(), 1024);
    }
}
