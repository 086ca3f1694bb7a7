//! Pictures that people bring along, judged by ffmpeg.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use clipsy_domain::photo::{MOST_BYTES, PhotoError};
use clipsy_pipeline::photo::photo;

use crate::support::ffmpeg;

const PATIENCE: Duration = Duration::from_mins(2);

/// A picture whose quarters are red, green, blue and white, from left to right and down.
fn quarters(folder: &Path, name: &str, size: (u32, u32), format: &str) -> PathBuf {
    let (width, height) = (size.0 / 2, size.1 / 2);
    let part = |colour| format!("color={colour}:size={width}x{height}:rate=1:duration=1");
    let inputs = ["red", "lime", "blue", "white"].map(part);
    let path = folder.join(name);
    let mut args = Vec::new();
    for input in &inputs {
        args.extend(["-f", "lavfi", "-i", input.as_str()]);
    }
    let filter = format!(
        "[0][1]hstack[a];[2][3]hstack[b];[a][b]vstack,scale=in_range=auto:out_range=auto,format={format}"
    );
    args.extend([
        "-filter_complex",
        &filter,
        "-frames:v",
        "1",
        "-q:v",
        "2",
        path.to_str().unwrap(),
    ]);
    ffmpeg(&args);
    path
}

/// The colours in the middle of the quarters, and the size, of what was made.
fn judged(jpeg: &[u8], folder: &Path) -> ((u32, u32), Vec<[u8; 3]>) {
    let path = folder.join("made.jpg");
    fs::write(&path, jpeg).unwrap();
    let path = path.to_str().unwrap();
    let size = Command::new("ffprobe")
        .args(["-v", "error", "-of", "csv=p=0", "-show_entries"])
        .args(["stream=width,height", path])
        .output()
        .unwrap();
    let size = String::from_utf8(size.stdout).unwrap();
    let (width, height) = size.trim().split_once(',').unwrap();
    let filter = "format=rgb24,scale=2:2:flags=area";
    let pixels = ffmpeg(&["-i", path, "-vf", filter, "-f", "rawvideo", "-"]);
    let pixels = pixels.chunks(3).map(|p| p.try_into().unwrap()).collect();
    ((width.parse().unwrap(), height.parse().unwrap()), pixels)
}

const RED: [u8; 3] = [255, 0, 0];
const GREEN: [u8; 3] = [0, 255, 0];
const BLUE: [u8; 3] = [0, 0, 255];
const WHITE: [u8; 3] = [255, 255, 255];

#[track_caller]
fn shows(jpeg: &[u8], folder: &Path, size: (u32, u32), colours: [[u8; 3]; 4]) {
    let (found, pixels) = judged(jpeg, folder);
    assert_eq!(found, size);
    for (pixel, wanted) in pixels.iter().zip(colours) {
        let off = pixel
            .iter()
            .zip(wanted)
            .map(|(a, b)| a.abs_diff(b))
            .max()
            .unwrap();
        assert!(off < 24, "{pixels:?}, not {colours:?}");
    }
}

#[test]
fn every_format_becomes_a_poster() {
    clipsy_pipeline::init().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let colours = [RED, GREEN, BLUE, WHITE];
    for (name, size, format, made) in [
        ("a.png", (640, 360), "rgb24", (640, 360)),
        ("alpha.png", (640, 360), "rgba", (640, 360)),
        ("deep.png", (640, 360), "rgba64be", (640, 360)),
        ("a.jpg", (640, 360), "yuvj444p", (640, 360)),
        ("large.jpg", (4000, 2000), "yuvj420p", (1280, 640)),
        ("a.webp", (640, 360), "yuv420p", (640, 360)),
        ("tall.png", (20, 2000), "rgb24", (12, 1280)),
    ] {
        let path = quarters(folder, name, size, format);
        let jpeg = photo(&path, PATIENCE).unwrap();
        println!("{name}");
        shows(&jpeg, folder, made, colours);
    }
}

#[test]
fn pictures_of_cameras_stand_upright() {
    clipsy_pipeline::init().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let plain = fs::read(quarters(folder, "a.jpg", (640, 360), "yuvj444p")).unwrap();
    // Exif with nothing but which way is up: to be turned clockwise by a quarter.
    let exif =
        b"\xff\xe1\0\x22Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let turned = [&plain[..2], exif, &plain[2..]].concat();
    let path = folder.join("turned.jpg");
    fs::write(&path, turned).unwrap();
    let jpeg = photo(&path, PATIENCE).unwrap();
    shows(&jpeg, folder, (360, 640), [BLUE, RED, WHITE, GREEN]);
}

#[test]
fn what_is_no_picture_is_refused() {
    clipsy_pipeline::init().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let refused = |bytes: &[u8]| {
        let path = folder.join("odd");
        fs::write(&path, bytes).unwrap();
        photo(&path, PATIENCE).unwrap_err()
    };
    let png = fs::read(quarters(folder, "a.png", (640, 360), "rgb24")).unwrap();
    assert_eq!(refused(b"GIF89a and so on"), PhotoError::Kind);
    assert_eq!(refused(b""), PhotoError::Kind);
    // A header that promises more than there may be, and one that promises what does not come.
    let mut huge = png.clone();
    huge[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
    assert_eq!(refused(&huge), PhotoError::Size);
    assert_eq!(refused(&png[..60]), PhotoError::Damaged);
    let mut noise = png.clone();
    for byte in &mut noise[60..] {
        *byte = byte.wrapping_mul(7).wrapping_add(3);
    }
    assert_eq!(refused(&noise), PhotoError::Damaged);
    let most = usize::try_from(MOST_BYTES).unwrap();
    let mut long = png;
    long.resize(most + 1, 0);
    assert_eq!(refused(&long), PhotoError::Size);
    let missing = photo(&folder.join("nothing"), PATIENCE);
    assert_eq!(missing.unwrap_err(), PhotoError::Damaged);
}
