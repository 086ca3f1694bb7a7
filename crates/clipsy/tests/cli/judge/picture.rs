//! Looks at pictures: whether they are upright, and whether they show what the source shows.

use std::path::Path;

use super::stills;
use super::tree::Tree;
use crate::support::report::Report;
use crate::support::tools::{ffmpeg, ffmpeg_lenient, ffprobe, text};

/// The corners of every rendition and still have these colours: top left, top right, bottom left,
/// bottom right, each a quarter of the picture wide and high.
pub(crate) fn check_corners(tree: &Tree, corners: &[String; 4], report: &mut Report) {
    for rung in &tree.rungs {
        let middle = format!("select=eq(n\\,{})", tree.frames() / 2);
        check_one(&rung.name, &rung.joined(), &middle, corners, report);
    }
    let thumbnail = tree
        .folder
        .join(text(&tree.summary["thumbnail"]))
        .display()
        .to_string();
    check_one("the thumbnail", &thumbnail, "null", corners, report);
    for cue in stills::cues(tree).into_iter().flatten().step_by(7) {
        let [x, y, w, h] = cue.place;
        let sheet = tree.folder.join(&cue.sheet).display().to_string();
        check_one(
            &format!("the tile at {x},{y}"),
            &sheet,
            &format!("crop={w}:{h}:{x}:{y}"),
            corners,
            report,
        );
    }
}

fn check_one(what: &str, input: &str, filter: &str, corners: &[String; 4], report: &mut Report) {
    const SIDE: usize = 16;
    // Pixels 1, 1 and so on of 16 x 16 lie well inside the corners.
    const NEAR: usize = 1;
    const FAR: usize = SIDE - 2;
    let filter = format!("{filter},scale={SIDE}:{SIDE}:flags=area,setsar=1");
    match pixels(input, &filter, 1) {
        Ok(pixels) if pixels.len() >= SIDE * SIDE * 3 => {
            let colour = |x: usize, y: usize| nearest_colour(&pixels[(y * SIDE + x) * 3..]);
            let found = [
                colour(NEAR, NEAR),
                colour(FAR, NEAR),
                colour(NEAR, FAR),
                colour(FAR, FAR),
            ];
            report.equal(
                &format!("corners of {what}"),
                found.map(str::to_owned),
                corners.clone(),
            );
        }
        Ok(pixels) => report.check(false, || {
            format!("{what}: {} bytes of picture", pixels.len())
        }),
        Err(problem) => report.check(false, || format!("{what}: {problem}")),
    }
}

/// The colour's name, as `tools/make-fixtures.py` uses it.
fn nearest_colour(pixel: &[u8]) -> &'static str {
    const COLOURS: [(&str, [u8; 3]); 5] = [
        ("red", [255, 0, 0]),
        ("lime", [0, 255, 0]),
        ("blue", [0, 0, 255]),
        ("white", [255, 255, 255]),
        ("black", [0, 0, 0]),
    ];
    let distance = |colour: &[u8; 3]| -> u32 {
        colour
            .iter()
            .zip(pixel)
            .map(|(a, b)| u32::from(a.abs_diff(*b)))
            .sum()
    };
    COLOURS
        .iter()
        .min_by_key(|(_, colour)| distance(colour))
        .map_or("", |(name, _)| name)
}

/// The picture in the middle shows what the source shows there: the right frame, the right
/// colours. `source` is read with ffmpeg's own ideas of rotation, aspect and colour.
pub(crate) fn check_likeness(tree: &Tree, source: &Path, report: &mut Report) {
    let best = readings(source)
        .into_iter()
        .map(|matrix| differences(tree, source, matrix));
    let worst = |found: &Vec<f64>| found.iter().copied().fold(0.0, f64::max);
    let best = best.collect::<Result<Vec<_>, _>>().map(|all| {
        all.into_iter()
            .min_by(|a, b| worst(a).total_cmp(&worst(b)))
            .unwrap_or_default()
    });
    match best {
        Ok(found) => report.check(worst(&found) <= LIKE, || {
            format!(
                "the pictures in the middle differ from the source by {found:.1?} of 255 on average"
            )
        }),
        Err(problem) => report.check(false, || problem),
    }
}

/// Steps of 255 by which a small picture may differ on average.
const LIKE: f64 = 6.0;

/// The colour matrices by which a source may be read: its own, or either one if it names none.
/// There is no right answer then, but all renditions have to agree.
fn readings(source: &Path) -> Vec<&'static str> {
    let wanted = [
        "-select_streams",
        "v:0",
        "-show_entries",
        "stream=pix_fmt,color_space",
    ];
    let found = ffprobe(source, &wanted).unwrap_or_default();
    let stream = &found["streams"][0];
    let is_open = ["", "unknown"].contains(&text(&stream["color_space"]));
    if is_open && text(&stream["pix_fmt"]).starts_with("yuv") {
        vec![
            "setparams=colorspace=bt709,",
            "setparams=colorspace=smpte170m,",
        ]
    } else {
        vec![""]
    }
}

/// How far the middle picture of each rendition is from the source's, with the source read by
/// `matrix`.
fn differences(tree: &Tree, source: &Path, matrix: &str) -> Result<Vec<f64>, String> {
    /// Frames around the same one of the source that may be shown, for sources whose first frames
    /// one program drops and the other does not.
    const SLACK: u64 = 2;
    const SIZE: &str = "scale=96:64:flags=area,setsar=1";
    const BYTES: usize = 96 * 64 * 3;

    let middle = tree.frames() / 2;
    let (from, to) = (middle.saturating_sub(SLACK), middle + SLACK);
    let around = format!("{matrix}select=between(n\\,{from}\\,{to}),{SIZE}");
    let frames = 2 * SLACK + 1;
    let source = ffmpeg_lenient(pixel_args(&source.display().to_string(), &around, frames));
    let rungs = tree.rungs.iter().map(|rung| {
        let found = pixels(
            &rung.joined(),
            &format!("select=eq(n\\,{middle}),{SIZE}"),
            1,
        )?;
        if found.len() != BYTES {
            return Err(format!("{} has no picture {middle}", rung.name));
        }
        let difference = |other: &[u8]| {
            let sum: u32 = other
                .iter()
                .zip(&found)
                .map(|(a, b)| u32::from(a.abs_diff(*b)))
                .sum();
            f64::from(sum) / BYTES as f64
        };
        Ok(source
            .chunks_exact(BYTES)
            .map(difference)
            .fold(f64::MAX, f64::min))
    });
    rungs.collect()
}

/// Pictures as red, green and blue bytes.
fn pixels(input: &str, filter: &str, frames: u64) -> Result<Vec<u8>, String> {
    ffmpeg(pixel_args(input, filter, frames))
}

fn pixel_args(input: &str, filter: &str, frames: u64) -> Vec<String> {
    let (frames, filter) = (frames.to_string(), format!("{filter},format=rgb24"));
    let args = [
        "-i",
        input,
        "-map",
        "0:v:0",
        "-fps_mode",
        "passthrough",
        "-vf",
        &filter,
    ];
    args.into_iter()
        .chain(["-frames:v", &frames, "-f", "rawvideo"])
        .map(str::to_owned)
        .collect()
}
