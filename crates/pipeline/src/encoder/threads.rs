//! How many threads each encoder may use.

/// More threads than this cost quality, because frames are coded with less knowledge of each
/// other.
const MOST: u32 = 12;

/// Gives each of the `sizes` its share of `cores` by its share of the pixels, rounded down but
/// at least one.
///
/// Frame threads cost time, memory and compression, and the renditions already run side by side:
/// on two cores, one thread each is faster than two for the largest.
pub(super) fn budget(sizes: &[(u32, u32)], cores: u32) -> Vec<u32> {
    let pixels = |&(w, h): &(u32, u32)| u64::from(w) * u64::from(h);
    let all: u64 = sizes.iter().map(pixels).sum::<u64>().max(1);
    sizes
        .iter()
        .map(|size| {
            let share = u64::from(cores) * pixels(size) / all;
            u32::try_from(share).unwrap_or(MOST).clamp(1, MOST)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LADDER: [(u32, u32); 4] = [(1920, 1080), (1280, 720), (854, 480), (640, 360)];

    #[test]
    fn threads_follow_the_pixels() {
        assert_eq!(budget(&LADDER, 1), [1, 1, 1, 1]);
        assert_eq!(budget(&LADDER, 2), [1, 1, 1, 1]);
        assert_eq!(budget(&LADDER, 16), [9, 4, 1, 1]);
        assert_eq!(budget(&LADDER[3..], 64), [12]);
        assert_eq!(budget(&[], 4), Vec::<u32>::new());
    }
}
