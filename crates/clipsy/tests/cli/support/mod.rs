//! What the tests share: their inputs, the binary, other programs and how they report.

pub(crate) mod clipsy;
pub(crate) mod inputs;
pub(crate) mod rate;
pub(crate) mod report;
pub(crate) mod tools;

use std::path::Path;

pub(crate) use clipsy_testkit::service::{repository, scratch};

/// Every file and folder below `folder`, as relative paths in order; folders end in `/`.
pub(crate) fn listing(folder: &Path) -> Vec<String> {
    fn walk(root: &Path, folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path
                .strip_prefix(root)
                .unwrap()
                .to_string_lossy()
                .into_owned();
            if path.is_dir() {
                found.push(format!("{name}/"));
                walk(root, &path, found);
            } else {
                found.push(name);
            }
        }
    }
    let mut found = Vec::new();
    if folder.exists() {
        walk(folder, folder, &mut found);
    }
    found.sort();
    found
}
