//! What is read from the environment other than as a flag's value.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clipsy_worker::environment::{Environment, VISIBLE_CARDS};

/// Settings for glibc's allocator that keep freed pictures from staying in pools of their own for
/// each thread, which with a dozen pipeline threads comes to tens of megabytes.
const ALLOCATOR: [(&str, &str); 2] = [
    ("MALLOC_ARENA_MAX", "2"),
    ("MALLOC_MMAP_THRESHOLD_", "4194304"),
];

/// Settings for glibc's allocator that make a server give memory back. By default it raises its
/// limits when large buffers are freed, and then each thread keeps tens of megabytes of what
/// uploads once needed. No child gets this variable.
const SERVER_ALLOCATOR: (&str, &str) = (
    "GLIBC_TUNABLES",
    "glibc.malloc.mmap_threshold=1048576:glibc.malloc.trim_threshold=1048576",
);

/// Variables that `GStreamer`, its plugins and the drivers of GPUs look at. A child gets no others.
const CHILD_NAMES: [&str; 5] = [
    "PATH",
    "LD_LIBRARY_PATH",
    "DRI_PRIME",
    "RUST_BACKTRACE",
    LADDER,
];
/// Where the plug-in is that encodes whole ladders. It is no flag, since every child looks for it, too.
const LADDER: &str = "CLIPSY_X264_LADDER";
/// Its file.
pub(crate) const LADDER_FILE: &str = "libgstclipsyx264ladder.so";
/// The same, by how names begin.
const CHILD_PREFIXES: [&str; 10] = [
    "GST_", "ORC_", "CUDA_", "NVIDIA_", "__NV", "NV_", "LIBVA_", "MESA_", "INTEL_", "AMD_",
];
/// Variables that name folders of plugins and libraries, separated by colons.
const CHILD_FOLDERS: [&str; 6] = [
    "LD_LIBRARY_PATH",
    "GST_PLUGIN_PATH",
    "GST_PLUGIN_PATH_1_0",
    "GST_PLUGIN_SYSTEM_PATH",
    "GST_PLUGIN_SYSTEM_PATH_1_0",
    "LIBVA_DRIVERS_PATH",
];

/// The environment of a child process that parses media: nothing that it does not need.
fn of_child() -> Vec<(OsString, OsString)> {
    let wanted = |name: &OsStr| {
        let name = name.to_string_lossy();
        CHILD_NAMES.contains(&name.as_ref())
            || CHILD_PREFIXES.iter().any(|start| name.starts_with(start))
    };
    let kept = std::env::vars_os().filter(|(name, _)| wanted(name));
    let allocator = ALLOCATOR.iter().map(|(name, value)| {
        let value = std::env::var_os(name).unwrap_or_else(|| value.into());
        (name.into(), value)
    });
    kept.chain(allocator).collect()
}

/// Folders that a child has to read to find plugins and libraries, besides those of the system.
pub(crate) fn child_folders() -> Vec<PathBuf> {
    let values = CHILD_FOLDERS.iter().filter_map(std::env::var_os);
    values
        .flat_map(|value| std::env::split_paths(&value).collect::<Vec<_>>())
        .filter(|folder| folder.is_absolute())
        .collect()
}

/// What children get of this process's environment.
pub(crate) fn of_children() -> Environment {
    Environment {
        variables: of_child(),
        plugins: child_folders(),
    }
}

/// Where the plug-in that encodes whole ladders may lie: where a variable says, or beside this program, or
/// where packages put libraries of their own.
pub(crate) fn ladder_plugin() -> Vec<PathBuf> {
    if let Some(named) = trimmed(LADDER) {
        return vec![PathBuf::from(named)];
    }
    let program = std::env::current_exe().ok();
    let folder = program.as_deref().and_then(Path::parent);
    let places = folder.map(|folder| {
        [
            folder.join(LADDER_FILE),
            folder.join("../lib/clipsy").join(LADDER_FILE),
        ]
    });
    places.into_iter().flatten().collect()
}

/// Which of NVIDIA's cards may be used; `None` for all, nothing for none.
pub(crate) fn visible_cards() -> Option<String> {
    let list = std::env::var_os(VISIBLE_CARDS)?;
    Some(list.to_string_lossy().into_owned())
}

/// The password for the first account in `CLIPSY_ADMIN_PASSWORD`. It is no flag, since everybody
/// on the machine can read those.
pub(crate) fn admin_password() -> Option<String> {
    text("CLIPSY_ADMIN_PASSWORD")
}

/// The token for figures in `CLIPSY_METRICS_TOKEN`.
pub(crate) fn metrics_token() -> Option<String> {
    text("CLIPSY_METRICS_TOKEN")
}

/// OpenTelemetry's own variable for the full address that spans go to.
pub(crate) const OTLP_TRACES: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
/// OpenTelemetry's own variable for the collector's address.
pub(crate) const OTLP: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// True if somebody has said what the service is called in traces.
pub(crate) fn names_otel_service() -> bool {
    let attributes = trimmed("OTEL_RESOURCE_ATTRIBUTES");
    trimmed("OTEL_SERVICE_NAME").is_some()
        || attributes.is_some_and(|list| list.contains("service.name="))
}

/// Names and explanations of the variables that are no flags, and whether each is a secret.
pub(crate) const VARIABLES: [(&str, &str, bool); 4] = [
    (
        "CLIPSY_ADMIN_PASSWORD",
        "Password of the first account, which also replaces the one of an account that still has admin123",
        true,
    ),
    (
        "CLIPSY_METRICS_TOKEN",
        "Token that those have to send who fetch figures",
        true,
    ),
    (
        "CLIPSY_S3_SECRET_KEY",
        "Secret of the key to the bucket",
        true,
    ),
    (
        LADDER,
        "Where the plug-in is that encodes whole ladders",
        false,
    ),
];

/// The secret of the key to the bucket in `CLIPSY_S3_SECRET_KEY`. It is no flag for the same reason.
pub(crate) fn s3_secret_key() -> Option<String> {
    trimmed("CLIPSY_S3_SECRET_KEY")
}

/// What a variable says without the spaces around it, if it says anything.
pub(crate) fn trimmed(name: &str) -> Option<String> {
    let value = text(name)?.trim().to_owned();
    (!value.is_empty()).then_some(value)
}

fn text(name: &str) -> Option<String> {
    let value = std::env::var_os(name)?;
    let value = value.to_string_lossy().into_owned();
    (!value.is_empty()).then_some(value)
}

/// Starts this program again with [`ALLOCATOR`]'s settings, unless they are there already: glibc
/// reads them only when a process starts.
pub(crate) fn use_few_malloc_arenas() -> anyhow::Result<()> {
    start_again_with(&ALLOCATOR)
}

/// Starts this program again with [`SERVER_ALLOCATOR`]'s settings, unless there are some already.
pub(crate) fn give_memory_back() -> anyhow::Result<()> {
    start_again_with(&[SERVER_ALLOCATOR])
}

fn start_again_with(settings: &[(&str, &str)]) -> anyhow::Result<()> {
    let chosen = |name: &str| std::env::var_os(name).is_some();
    if !cfg!(target_env = "gnu") || settings.iter().any(|(name, _)| chosen(name)) {
        return Ok(());
    }
    let mut again = std::process::Command::new(std::env::current_exe()?);
    again
        .args(std::env::args_os().skip(1))
        .envs(settings.iter().copied());
    // Only comes back if it fails; then it runs with the memory that it takes.
    let error = std::os::unix::process::CommandExt::exec(&mut again);
    tracing::debug!(%error, "could not start again with other settings for memory");
    Ok(())
}
