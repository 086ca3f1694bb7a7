//! The channel layout box of `QuickTime` (Core Audio's `AudioChannelLayout`).

use clipsy_domain::speaker::Speaker::{
    self, FrontCenter as C, FrontLeft as L, FrontLeftOfCenter as Lc, FrontRight as R,
    FrontRightOfCenter as Rc, LowFrequency as Lfe, RearCenter as Cs, RearLeft as Rls,
    RearRight as Rrs, SideLeft as Ls, SideRight as Rs, TopCenter as Ts, TopFrontCenter as Vhc,
    TopFrontLeft as Vhl, TopFrontRight as Vhr, WideLeft as Lw, WideRight as Rw,
};

use super::boxes::u32_at;

/// The places of `channels` channels in stored order, as the content of a `chan` box says.
pub(super) fn speakers(chan: &[u8], channels: u32) -> Option<Vec<Speaker>> {
    const BY_DESCRIPTION: u32 = 0;
    const BY_BITMAP: u32 = 0x1_0000;
    let (tag, bitmap, count) = (u32_at(chan, 4)?, u32_at(chan, 8)?, u32_at(chan, 12)?);
    let found = match tag {
        BY_DESCRIPTION => {
            let rows = chan.get(16..)?.chunks_exact(20).take(count as usize);
            rows.map(|row| labelled(u32_at(row, 0)?))
                .collect::<Option<_>>()?
        }
        BY_BITMAP => Speaker::from_wave_mask(bitmap, channels as usize)?,
        tag => of_tag(tag >> 16)?.to_vec(),
    };
    (found.len() == channels as usize).then_some(found)
}

/// A place by its channel label.
fn labelled(label: u32) -> Option<Speaker> {
    Some(match label {
        1 | 38 => L,
        2 | 39 => R,
        3 | 42 => C,
        4 => Lfe,
        5 | 10 => Ls,
        6 | 11 => Rs,
        7 => Lc,
        8 => Rc,
        9 => Cs,
        12 => Ts,
        13 => Vhl,
        14 => Vhc,
        15 => Vhr,
        33 => Rls,
        34 => Rrs,
        35 => Lw,
        36 => Rw,
        _ => return None,
    })
}

/// The places of a layout tag, by its number without the count of channels.
fn of_tag(tag: u32) -> Option<&'static [Speaker]> {
    Some(match tag {
        100 => &[C],
        101..=106 => &[L, R],
        108 | 132 => &[L, R, Ls, Rs],
        110 | 139 => &[L, R, Ls, Rs, C, Cs],
        111 => &[L, R, Ls, Rs, C, Cs, Lw, Rw],
        113 => &[L, R, C],
        114 => &[C, L, R],
        115 => &[L, R, C, Cs],
        116 => &[C, L, R, Cs],
        117 => &[L, R, C, Ls, Rs],
        109 | 118 => &[L, R, Ls, Rs, C],
        119 => &[L, C, R, Ls, Rs],
        120 => &[C, L, R, Ls, Rs],
        121 => &[L, R, C, Lfe, Ls, Rs],
        122 => &[L, R, Ls, Rs, C, Lfe],
        123 => &[L, C, R, Ls, Rs, Lfe],
        124 => &[C, L, R, Ls, Rs, Lfe],
        125 => &[L, R, C, Lfe, Ls, Rs, Cs],
        126 => &[L, R, C, Lfe, Ls, Rs, Lc, Rc],
        127 => &[C, Lc, Rc, L, R, Ls, Rs, Lfe],
        128 => &[L, R, C, Lfe, Ls, Rs, Rls, Rrs],
        131 => &[L, R, Cs],
        133 => &[L, R, Lfe],
        134 => &[L, R, Lfe, Cs],
        135 => &[L, R, Lfe, Ls, Rs],
        136 => &[L, R, C, Lfe],
        137 => &[L, R, C, Lfe, Cs],
        138 => &[L, R, Ls, Rs, Lfe],
        140 => &[L, R, Ls, Rs, C, Rls, Rrs],
        141 => &[C, L, R, Ls, Rs, Cs],
        142 => &[C, L, R, Ls, Rs, Cs, Lfe],
        143 => &[C, L, R, Ls, Rs, Rls, Rrs],
        144 => &[C, L, R, Ls, Rs, Rls, Rrs, Cs],
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chan(numbers: &[u32]) -> Vec<u8> {
        let mut bytes = vec![0; 4];
        for n in numbers {
            bytes.extend(n.to_be_bytes());
        }
        bytes
    }

    #[test]
    fn tags_bitmaps_and_descriptions() {
        assert_eq!(
            speakers(&chan(&[124 << 16 | 6, 0, 0]), 6),
            Some(vec![C, L, R, Ls, Rs, Lfe])
        );
        assert_eq!(
            speakers(&chan(&[0x1_0000, 0b111, 0]), 3),
            Some(vec![L, R, C])
        );
        let described = [0, 0, 2, 3, 0, 0, 0, 0, 1, 0, 0, 0, 0];
        assert_eq!(speakers(&chan(&described), 2), Some(vec![C, L]));
        assert_eq!(speakers(&chan(&[147 << 16 | 6, 0, 0]), 6), None, "discrete");
        assert_eq!(
            speakers(&chan(&[113 << 16 | 3, 0, 0]), 4),
            None,
            "another count"
        );
        assert_eq!(speakers(&[0; 7], 1), None);
    }
}
