//! What a child gives up first: outliving its parent, filling the disk, root's capabilities.

use rustix::process::{Pid, Resource, Rlimit, Signal};
use rustix::thread::{CapabilitySet, CapabilitySets};

use super::SandboxError;
use super::bounds::Bounds;

/// Open files: sources, segments, devices and pipes come to less than a hundred.
const OPEN_FILES: u64 = 1024;
/// Bytes of the largest file that may be written. A segment of 10 s at 100 Mbit/s is 125 MB.
const FILE_BYTES: u64 = 8 << 30;
/// What the allocators set aside at the start without using it: 1 GiB, and 64 MiB for some threads.
const SET_ASIDE: u64 = 2 << 30;
/// Address space besides that is not memory: programs, libraries, mapped files, guards of stacks.
const MAPPED: u64 = 4 << 30;
/// If memory runs out, the kernel ends this process rather than the server (from -1000 to 1000).
pub const FIRST_TO_GO: i32 = 500;
/// Others come first: requests are answered while videos are encoded.
const NICENESS: i32 = 5;

/// Hardens this process, which `parent` started. Call it first of all. Fails if the parent has
/// gone already.
///
/// With `cards` the address space is not limited: drivers of cards set aside as much as all cards
/// and the machine have. The server, which sees what memory is in use, ends such a child.
pub fn harden(parent: Option<u32>, bounds: &Bounds, cards: bool) -> Result<(), SandboxError> {
    // Asked of the kernel before the parent is looked at, so that it cannot go in between.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    if let Some(parent) = parent {
        let now = rustix::process::getppid().map(Pid::as_raw_nonzero);
        let expected = i32::try_from(parent).unwrap_or_default();
        if now.is_none_or(|pid| pid.get() != expected) {
            return Err(SandboxError::Orphaned);
        }
    }
    limit(Resource::Core, 0);
    limit(Resource::Nofile, OPEN_FILES);
    limit(Resource::Fsize, FILE_BYTES);
    limit(Resource::Cpu, bounds.cpu_s);
    limit(Resource::Msgqueue, 0);
    if !cards {
        let data = bounds.memory_bytes.saturating_add(SET_ASIDE);
        limit(Resource::Data, data);
        limit(Resource::As, data.saturating_add(MAPPED));
    }
    // Both are kindness to others; without them it works, too.
    let _ = rustix::process::nice(NICENESS);
    let _ = std::fs::write("/proc/self/oom_score_adj", FIRST_TO_GO.to_string());
    // The last one makes namespaces, and goes with that.
    keep_powers(READING | CapabilitySet::SYS_ADMIN);
    Ok(())
}

/// Lowers a limit; one that is lower already stays.
fn limit(resource: Resource, most: u64) {
    let now = rustix::process::getrlimit(resource);
    let most = now.maximum.map_or(most, |maximum| maximum.min(most));
    let both = Rlimit {
        current: Some(now.current.map_or(most, |current| current.min(most))),
        maximum: Some(most),
    };
    if let Err(error) = rustix::process::setrlimit(resource, both) {
        tracing::debug!(?resource, %error, "a limit could not be lowered");
    }
}

/// Of root's powers keeps only that of reading files of other users, since the originals may be
/// theirs.
pub(super) fn drop_powers() {
    keep_powers(READING);
}

/// Powers to read files of other users.
const READING: CapabilitySet = CapabilitySet::DAC_OVERRIDE.union(CapabilitySet::DAC_READ_SEARCH);

fn keep_powers(keep: CapabilitySet) {
    let Ok(now) = rustix::thread::capabilities(None) else {
        return;
    };
    let sets = CapabilitySets {
        effective: now.effective & keep,
        permitted: now.permitted & keep,
        inheritable: CapabilitySet::empty(),
    };
    if let Err(error) = rustix::thread::set_capabilities(None, sets) {
        tracing::debug!(%error, "the powers of root could not be dropped");
    }
}
