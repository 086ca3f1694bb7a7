//! Judges what `clipsy probe` tells about streams by what ffprobe tells about them.

use serde_json::Value;

use crate::support::inputs::Fixture;
use crate::support::rate::Rate;
use crate::support::report::Report;
use crate::support::tools::{text, whole};

/// How `ffprobe` calls a codec, and a part of how `GStreamer` does.
const CODECS: [(&str, &str); 46] = [
    ("aac", "AAC"),
    ("ac3", "AC-3"),
    ("alac", "ALAC"),
    ("amr_nb", "AMR"),
    ("av1", "AV1"),
    ("cfhd", "CineForm"),
    ("dnxhd", "DNxHD"),
    ("dts", "DTS"),
    ("dvvideo", "DV"),
    ("eac3", "E-AC-3"),
    ("ffv1", "FFMpeg v1"),
    ("flac", "FLAC"),
    ("flv1", "Sorenson"),
    ("h263", "H.26"),
    ("h264", "H.264"),
    ("hevc", "H.265"),
    ("mjpeg", "JPEG"),
    ("mp2", "Layer 2"),
    ("mp3", "Layer 3"),
    ("mpeg1video", "MPEG-1"),
    ("mpeg2video", "MPEG-2"),
    ("mpeg4", "MPEG-4"),
    ("opus", "Opus"),
    ("pcm_alaw", "A-Law"),
    ("pcm_f32be", "32-bit floating"),
    ("pcm_f32le", "32-bit floating"),
    ("pcm_f64le", "64-bit floating"),
    ("pcm_mulaw", "Mu-Law"),
    ("pcm_s16be", "16-bit"),
    ("pcm_s16le", "16-bit"),
    ("pcm_s24be", "24-bit"),
    ("pcm_s24le", "24-bit"),
    ("pcm_s32be", "32-bit PCM"),
    ("pcm_s32le", "32-bit PCM"),
    ("pcm_u8", "8-bit"),
    ("png", "PNG"),
    ("prores", "ProRes"),
    ("qtrle", "Run-length"),
    ("rawvideo", "Uncompressed"),
    ("theora", "Theora"),
    ("truehd", "TrueHD"),
    ("vorbis", "Vorbis"),
    ("vp8", "VP8"),
    ("vp9", "VP9"),
    ("wmav2", "Windows Media Audio"),
    ("wmv2", "Windows Media Video"),
];

fn check_codec(found: &Value, judged: &Value, report: &mut Report) {
    let name = text(&judged["codec_name"]);
    let part = CODECS
        .iter()
        .find(|(codec, _)| *codec == name)
        .map(|(_, part)| *part);
    let codec = text(&found["codec"]);
    report.check(part.is_some_and(|part| codec.contains(part)), || {
        format!("codec {codec:?}, ffprobe says {name}")
    });
    report.equal("decoding", text(&found["decoding"]), "works");
}

/// By how many degrees a picture is to be turned clockwise, and whether it is to be mirrored before, by the
/// matrix that `ffprobe` shows: nine numbers in three lines, each with its place in front.
fn turned(judged: &Value) -> (i64, bool) {
    let matrix = judged["side_data_list"]
        .as_array()
        .into_iter()
        .flatten()
        .find_map(|data| data["displaymatrix"].as_str());
    let numbers: Vec<i64> = matrix
        .unwrap_or_default()
        .lines()
        .filter_map(|line| line.split_once(':'))
        .flat_map(|(_, row)| row.split_whitespace())
        .filter_map(|number| number.parse().ok())
        .collect();
    let [a, b, _, c, d, ..] = numbers[..] else {
        return (0, false);
    };
    let mirrored = a * d - b * c < 0;
    let (along, across) = if mirrored { (-a, -b) } else { (a, b) };
    let angle = (across as f64).atan2(along as f64).to_degrees().round() as i64;
    (angle.rem_euclid(360), mirrored)
}

