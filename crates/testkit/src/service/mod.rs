//! The real binary as a service: started on a folder of a test's own, called as its clients call it, and
//! looked at from outside.

pub mod client;
pub mod figures;
pub mod processes;
pub mod server;
pub mod shares;
pub mod stack;
pub mod turn;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use crate::until;

/// No step of a test takes anywhere near this long: one that does hangs.
pub const HANGS_AFTER: Duration = Duration::from_mins(4);

/// A clip that was fetched, not made: a minute of 720p.
pub fn long_clip() -> PathBuf {
    clip("trailer_bbb.mp4")
}

/// Ten seconds of small pictures.
pub fn short_clip() -> PathBuf {
    clip("bikes.mp4")
}

fn clip(file: &str) -> PathBuf {
    let path = repository(".media/clips").join(file);
    assert!(
        path.exists(),
        "the clip {file} is missing: run `make media` first"
    );
    path
}

/// A path below the repository's root.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

/// A folder that goes away with the test.
pub fn scratch() -> tempfile::TempDir {
    tempfile::Builder::new()
        .prefix("clipsy-test-")
        .tempdir()
        .unwrap()
}

/// Every file below `folder`, as relative paths in order. Files that vanish meanwhile are fine.
pub fn files(folder: &Path) -> Vec<String> {
    fn walk(root: &Path, folder: &Path, found: &mut Vec<String>) {
        let Ok(entries) = std::fs::read_dir(folder) else {
            return;
        };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(root, &path, found);
            } else if let Ok(name) = path.strip_prefix(root) {
                found.push(name.to_string_lossy().into_owned());
            }
        }
    }
    let mut found = Vec::new();
    walk(folder, folder, &mut found);
    found.sort();
    found
}
