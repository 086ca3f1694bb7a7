//! The file system, the network and the neighbours, closed by Landlock.

use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible as _, PathBeneath,
    PathFd, Ruleset, RulesetAttr as _, RulesetCreated, RulesetCreatedAttr as _, RulesetStatus,
    Scope,
};

use super::Openings;

/// The oldest kernel interface that closes what has to be closed: reading and writing files, and
/// moving them elsewhere. It came with Linux 5.13.
const NEEDED: ABI = ABI::V1;
/// The newest one that the crate knows; what the kernel does not know of it is left out.
const WANTED: ABI = ABI::V9;

/// Programs, libraries, plugins and their data. Nothing below is written or secret.
const SYSTEM: [&str; 8] = [
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/bin",
    "/sbin",
    "/nix/store",
    "/sys",
];
/// Settings of libraries and drivers; the rest of /etc stays hidden.
const SETTINGS: [&str; 10] = [
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/ld.so.preload",
    "/etc/localtime",
    "/etc/drirc",
    "/etc/libva.conf",
    "/etc/nvidia",
    "/etc/OpenCL",
    "/etc/vulkan",
];
/// Facts about the machine, none about other processes.
const MACHINE: [&str; 9] = [
    "/proc/cpuinfo",
    "/proc/devices",
    "/proc/driver",
    "/proc/filesystems",
    "/proc/meminfo",
    "/proc/modules",
    "/proc/stat",
    "/proc/sys",
    "/proc/version",
];
/// This process. The CUDA driver writes names of threads there, over what is there; nobody else
/// writes, since how soon the kernel ends a process that is short of memory is said there, too.
const SELF: &str = "/proc/self";
/// Where the CUDA driver looks for cards; it starts with no less. Names are all that is to be had.
const NODES: &str = "/dev";
/// Devices without memory.
const DEVICES: [&str; 5] = [
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
];
/// Where GPUs are found, by how the names of their nodes begin.
const GPU_NODES: [&str; 4] = ["nvidia", "nvhost", "nvmap", "dri"];

/// Restricts this thread; the error says in words what is missing.
pub(super) fn restrict(openings: &Openings, cards: &[PathBuf]) -> Result<(), String> {
    let status = rules(openings, cards)
        .and_then(RulesetCreated::restrict_self)
        .map_err(|error| format!("Landlock: {error}"))?;
    match status.ruleset {
        RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced => Ok(()),
        RulesetStatus::NotEnforced => {
            Err("this kernel has no Landlock (Linux 5.13 or newer with \"landlock\" among its security modules)".into())
        }
    }
}

fn rules(openings: &Openings, cards: &[PathBuf]) -> Result<RulesetCreated, landlock::RulesetError> {
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    // Links, sockets, pipes and device nodes are not allowed in the output: the publisher would
    // follow them.
    let write = read
        | AccessFs::WriteFile
        | AccessFs::Truncate
        | AccessFs::MakeReg
        | AccessFs::MakeDir
        | AccessFs::RemoveFile
        | AccessFs::RemoveDir;
    let device = read | AccessFs::WriteFile | AccessFs::IoctlDev;

    let mut ruleset = Ruleset::default()
        // If the essential part is missing the whole is not worth having; the rest is taken as
        // far as the kernel goes.
        .set_compatibility(CompatLevel::SoftRequirement)
        .handle_access(AccessFs::from_all(NEEDED))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(WANTED))?
        .handle_access(AccessNet::from_all(WANTED))?
        .scope(Scope::from_all(WANTED))?
        .create()?;
    for path in SYSTEM.iter().chain(&SETTINGS).chain(&MACHINE) {
        ruleset = open(ruleset, Path::new(path), read)?;
    }
    for path in &openings.readable {
        ruleset = open(ruleset, path, read)?;
    }
    for path in &openings.writable {
        ruleset = open(ruleset, path, write)?;
    }
    for path in DEVICES.iter().map(Path::new) {
        ruleset = open(ruleset, path, device)?;
    }
    for path in cards {
        ruleset = open(ruleset, path, device)?;
    }
    // The kernel makes these entries again when nobody holds them, and the rule would go with the
    // old ones: so this one is held for as long as the process lives.
    std::mem::forget(std::fs::File::open(SELF));
    let own = if cards.is_empty() {
        read
    } else {
        read | AccessFs::WriteFile | AccessFs::Truncate
    };
    ruleset = open(ruleset, Path::new(SELF), own)?;
    open(ruleset, Path::new(NODES), AccessFs::ReadDir.into())
}

/// Opens what there is; a path that does not exist needs no opening.
fn open(
    ruleset: RulesetCreated,
    path: &Path,
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, landlock::RulesetError> {
    let Ok(metadata) = std::fs::metadata(path) else {
        return Ok(ruleset);
    };
    let Ok(fd) = PathFd::new(path) else {
        return Ok(ruleset);
    };
    let access = if metadata.is_dir() {
        access
    } else {
        access & AccessFs::from_file(WANTED)
    };
    ruleset.add_rule(PathBeneath::new(fd, access))
}

pub(super) fn gpu_nodes() -> Vec<PathBuf> {
    let entries = std::fs::read_dir("/dev").into_iter().flatten().flatten();
    entries
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            GPU_NODES.iter().any(|start| name.starts_with(start))
        })
        .map(|entry| entry.path())
        .collect()
}