/// Checks what was found out about a video stream.
pub(crate) fn check_video(fixture: &Fixture, found: &Value, judged: &Value, report: &mut Report) {
    check_codec(found, judged, report);
    let size = |stream: &Value| (whole(&stream["width"]), whole(&stream["height"]));
    report.equal("coded size", size(found), size(judged));
    let (degrees, mirrored) = turned(judged);
    report.equal(
        "orientation",
        found["orientation"]["degrees"].as_i64(),
        Some(degrees),
    );
    report.equal(
        "mirrored",
        &found["orientation"]["mirrored"],
        &Value::Bool(mirrored),
    );
    let aspect = &found["sample_aspect"];
    let aspect = format!("{}:{}", aspect["num"], aspect["den"]);
    let judged_aspect =
        Some(text(&judged["sample_aspect_ratio"])).filter(|a| !["", "0:1"].contains(a));
    // One that no picture has is not used.
    if !fixture.name.contains("absurd") {
        let expected = judged_aspect.unwrap_or("1:1");
        report.equal("sample aspect", aspect.as_str(), expected);
    }

    let is_interlaced = ["tt", "bb", "tb", "bt"].contains(&text(&judged["field_order"]));
    report.equal(
        "interlaced",
        &found["interlaced"],
        &Value::Bool(is_interlaced),
    );
    let format = text(&judged["pix_fmt"]);
    let depth = ["10", "12", "16"].into_iter().find(|depth| {
        let packed = *depth == "16" && format.starts_with("rgb48");
        packed || format.ends_with(&format!("{depth}le"))
    });
    // ffmpeg decodes ProRes 4444 to 12 bits, for which GStreamer 1.22 has no format with alpha.
    let depth = if format == "yuva444p12le" {
        Some("10")
    } else {
        depth
    };
    let found_depth = found["bit_depth"].to_string();
    report.equal("bit depth", found_depth.as_str(), depth.unwrap_or("8"));
    // Of streams with few pictures ffprobe does not always find out, and GStreamer's decoder of JPEG
    // gives out 4:2:0 whatever it reads.
    if !format.is_empty() && judged["codec_name"] != "mjpeg" {
        report.equal("chroma", text(&found["chroma"]), chroma(format));
    }
    let hdr = match text(&judged["color_transfer"]) {
        "smpte2084" => "pq",
        "arib-std-b67" => "hlg",
        _ => "",
    };
    report.equal("hdr", text(&found["hdr"]), hdr);

    let varies = fixture.name.starts_with("rate-variable");
    // A few missing frames do not make a rate variable, nor do they need to be called constant, and
    // of jitter and of pictures that stand for long ffprobe has its own idea.
    let open = !fixture.facts.is_regular() || fixture.name.starts_with("bad-");
    if fixture.name == "rate-variable" || !open {
        let found = &found["variable_frame_rate"];
        report.equal("variable frame rate", found, &Value::Bool(varies));
    }
    let rates = (
        Rate::parse(text(&found["frame_rate"])),
        Rate::parse(text(&judged["r_frame_rate"])),
    );
    // A single picture has no rate, and ffprobe has no fixed one where it varies.
    if !open && fixture.name != "rate-single-frame" && !fixture.facts.still {
        report.equal("frame rate", rates.0, rates.1);
    }
}

fn chroma(pixel_format: &str) -> &'static str {
    match pixel_format {
        f if f.starts_with("yuv420") || f.starts_with("yuvj420") => "4:2:0",
        f if f.starts_with("yuv422") || f.starts_with("yuvj422") || f == "uyvy422" => "4:2:2",
        f if f.starts_with("gray") => "4:0:0",
        f if f.starts_with("yuv444") || f.starts_with("yuva444") => "4:4:4",
        f if f.starts_with("rgb") || f.starts_with("bgr") || f.starts_with("gbr") => "RGB",
        _ => "something else",
    }
}

/// Checks what was found out about an audio track.
pub(crate) fn check_audio(found: &Value, judged: &Value, report: &mut Report) {
    check_codec(found, judged, report);
    for field in ["channels", "sample_rate"] {
        report.equal(field, whole(&found[field]), whole(&judged[field]));
    }
}
