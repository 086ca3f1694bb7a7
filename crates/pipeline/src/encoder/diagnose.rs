//! Says in words why an encoder or decoder does not work on this machine.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};

use super::prove::RefusalKind;
use crate::catalog::{Catalog, Needs};
use crate::plugins;

/// Why the elements in `missing` are not there.
pub(crate) fn why_missing(needs: &Needs, missing: &[String]) -> String {
    let mut missing = missing.to_vec();
    missing.sort();
    missing.dedup();
    let elements = format!("GStreamer has no {}", missing.join(" or "));
    if let Some(plugin) = &needs.plugin {
        return format!("{elements}: {}", plugins::why_missing(plugin));
    }
    match what_lacks(needs) {
        Some(lack) => format!("{elements}: {lack}"),
        None => match &needs.package {
            Some(package) => format!("{elements}: is the package {package} installed?"),
            None => elements,
        },
    }
}

/// `error` with what is lacking on the machine, if anything is.
pub(crate) fn explain(needs: &Needs, error: &str) -> String {
    match what_lacks(needs) {
        Some(lack) => format!("{error} ({lack})"),
        None => error.to_owned(),
    }
}

/// Why the version of `GStreamer` that is running is not enough.
pub(crate) fn too_old(needs: &Needs) -> Option<String> {
    let least = needs.gstreamer.as_ref()?;
    let (major, minor, micro, _) = gstreamer::version();
    let (a, b, c) = least.version;
    ((major, minor, micro) < least.version).then(|| {
        format!(
            "GStreamer {a}.{b}.{c} or newer is needed, this is {major}.{minor}.{micro}: {}",
            least.why
        )
    })
}

/// What to do about it.
pub(crate) fn advice(needs: &Needs, kind: RefusalKind) -> Option<String> {
    if kind == RefusalKind::Settings {
        return Some(
            "the encoder catalog does not fit this version of GStreamer or this picture; \
             see docs/GPU.md"
                .into(),
        );
    }
    if too_old(needs).is_some() {
        return Some("install a newer GStreamer, such as that of Debian 13".into());
    }
    if what_lacks(needs).is_some() {
        return needs.device_advice.clone();
    }
    if !needs.devices.is_empty() {
        return Some(
            "the driver is there: the GPU may lack this unit (H100 and H200 decode but do not encode), \
             or other programs hold all sessions; see docs/GPU.md"
                .into(),
        );
    }
    if let Some(plugin) = &needs.plugin {
        return Some(format!(
            "`make build` makes {plugin}; put it beside the program, or name it in CLIPSY_X264_LADDER"
        ));
    }
    needs
        .package
        .as_ref()
        .map(|package| format!("install {package}, then clear GStreamer's registry cache"))
}

/// The first thing that `needs` names and the machine has not.
fn what_lacks(needs: &Needs) -> Option<String> {
    let library = needs
        .libraries
        .iter()
        .find(|library| !is_installed(library))
        .map(|library| format!("no library {library}"));
    if needs.devices.is_empty() {
        return library;
    }
    let mut refused = None;
    for device in needs.found_devices() {
        match OpenOptions::new().read(true).write(true).open(&device) {
            Ok(_) => return library,
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                refused = Some(format!("no permission to open {}", device.display()));
            }
            Err(_) => {}
        }
    }
    let first = needs.devices[0].replace("{n}", "*");
    refused.or_else(|| Some(format!("no device {first}")))
}

/// The libraries and devices of this machine that encoders and decoders of `catalog` need, each with
/// what changes when another version is installed.
pub fn drivers(catalog: &Catalog) -> Vec<String> {
    let of_encoders = catalog.encoders.iter().map(|e| &e.needs);
    let of_decoders = catalog.decoders.iter().map(|d| &d.needs);
    let mut found = Vec::new();
    for needs in of_encoders.chain(of_decoders) {
        for file in needs.libraries.iter().filter_map(|l| find_library(l)) {
            let changed = std::fs::metadata(&file).and_then(|m| m.modified()).ok();
            found.push(format!("{} {changed:?}", file.display()));
        }
        found.extend(
            needs
                .found_devices()
                .iter()
                .map(|d| d.display().to_string()),
        );
    }
    found.sort();
    found.dedup();
    found
}

/// Whether the dynamic linker would find a library. Looks where it looks, without loading it.
fn is_installed(library: &str) -> bool {
    if library == "libnvrtc.so"
        && let Some(named) = std::env::var_os("GST_CUDA_NVRTC_LIBNAME")
    {
        return named.to_str().is_some_and(|name| {
            Path::new(name).is_absolute() && Path::new(name).exists()
                || find_library(name).is_some()
        });
    }
    find_library(library).is_some()
}

fn find_library(library: &str) -> Option<PathBuf> {
    let configured = std::fs::read_to_string("/etc/ld.so.conf").unwrap_or_default();
    let included = std::fs::read_dir("/etc/ld.so.conf.d")
        .into_iter()
        .flatten()
        .flatten();
    let included: Vec<String> = included
        .filter_map(|e| std::fs::read_to_string(e.path()).ok())
        .collect();
    let lines = configured
        .lines()
        .chain(included.iter().flat_map(|text| text.lines()));
    let mut folders: Vec<PathBuf> = lines
        .map(str::trim)
        .filter(|l| l.starts_with('/'))
        .map(PathBuf::from)
        .collect();
    if let Some(asked) = std::env::var_os("LD_LIBRARY_PATH") {
        folders.extend(std::env::split_paths(&asked));
    }
    folders.extend(["/lib", "/usr/lib", "/lib64", "/usr/lib64"].map(PathBuf::from));
    let arch = std::env::consts::ARCH;
    folders.extend(
        [
            format!("/lib/{arch}-linux-gnu"),
            format!("/usr/lib/{arch}-linux-gnu"),
        ]
        .map(PathBuf::from),
    );
    let files = folders.iter().map(|folder| folder.join(library));
    files.into_iter().find(|file| file.exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_device_is_named() {
        let needs = Needs {
            devices: vec!["/dev/no-such-gpu0".into()],
            ..Needs::default()
        };
        assert_eq!(
            why_missing(&needs, &["b".into(), "a".into(), "a".into()]),
            "GStreamer has no a or b: no device /dev/no-such-gpu0"
        );
        assert_eq!(
            explain(&needs, "it broke"),
            "it broke (no device /dev/no-such-gpu0)"
        );
    }

    #[test]
    fn a_missing_library_is_named_and_a_present_one_is_not() {
        let needs = Needs {
            libraries: vec!["libc.so.6".into(), "libno-such.so.1".into()],
            ..Needs::default()
        };
        assert_eq!(
            what_lacks(&needs).as_deref(),
            Some("no library libno-such.so.1")
        );
    }

    #[test]
    fn a_missing_package_is_named() {
        let needs = Needs {
            package: Some("gstreamer1.0-x".into()),
            ..Needs::default()
        };
        assert!(why_missing(&needs, &["xenc".into()]).contains("gstreamer1.0-x"));
    }
}
