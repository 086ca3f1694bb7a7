//! The plug-in that makes all renditions with one look-ahead: used where it is, done without where it is not.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::clipsy::{BINARY, Done, LADDER, LADDER_FILE, Running, ladder_plugin};
use crate::support::tools::text;
use crate::support::{repository, scratch};

/// Four seconds with so many lines.
fn source(folder: &Path, lines: u32) -> PathBuf {
    let path = folder.join("source.mp4");
    let picture = format!("testsrc2=size={}x{lines}:rate=25:duration=4", lines * 4 / 3);
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", &picture])
        .args([
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-pix_fmt",
            "yuv420p",
        ])
        .arg(&path)
        .status()
        .expect("ffmpeg is installed by `make test`");
    assert!(status.success());
    path
}

/// Transcodes with the encoders for the CPU and this file as the plug-in.
fn transcode(folder: &Path, lines: u32, plugin: &Path) -> Done {
    let built_in = std::fs::read_to_string(repository("pipelines/encoders.toml")).unwrap();
    let start = built_in.find("[[encoder]]\nid = \"x264-ladder\"").unwrap();
    let catalog = folder.join("encoders.toml");
    // Cards come first where there are any, and their memory is named by their encoders.
    std::fs::write(&catalog, &built_in[start..]).unwrap();
    let mut command = Command::new(BINARY);
    command
        .arg("transcode")
        .arg(source(folder, lines))
        .arg("--out")
        .arg(folder.join("out"))
        .args(["--json", "--encoders"])
        .arg(&catalog)
        .env(LADDER, plugin);
    Running::spawn(command).finish()
}

fn passed_over(done: &Done) -> Vec<Value> {
    let events = done.events();
    let selected = events.iter().find(|e| e["event"] == "encoder_selected");
    let list = selected.unwrap()["passed_over"].as_array().unwrap();
    list.clone()
}

#[test]
fn one_element_makes_all_renditions() {
    let folder = scratch();
    let done = transcode(folder.path(), 480, &ladder_plugin());
    let summary = done.summary();
    assert_eq!(summary["encoder"], "x264-ladder");
    assert_eq!(passed_over(&done), Vec::<Value>::new());
    let renditions = summary["renditions"].as_array().unwrap();
    let frames: Vec<&Value> = renditions.iter().map(|r| &r["frames"]).collect();
    assert_eq!(frames, [100, 100]);
}

#[test]
fn a_single_rendition_is_left_to_x264enc() {
    let folder = scratch();
    let done = transcode(folder.path(), 360, &ladder_plugin());
    assert_eq!(done.summary()["encoder"], "software");
    assert_eq!(passed_over(&done), Vec::<Value>::new());
}

#[test]
fn without_the_plugin_x264enc_is_used_and_the_reason_told() {
    for (content, why) in [(None, "there is no"), (Some("no plug-in"), "does not load")] {
        let folder = scratch();
        let plugin = folder.path().join(LADDER_FILE);
        if let Some(content) = content {
            std::fs::write(&plugin, content).unwrap();
        }
        let done = transcode(folder.path(), 480, &plugin);
        assert_eq!(done.summary()["encoder"], "software");
        let passed = passed_over(&done);
        assert_eq!(passed[0]["encoder"], "x264-ladder");
        let reason = text(&passed[0]["reason"]);
        let name = plugin.to_str().unwrap();
        // What is told of is the file that was looked for.
        assert!(
            reason.contains("x264ladder") && (reason.contains(why) && reason.contains(name)),
            "{reason}"
        );
    }
}
