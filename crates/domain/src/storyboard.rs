//! The storyboard: small pictures at even distances, gathered on sheets, for seek previews.

use std::fmt::Write as _;

use crate::media_key;

/// Tiles side by side on a sheet.
pub const COLUMNS: u32 = 5;
/// Rows of tiles on a full sheet.
pub const ROWS: u32 = 5;
const SHORT_SIDE: u32 = 120;
const LONG_SIDE_MAX: u32 = 320;
const INTERVAL_US: u64 = 10_000_000;
const MIN_TILES: u64 = 10;
const MAX_TILES: u64 = 200;
/// The first tiles are no nearer than this.
const FIRST_INTERVAL_US: u64 = 50_000;
/// Initial subdivision of the interval if the expected duration is known: each doubling costs ten
/// tiles that are dropped later, and few files are truncated to less.
const FIRST_PARTS: u64 = 8;

/// When tiles are taken and how large they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoryboardPlan {
    /// Time between two tiles in microseconds.
    pub interval_us: u64,
    /// How many tiles at most.
    pub max_tiles: u64,
    /// Width of a tile in pixels, even.
    pub tile_width: u32,
    /// Height of a tile in pixels, even.
    pub tile_height: u32,
}

impl StoryboardPlan {
    /// One tile every 10 s, but at least 10 and at most 200 for the whole video. `width` and
    /// `height` are those of the upright, square-pixel picture. A video of unknown length gets a
    /// tile every 10 s as long as there are fewer than 200.
    pub fn new(duration_us: Option<u64>, width: u32, height: u32) -> Self {
        let tiles = duration_us.map_or(MAX_TILES, |d| {
            d.div_ceil(INTERVAL_US).clamp(MIN_TILES, MAX_TILES)
        });
        let interval_us = match duration_us {
            Some(d) if d > MAX_TILES * INTERVAL_US || d <= (MIN_TILES - 1) * INTERVAL_US => {
                (d / tiles).max(1)
            }
            _ => INTERVAL_US,
        };
        let (tile_width, tile_height) = tile_size(width.max(1), height.max(1));
        Self {
            interval_us,
            max_tiles: tiles,
            tile_width,
            tile_height,
        }
    }

    /// Time at which tile `index` is taken, in microseconds.
    pub fn tile_at_us(&self, index: u64) -> u64 {
        index * self.interval_us
    }
}

/// Decides when tiles are taken. A video may be shorter than announced, or of unknown duration, and
/// still needs `MIN_TILES`: tiles are first taken more often than planned, and every second one is
/// dropped when there are twice as many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spacing {
    planned_us: u64,
    /// The interval is the planned one, halved this often.
    halvings: u32,
    max_tiles: u64,
    taken: u64,
}

impl Spacing {
    /// A spacing that ends with the planned one.
    pub fn new(plan: &StoryboardPlan) -> Self {
        // The maximum is planned if the duration is unknown.
        let most = if plan.max_tiles == MAX_TILES {
            u64::MAX
        } else {
            FIRST_PARTS
        };
        let parts = plan.interval_us.div_ceil(FIRST_INTERVAL_US);
        let parts = parts.clamp(1, most);
        Self {
            planned_us: plan.interval_us,
            halvings: parts.next_power_of_two().trailing_zeros(),
            max_tiles: plan.max_tiles,
            taken: 0,
        }
    }

    /// Time between two tiles in microseconds.
    pub fn interval_us(&self) -> u64 {
        (self.planned_us >> self.halvings).max(1)
    }

    /// Whether no tile is dropped any more.
    pub fn is_final(&self) -> bool {
        self.halvings == 0
    }

    /// Whether the picture at `time_us` becomes a tile. If it does, every second one of those
    /// before it, from the second on, has to be dropped first as often as the answer says.
    pub fn take(&mut self, time_us: u64) -> Option<u32> {
        let after = if self.halvings > 1 {
            0
        } else {
            self.taken >> self.halvings
        };
        if time_us < self.taken * self.interval_us() || after >= self.max_tiles {
            return None;
        }
        let mut drops = 0;
        // Pictures that are rarer than tiles also reduce the number of tiles.
        while !self.is_final()
            && (self.taken >= 2 * MIN_TILES || time_us >= (self.taken + 1) * self.interval_us())
        {
            self.widen();
            drops += 1;
        }
        self.taken += 1;
        Some(drops)
    }

    /// How often every second tile is to be dropped at the end of the video: until there would be
    /// too few.
    pub fn finish(&mut self) -> u32 {
        let mut drops = 0;
        while !self.is_final() && self.taken.div_ceil(2) >= MIN_TILES {
            self.widen();
            drops += 1;
        }
        drops
    }

    fn widen(&mut self) {
        self.halvings -= 1;
        self.taken = self.taken.div_ceil(2);
    }
}

/// Short side 120, but never larger than the source and never wider than 320.
fn tile_size(width: u32, height: u32) -> (u32, u32) {
    let (short, long) = (f64::from(width.min(height)), f64::from(width.max(height)));
    let scale = (f64::from(SHORT_SIDE) / short)
        .min(f64::from(LONG_SIDE_MAX) / long)
        .min(1.0);
    let side = |n: u32| ((f64::from(n) * scale / 2.0).round() as u32 * 2).max(2);
    (side(width), side(height))
}

