//! Puts the built web front end, `web/dist/site`, and the `GraphiQL` page, `web/graphiql/dist`, into
//! the library as tables of files.
//!
//! A release without them would be a service without pages, so that does not build. Anything else
//! does without: its pages then say how to get the real ones.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// Chunks that the page of a video is sure to need, by their names in Vite's manifest.
const WATCH: [&str; 2] = ["src/pages/watch/Watch.tsx", "src/player/Player.tsx"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(variable("OUT_DIR")?);
    let release = variable("PROFILE")? == "release";
    site(&out, release)?;
    graphiql(&out, release)
}

fn site(out: &Path, release: bool) -> Result<(), Box<dyn Error>> {
    // The folder around it is always there; a path that is not would mean building anew each time.
    let dist = Path::new(&variable("CARGO_MANIFEST_DIR")?).join("../../web/dist");
    println!("cargo::rerun-if-changed={}", dist.display());
    let built = dist.join("site/index.html").exists();
    if !built && release {
        return Err(
            "web/dist/site is missing: run `make build`, which makes the web front end first"
                .into(),
        );
    }
    let mut table = String::from("static FILES: &[File] = &[\n");
    let mut preloads = Vec::new();
    if built {
        // Of a copy, because the next build of the front end may begin before the compiler reads it.
        let site = out.join("site");
        if site.exists() {
            fs::remove_dir_all(&site)?;
        }
        copy(&dist.join("site"), &site)?;
        let mut files = Vec::new();
        collect(&site, &mut files)?;
        files.sort();
        for path in &files {
            add(&mut table, &site, path)?;
        }
        let manifest: Value = serde_json::from_slice(&fs::read(site.join("manifest.json"))?)?;
        for name in WATCH {
            preload(&manifest, name, &mut preloads);
        }
        let mut first = Vec::new();
        preload(&manifest, "index.html", &mut first);
        preloads.retain(|file| !first.contains(file));
    }
    table.push_str("];\n");
    writeln!(table, "static WATCH_PRELOADS: &[&str] = &{preloads:?};")?;
    fs::write(out.join("site.rs"), table)?;
    Ok(())
}

fn graphiql(out: &Path, release: bool) -> Result<(), Box<dyn Error>> {
    let folder = Path::new(&variable("CARGO_MANIFEST_DIR")?).join("../../web/graphiql/dist");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files: Vec<_> = fs::read_dir(&folder)
        .map(|entries| entries.filter_map(Result::ok).collect())
        .unwrap_or_default();
    files.sort_by_key(fs::DirEntry::file_name);
    let mut list = String::from("static FILES: &[File] = &[\n");
    for file in files {
        let (path, name) = (file.path(), file.file_name());
        if let Some(name) = name.to_str().and_then(|name| name.strip_suffix(".gz")) {
            writeln!(
                list,
                "File {{ path: {name:?}, kind: {:?}, etag: {:?}, plain: None, \
                 gzip: Some(include_bytes!({:?})), brotli: None }},",
                kind(extension(Path::new(name))),
                tag(&path)?,
                path.display().to_string(),
            )?;
        }
    }
    list.push_str("];\n");
    if release && !list.contains("\"index.html\"") {
        return Err(
            "the GraphiQL page was not bundled: run `make build`, or `make graphiql` before cargo"
                .into(),
        );
    }
    fs::write(out.join("graphiql.rs"), list)?;
    Ok(())
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy(&path, &target)?;
        } else {
            fs::copy(&path, &target)?;
        }
    }
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is how cargo talks to build scripts"
)]
fn variable(name: &str) -> Result<String, std::env::VarError> {
    std::env::var(name)
}

/// All files below a folder but the compressed twins of others.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if !matches!(extension(&path), "br" | "gz") {
            files.push(path);
        }
    }
    Ok(())
}

fn add(table: &mut String, site: &Path, path: &Path) -> Result<(), Box<dyn Error>> {
    let name = path.strip_prefix(site)?.to_str().ok_or("odd file name")?;
    let etag = tag(path)?;
    let twin = |ending: &str| {
        let twin = path.with_file_name(format!(
            "{}.{ending}",
            path.file_name().unwrap_or_default().to_string_lossy()
        ));
        if twin.exists() {
            format!("Some(include_bytes!({:?}))", twin.display().to_string())
        } else {
            "None".to_owned()
        }
    };
    writeln!(
        table,
        "File {{ path: {name:?}, kind: {:?}, etag: {etag:?}, plain: Some(include_bytes!({:?})), \
         gzip: {}, brotli: {} }},",
        kind(extension(path)),
        path.display().to_string(),
        twin("gz"),
        twin("br"),
    )?;
    Ok(())
}

/// A hash of a file's bytes.
fn tag(path: &Path) -> Result<String, Box<dyn Error>> {
    let hash = Sha256::digest(fs::read(path)?);
    let mut tag = String::new();
    for byte in &hash[..12] {
        write!(tag, "{byte:02x}")?;
    }
    Ok(tag)
}

fn extension(path: &Path) -> &str {
    path.extension()
        .and_then(|text| text.to_str())
        .unwrap_or("")
}

fn kind(extension: &str) -> &'static str {
    match extension {
        "css" => "text/css; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ttf" => "font/ttf",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

/// The script of a manifest's entry and all that come with it.
fn preload(manifest: &Value, name: &str, files: &mut Vec<String>) {
    let entry = &manifest[name];
    let Some(file) = entry["file"].as_str() else {
        return;
    };
    if files.iter().any(|known| known == file) {
        return;
    }
    files.push(file.to_owned());
    for import in entry["imports"].as_array().into_iter().flatten() {
        preload(manifest, import.as_str().unwrap_or_default(), files);
    }
}
