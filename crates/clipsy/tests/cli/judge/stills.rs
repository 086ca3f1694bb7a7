//! Checks of the thumbnail and the storyboard.

use std::path::Path;

use super::tree::Tree;
use crate::support::inputs::Facts;
use crate::support::listing;
use crate::support::report::Report;
use crate::support::tools::{ffprobe, text, whole};

const WIDEST_THUMBNAIL: u64 = 1280;
const TILES: std::ops::RangeInclusive<u64> = 10..=200;
/// Up to this length the number of tiles is fixed; from then on there is one every 10 s.
const TILE_EVERY_S: f64 = 10.0;

/// A tile of the storyboard.
pub(super) struct Cue {
    pub(super) sheet: String,
    /// Left, top, width, height.
    pub(super) place: [u64; 4],
    start: f64,
    end: f64,
}

pub(super) fn check(tree: &Tree, facts: &Facts, report: &mut Report) {
    match picture_size(&tree.folder.join(text(&tree.summary["thumbnail"]))) {
        Ok((width, height)) => {
            report.check(width <= WIDEST_THUMBNAIL, || {
                format!("the thumbnail is {width} wide")
            });
            let wide_enough = facts.width.min(WIDEST_THUMBNAIL).min(facts.width * 9 / 10);
            report.check(width >= wide_enough || height * 4 > width * 5, || {
                format!(
                    "the thumbnail is {width} wide, though the video is {}",
                    facts.width
                )
            });
            check_shape("the thumbnail", (width, height), facts, report);
        }
        Err(problem) => report.check(false, || problem),
    }
    match cues(tree) {
        Ok(cues) => check_storyboard(tree, &cues, facts, report),
        Err(problem) => report.check(false, || problem),
    }
}

/// What a picture shows has the shape of the video, within the rounding to even sides.
fn check_shape(what: &str, (width, height): (u64, u64), facts: &Facts, report: &mut Report) {
    let fits = width as f64 * facts.height as f64 / facts.width as f64;
    let slack = 2.0 + 2.0 * facts.height as f64 / facts.width as f64;
    report.near(
        &format!("height of {what}, which is {width} wide"),
        height as f64,
        fits,
        slack,
    );
}

fn check_storyboard(tree: &Tree, cues: &[Cue], facts: &Facts, report: &mut Report) {
    let count = cues.len() as u64;
    // Of a file whose header is wrong about its length, tiles are first planned for that.
    let fewest = if facts.undeclared {
        TILES.start() / 2
    } else {
        *TILES.start()
    };
    let (fewest, most) = (fewest.min(tree.frames()), *TILES.end());
    report.check((fewest..=most).contains(&count), || {
        format!("{count} tiles, expected {fewest} to {most}")
    });
    let wanted = (tree.duration() / TILE_EVERY_S).ceil() as u64;
    if wanted > *TILES.start() {
        report.equal("storyboard tiles", count, wanted.min(most));
    }
    report.equal(
        "tiles in the summary",
        whole(&tree.summary["storyboard_tiles"]),
        Some(count),
    );

    let mut sheets: Vec<&str> = cues.iter().map(|cue| cue.sheet.as_str()).collect();
    sheets.dedup();
    let on_disk: Vec<String> = listing(&tree.folder)
        .into_iter()
        .filter(|f| f.starts_with("storyboard_"))
        .collect();
    report.equal(
        "storyboard sheets",
        on_disk,
        sheets.iter().map(|s| (*s).to_owned()).collect(),
    );
    for sheet in sheets {
        let (width, height) = picture_size(&tree.folder.join(sheet)).unwrap_or_default();
        for cue in cues.iter().filter(|cue| cue.sheet == sheet) {
            let [x, y, w, h] = cue.place;
            let inside = w > 0 && h > 0 && x + w <= width && y + h <= height;
            report.check(inside, || {
                format!(
                    "the tile {:?} is outside of {sheet}, {width}x{height}",
                    cue.place
                )
            });
        }
    }
    if let Some(cue) = cues.first() {
        check_shape("a tile", (cue.place[2], cue.place[3]), facts, report);
    }
    let mut places: Vec<(&str, [u64; 4])> = cues
        .iter()
        .map(|cue| (cue.sheet.as_str(), cue.place))
        .collect();
    places.sort_unstable();
    places.dedup();
    report.equal("different tiles", places.len() as u64, count);

    let mut at = 0.0;
    for cue in cues {
        report.near("start of a cue", cue.start, at, 0.002);
        report.check(cue.end > cue.start, || {
            format!("a cue ends at {}, before {}", cue.end, cue.start)
        });
        at = cue.end;
    }
    report.near("end of the last cue", at, tree.duration(), 0.002);
}

/// The cues of the storyboard, which name a rectangle in a picture.
pub(super) fn cues(tree: &Tree) -> Result<Vec<Cue>, String> {
    let path = tree.folder.join(text(&tree.summary["storyboard"]));
    let vtt = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let mut blocks = vtt.trim_end().split("\n\n");
    if blocks.next() != Some("WEBVTT") {
        return Err(format!("{} is no WebVTT", path.display()));
    }
    blocks
        .map(|block| cue(block).ok_or_else(|| format!("not a cue of a storyboard: {block:?}")))
        .collect()
}

fn cue(block: &str) -> Option<Cue> {
    let (times, target) = block.split_once('\n')?;
    let (start, end) = times.split_once(" --> ")?;
    let (sheet, place) = target.split_once("#xywh=")?;
    let place: Vec<u64> = place
        .split(',')
        .map(|n| n.parse().ok())
        .collect::<Option<_>>()?;
    Some(Cue {
        sheet: sheet.to_owned(),
        place: place.try_into().ok()?,
        start: seconds(start)?,
        end: seconds(end)?,
    })
}

/// Reads `00:01:02.345`.
fn seconds(time: &str) -> Option<f64> {
    let parts: Vec<f64> = time
        .split(':')
        .map(|n| n.parse().ok())
        .collect::<Option<_>>()?;
    let [hours, minutes, seconds] = parts[..] else {
        return None;
    };
    Some((hours * 60.0 + minutes) * 60.0 + seconds)
}

fn picture_size(path: &Path) -> Result<(u64, u64), String> {
    let found = ffprobe(path, &["-show_entries", "stream=codec_name,width,height"])?;
    let stream = &found["streams"][0];
    let size = whole(&stream["width"])
        .zip(whole(&stream["height"]))
        .filter(|_| stream["codec_name"] == "mjpeg");
    size.ok_or_else(|| format!("{} is no JPEG", path.display()))
}
