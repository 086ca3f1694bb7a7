//! Makes a list of the files of the `GraphiQL` page, which `make build` bundles, for `graphiql.rs` to
//! include.

use std::fmt::Write as _;
use std::path::Path;

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/graphiql/dist");
    println!("cargo::rerun-if-changed={}", folder.display());
    println!("cargo::rerun-if-changed=build.rs");
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .map(|entries| entries.filter_map(Result::ok).collect())
        .unwrap_or_default();
    files.sort_by_key(std::fs::DirEntry::file_name);
    let mut list = String::from("&[\n");
    for file in files {
        let (path, name) = (file.path(), file.file_name());
        let path = path.to_string_lossy();
        if let Some(name) = name.to_str().and_then(|name| name.strip_suffix(".gz")) {
            let _ = writeln!(list, "    ({name:?}, include_bytes!({path:?})),");
        }
    }
    list.push_str("]\n");
    assert!(
        list.contains("\"index.html\"") || variable("PROFILE") != "release",
        "the GraphiQL page was not bundled: run `make build`, or `make graphiql` before cargo"
    );
    let target = Path::new(&variable("OUT_DIR")).join("graphiql.rs");
    if let Err(error) = std::fs::write(&target, list) {
        panic!("{}: {error}", target.display());
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "cargo tells build scripts where they are through the environment"
)]
fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}
