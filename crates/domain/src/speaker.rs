//! Where the channels of a sound belong.

use serde::{Deserialize, Serialize};

/// The place of one channel, in the order of the bits of a `GStreamer` channel mask
/// (`GstAudioChannelPosition`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it all")]
pub enum Speaker {
    FrontLeft,
    FrontRight,
    FrontCenter,
    LowFrequency,
    RearLeft,
    RearRight,
    FrontLeftOfCenter,
    FrontRightOfCenter,
    RearCenter,
    LowFrequency2,
    SideLeft,
    SideRight,
    TopFrontLeft,
    TopFrontRight,
    TopFrontCenter,
    TopCenter,
    TopRearLeft,
    TopRearRight,
    TopSideLeft,
    TopSideRight,
    TopRearCenter,
    BottomFrontCenter,
    BottomFrontLeft,
    BottomFrontRight,
    WideLeft,
    WideRight,
    SurroundLeft,
    SurroundRight,
}

use Speaker::{
    FrontCenter as Fc, FrontLeft as Fl, FrontLeftOfCenter as Flc, FrontRight as Fr,
    FrontRightOfCenter as Frc, LowFrequency as Lfe, RearCenter as Rc, RearLeft as Rl,
    RearRight as Rr, SideLeft as Sl, SideRight as Sr, TopCenter as Tc, TopFrontCenter as Tfc,
    TopFrontLeft as Tfl, TopFrontRight as Tfr, TopRearCenter as Trc, TopRearLeft as Trl,
    TopRearRight as Trr, WideLeft as Wl, WideRight as Wr,
};

impl Speaker {
    /// All places, by their bit in the mask.
    pub const ALL: [Self; 28] = [
        Fl,
        Fr,
        Fc,
        Lfe,
        Rl,
        Rr,
        Flc,
        Frc,
        Rc,
        Self::LowFrequency2,
        Sl,
        Sr,
        Tfl,
        Tfr,
        Tfc,
        Tc,
        Trl,
        Trr,
        Self::TopSideLeft,
        Self::TopSideRight,
        Trc,
        Self::BottomFrontCenter,
        Self::BottomFrontLeft,
        Self::BottomFrontRight,
        Wl,
        Wr,
        Self::SurroundLeft,
        Self::SurroundRight,
    ];

    /// The places that a channel mask names, in the order in which their channels are stored.
    /// Nothing if it does not name exactly `channels` places.
    pub fn from_mask(mask: u64, channels: usize) -> Option<Vec<Self>> {
        let named = mask.count_ones() as usize == channels && mask >> Self::ALL.len() == 0;
        let bits = Self::ALL.iter().enumerate();
        named.then(|| {
            bits.filter(|(bit, _)| mask >> bit & 1 == 1)
                .map(|(_, speaker)| *speaker)
                .collect()
        })
    }

    /// The same for a channel mask of Microsoft's `WAVEFORMATEXTENSIBLE`, as FLAC and Apple's
    /// channel bitmaps have it, too.
    pub fn from_wave_mask(mask: u32, channels: usize) -> Option<Vec<Self>> {
        const BITS: [Speaker; 18] = [
            Fl, Fr, Fc, Lfe, Rl, Rr, Flc, Frc, Rc, Sl, Sr, Tc, Tfl, Tfc, Tfr, Trl, Trc, Trr,
        ];
        let named = mask.count_ones() as usize == channels && mask >> BITS.len() == 0;
        let bits = BITS.iter().enumerate();
        named.then(|| {
            bits.filter(|(bit, _)| mask >> bit & 1 == 1)
                .map(|(_, speaker)| *speaker)
                .collect()
        })
    }

    /// The usual positions for a number of channels, for audio without a layout: those of ffmpeg,
    /// so that it sounds the same as elsewhere. Empty if there is no usual layout.
    pub fn usual(channels: usize) -> Option<Vec<Self>> {
        Some(match channels {
            1 => vec![Fc],
            2 => vec![Fl, Fr],
            3 => vec![Fl, Fr, Lfe],
            4 => vec![Fl, Fr, Fc, Rc],
            5 => vec![Fl, Fr, Fc, Rl, Rr],
            6 => vec![Fl, Fr, Fc, Lfe, Rl, Rr],
            7 => vec![Fl, Fr, Fc, Lfe, Rc, Sl, Sr],
            8 => vec![Fl, Fr, Fc, Lfe, Rl, Rr, Sl, Sr],
            16 => vec![
                Fl, Fr, Fc, Rl, Rr, Rc, Sl, Sr, Tfl, Tfc, Tfr, Trl, Trc, Trr, Wl, Wr,
            ],
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_names_its_speakers_in_the_order_of_its_bits() {
        assert_eq!(Speaker::from_mask(0x3f, 6), Speaker::usual(6));
        assert_eq!(Speaker::from_mask(0xc3f, 8), Speaker::usual(8));
        assert_eq!(
            Speaker::from_mask(0x60f, 6),
            Some(vec![Fl, Fr, Fc, Lfe, Speaker::LowFrequency2, Sl])
        );
    }

    #[test]
    fn wave_masks_put_the_sides_after_the_rear_centre() {
        assert_eq!(Speaker::from_wave_mask(0x70f, 7), Speaker::usual(7));
        assert_eq!(Speaker::from_wave_mask(0x107, 4), Speaker::usual(4));
        assert_eq!(Speaker::from_wave_mask(0x33, 6), None);
    }

    #[test]
    fn a_mask_that_names_another_number_names_nothing() {
        assert_eq!(Speaker::from_mask(0, 6), None);
        assert_eq!(Speaker::from_mask(0x3f, 5), None);
        assert_eq!(Speaker::from_mask(1 << 63, 1), None);
    }

    #[test]
    fn usual_layouts_have_as_many_speakers_as_channels() {
        for channels in 0..=64 {
            if let Some(speakers) = Speaker::usual(channels) {
                assert_eq!(speakers.len(), channels);
            }
        }
    }
}