/// The `WebVTT` index of `tiles` tiles; each cue names a sheet and, as a media fragment, the
/// rectangle of its tile (`#xywh=x,y,w,h`). The last cue ends with the video at `end_us`.
pub fn vtt(plan: &StoryboardPlan, tiles: u64, end_us: u64) -> String {
    let per_sheet = u64::from(COLUMNS * ROWS);
    let mut text = String::from("WEBVTT\n");
    for index in 0..tiles {
        let start = plan.tile_at_us(index);
        let end = if index + 1 == tiles {
            end_us.max(start + 1000)
        } else {
            plan.tile_at_us(index + 1)
        };
        let place = index % per_sheet;
        let (column, row) = (place % u64::from(COLUMNS), place / u64::from(COLUMNS));
        let sheet = usize::try_from(index / per_sheet).unwrap_or(usize::MAX);
        let _ = write!(
            text,
            "\n{} --> {}\n{}#xywh={},{},{},{}\n",
            timestamp(start),
            timestamp(end),
            media_key::storyboard_sheet(sheet),
            column * u64::from(plan.tile_width),
            row * u64::from(plan.tile_height),
            plan.tile_width,
            plan.tile_height
        );
    }
    text
}

fn timestamp(us: u64) -> String {
    let ms = us / 1000;
    format!(
        "{:02}:{:02}:{:02}.{:03}",
        ms / 3_600_000,
        ms / 60_000 % 60,
        ms / 1000 % 60,
        ms % 1000
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(duration_s: u64, tiles: u64, interval_us: u64) {
        let plan = StoryboardPlan::new(Some(duration_s * 1_000_000), 1920, 1080);
        assert_eq!(
            (plan.max_tiles, plan.interval_us),
            (tiles, interval_us),
            "{duration_s} s"
        );
    }

    #[test]
    fn one_tile_every_ten_seconds_within_bounds() {
        check(5, 10, 500_000);
        check(60, 10, 6_000_000);
        check(95, 10, 10_000_000);
        check(600, 60, 10_000_000);
        check(7200, 200, 36_000_000);
    }

    #[test]
    fn tiles_keep_the_shape_of_the_picture() {
        assert_eq!(tile_size(1920, 1080), (214, 120));
        assert_eq!(tile_size(1080, 1920), (120, 214));
        assert_eq!(tile_size(1280, 240), (320, 60));
        assert_eq!(tile_size(64, 36), (64, 36));
    }

    #[test]
    fn cues_point_at_their_tiles() {
        let plan = StoryboardPlan::new(Some(600_000_000), 1920, 1080);
        let text = vtt(&plan, 60, 600_000_000);
        assert!(text.starts_with(
            "WEBVTT\n\n00:00:00.000 --> 00:00:10.000\nstoryboard_000.jpg#xywh=0,0,214,120\n"
        ));
        assert!(
            text.contains(
                "00:01:10.000 --> 00:01:20.000\nstoryboard_000.jpg#xywh=428,120,214,120\n"
            )
        );
        assert!(
            text.ends_with(
                "00:09:50.000 --> 00:10:00.000\nstoryboard_002.jpg#xywh=856,120,214,120\n"
            ),
            "{text}"
        );
    }

    /// Times of the tiles that are left of a video of this length.
    fn tiles(plan: &StoryboardPlan, length_us: u64, picture_us: u64) -> Vec<u64> {
        let mut spacing = Spacing::new(plan);
        let mut kept: Vec<u64> = Vec::new();
        let drop_second = |kept: &mut Vec<u64>| {
            *kept = kept.iter().copied().step_by(2).collect();
        };
        for time in (0..length_us).step_by(usize::try_from(picture_us).unwrap()) {
            if let Some(drops) = spacing.take(time) {
                (0..drops).for_each(|_| drop_second(&mut kept));
                kept.push(time);
            }
        }
        (0..spacing.finish()).for_each(|_| drop_second(&mut kept));
        let late = |(index, time): (u64, &u64)| time - index * spacing.interval_us();
        assert!((0..).zip(&kept).map(late).all(|late| late < picture_us));
        kept
    }

    #[test]
    fn a_video_that_is_as_long_as_it_says_has_the_planned_tiles() {
        for (seconds, expected) in [(6, 10), (60, 10), (95, 10), (600, 60), (3000, 200)] {
            let length = seconds * 1_000_000;
            let plan = StoryboardPlan::new(Some(length), 640, 360);
            assert_eq!(tiles(&plan, length, 40_000).len(), expected, "{seconds} s");
        }
    }

    #[test]
    fn a_video_that_ends_early_or_does_not_say_how_long_it_is_has_ten() {
        let plan = StoryboardPlan::new(Some(60_000_000), 640, 360);
        let unknown = StoryboardPlan::new(None, 640, 360);
        for length in [1_000_000, 3_600_000, 8_000_000, 33_000_000, 59_000_000] {
            let count = tiles(&unknown, length, 40_000).len();
            assert!((10..20).contains(&count), "{length}: {count}");
        }
        // From an eighth of what was said on.
        for length in [8_000_000, 20_000_000, 33_000_000, 59_000_000] {
            let count = tiles(&plan, length, 40_000).len();
            assert!((10..20).contains(&count), "{length}: {count}");
        }
        assert_eq!(tiles(&unknown, 600_000_000, 40_000).len(), 60);
    }

    #[test]
    fn pictures_that_come_seldom_are_tiles_at_their_own_distance() {
        let unknown = StoryboardPlan::new(None, 640, 360);
        assert!((5..=8).contains(&tiles(&unknown, 8_000_000, 1_000_000).len()));
    }
}
