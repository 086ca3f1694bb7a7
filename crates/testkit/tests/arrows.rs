//! Which crate may know which, and a few rules about what is written where. `docs/ARCHITECTURE.md` has the
//! map; whoever changes one of these changes the other, too.

#![expect(clippy::unwrap_used, reason = "it is a test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Our crates, and which of ours each may depend on, apart from tests.
const ARROWS: [(&str, &[&str]); 13] = [
    ("captions", &[]),
    ("domain", &[]),
    ("http", &[]),
    ("picture", &[]),
    ("x264-ladder", &["picture"]),
    ("storage", &["domain"]),
    ("dispatch", &["domain"]),
    ("pipeline", &["domain", "picture"]),
    ("service", &["captions", "domain", "storage", "dispatch"]),
    (
        "graph",
        &[
            "captions", "domain", "storage", "dispatch", "http", "service",
        ],
    ),
    (
        "worker",
        &["domain", "storage", "dispatch", "pipeline", "service"],
    ),
    (
        "clipsy",
        &[
            "domain", "storage", "dispatch", "pipeline", "http", "service", "graph", "worker",
        ],
    ),
    ("testkit", &[]),
];

/// Crates of others that some of ours must not know, by how their names begin.
const FORBIDDEN: [(&str, &[&str]); 8] = [
    (
        "domain",
        &["axum", "hyper", "tokio", "sqlx", "gstreamer", "async-nats"],
    ),
    (
        "http",
        &["sqlx", "gstreamer", "async-graphql", "async-nats"],
    ),
    ("storage", &["axum", "gstreamer", "async-graphql"]),
    ("dispatch", &["axum", "gstreamer", "async-graphql", "sqlx"]),
    (
        "pipeline",
        &["axum", "hyper", "tokio", "sqlx", "async-nats"],
    ),
    (
        "service",
        &[
            "axum",
            "hyper",
            "http",
            "tower",
            "async-graphql",
            "gstreamer",
            "utoipa",
        ],
    ),
    ("graph", &["gstreamer", "sqlx", "async-nats"]),
    (
        "worker",
        &[
            "axum",
            "hyper",
            "http",
            "tower",
            "async-graphql",
            "gstreamer",
            "sqlx",
        ],
    ),
];

#[test]
fn crates_know_those_that_the_map_says() {
    let packages = packages();
    let arrows: BTreeMap<&str, &[&str]> = ARROWS.into_iter().collect();
    let forbidden: BTreeMap<&str, &[&str]> = FORBIDDEN.into_iter().collect();
    let mut wrong = Vec::new();
    for (package, dependencies) in &packages {
        let Some(allowed) = arrows.get(short(package)) else {
            wrong.push(format!("{package} is not on the map"));
            continue;
        };
        for dependency in dependencies {
            let ours = packages.contains_key(dependency);
            if ours && !allowed.contains(&short(dependency)) {
                wrong.push(format!("{package} knows {dependency}"));
            }
            let not = forbidden.get(short(package)).copied().unwrap_or_default();
            let named =
                |name: &&&str| dependency == *name || dependency.starts_with(&format!("{name}-"));
            if !ours && not.iter().find(named).is_some() {
                wrong.push(format!("{package} names {dependency}"));
            }
        }
    }
    assert!(packages.len() >= 10, "{packages:?}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Where something may be named, and why.
type Places = &'static [(&'static str, &'static str)];

#[test]
fn only_the_configuration_reads_the_environment() {
    const PLACES: Places = &[
        ("clipsy/src/config/", "the configuration"),
        ("graph/build.rs", "how cargo talks to build scripts"),
        (
            "pipeline/src/builder/remarks.rs",
            "whether GST_DEBUG is set: GStreamer's log is not kept from whoever asks for it",
        ),
        (
            "pipeline/src/encoder/diagnose.rs",
            "where the loader looks for libraries of drivers, to say which are missing",
        ),
    ];
    named_only_in(&["env::var", "env::vars"], PLACES);
}

#[test]
fn only_the_clock_knows_what_time_it_is() {
    const PLACES: Places = &[
        ("domain/src/clock.rs", "the clock"),
        (
            "storage/src/media/local/write.rs",
            "the date of a file, which is never compared with another clock",
        ),
        (
            "storage/src/media/s3/sweep.rs",
            "compared with dates that the bucket gave to its objects",
        ),
    ];
    named_only_in(&["SystemTime::now", "Utc::now", "Local::now"], PLACES);
}

#[test]
fn only_media_key_lays_out_paths() {
    const PLACES: Places = &[
        ("domain/src/media_key.rs", "it does"),
        (
            "storage/src/media/contract/",
            "keys of a suite that has the store for itself",
        ),
    ];
    named_only_in(&["\"videos/", "\"uploads/"], PLACES);
}

/// Words in back quotes that look like files, such as `worker/slot.rs`, are files below `crates/`.
#[test]
fn the_map_names_files_that_exist() {
    let root = crates().join("..");
    let map = fs::read_to_string(root.join("docs/ARCHITECTURE.md")).unwrap();
    let mut files = Vec::new();
    rust_files(&crates(), &mut files);
    let files: Vec<String> = files
        .iter()
        .map(|file| file.display().to_string().replace("/src/", "/"))
        .collect();
    let words = map.split('`').skip(1).step_by(2);
    let named: Vec<&str> = words
        .filter(|word| Path::new(word).extension().is_some_and(|end| end == "rs"))
        .collect();
    assert!(named.len() > 50, "{named:?}");
    let wrong: Vec<&&str> = named
        .iter()
        .filter(|name| {
            let end = format!("/{}", name.replace("/src/", "/"));
            !files.iter().any(|file| file.ends_with(&end))
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn named_only_in(names: &[&str], places: Places) {
    let mut wrong = Vec::new();
    let mut used = vec![false; places.len()];
    let mut files = Vec::new();
    rust_files(&crates(), &mut files);
    assert!(files.len() > 300, "{} files", files.len());
    for file in files {
        let name = file.strip_prefix(crates()).unwrap().display().to_string();
        if is_test(&name) {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        // Tests may do as they like; they stand at the end of files.
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let hits = code.lines().filter(|line| {
            let comment = line.trim_start().starts_with("//");
            !comment && names.iter().any(|name| line.contains(name))
        });
        for line in hits {
            match places.iter().position(|(place, _)| name.starts_with(place)) {
                Some(place) => used[place] = true,
                None => wrong.push(format!("{name}: {}", line.trim())),
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    for ((place, why), used) in places.iter().zip(used) {
        assert!(used, "{place} ({why}) is an exception that nothing needs");
    }
}

fn is_test(name: &str) -> bool {
    let (_, inside) = name.split_once('/').unwrap_or_default();
    name.starts_with("testkit/")
        || !(inside.starts_with("src/") || inside == "build.rs")
        || inside.contains("/tests/")
        || inside.ends_with("/tests.rs")
        || inside.ends_with("/testing.rs")
}

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The folder of our crates.
fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// What each of our packages depends on, apart from tests.
fn packages() -> BTreeMap<String, Vec<String>> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .current_dir(crates())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let packages = metadata["packages"].as_array().unwrap();
    packages
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().unwrap().iter();
            let names = dependencies
                .filter(|d| d["kind"] != "dev")
                .map(|d| text(&d["name"]));
            (text(&package["name"]), names.collect())
        })
        .collect()
}

fn short(package: &str) -> &str {
    package.strip_prefix("clipsy-").unwrap_or(package)
}
