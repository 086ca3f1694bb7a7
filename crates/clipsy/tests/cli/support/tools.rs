//! The programs that judge: they share no code with Clipsy.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::repository;

/// What `ffprobe` says about a file with these arguments; an error if it complains.
pub(crate) fn ffprobe(path: &Path, args: &[&str]) -> Result<Value, String> {
    let mut command = Command::new("ffprobe");
    command
        .args(["-v", "error", "-threads", "1", "-of", "json"])
        .args(args)
        .arg(path);
    let bytes = output(command)?;
    serde_json::from_slice(&bytes).map_err(|e| format!("ffprobe wrote no JSON: {e}"))
}

/// What `ffmpeg` writes to standard output with these arguments; an error if it complains.
pub(crate) fn ffmpeg<S: AsRef<OsStr>>(
    args: impl IntoIterator<Item = S>,
) -> Result<Vec<u8>, String> {
    output(ffmpeg_command(args))
}

/// The same of a source, about which ffmpeg may complain: that is not what is judged here.
pub(crate) fn ffmpeg_lenient<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Vec<u8> {
    let mut command = ffmpeg_command(args);
    command.stderr(Stdio::null()).stdin(Stdio::null());
    command.output().map(|done| done.stdout).unwrap_or_default()
}

fn ffmpeg_command<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new("ffmpeg");
    command
        .args([
            "-v",
            "error",
            "-nostdin",
            "-threads",
            "1",
            "-filter_threads",
            "1",
        ])
        .args(args)
        .arg("pipe:1");
    command
}

/// The multivariant playlist at `path` and its media playlists, as hls-parser understands them.
pub(crate) fn hls(path: &Path) -> Result<Value, String> {
    let mut command = Command::new("node");
    command.arg(repository("tools/js/hls.mjs")).arg(path);
    let bytes = output(command)?;
    serde_json::from_slice(&bytes).map_err(|e| format!("hls.mjs wrote no JSON: {e}"))
}

fn output(mut command: Command) -> Result<Vec<u8>, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let done = command
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("{name} does not start: {e}"))?;
    let complaint = String::from_utf8_lossy(&done.stderr);
    if !done.status.success() || !complaint.trim().is_empty() {
        let lines: Vec<&str> = complaint.lines().take(3).collect();
        return Err(format!(
            "{name} complains ({}): {}",
            done.status,
            lines.join(" | ")
        ));
    }
    Ok(done.stdout)
}

/// A number that JSON may hold as a number or, as ffprobe likes to, as text.
pub(crate) fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

/// A whole number, held in either way.
pub(crate) fn whole(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// Text, or nothing.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
