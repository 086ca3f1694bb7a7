//! What this process may use of the machine.

use std::fs;
use std::path::Path;

/// Where control groups of version 2 lie (Linux, admin-guide/cgroup-v2).
const GROUPS: &str = "/sys/fs/cgroup";

/// Bytes of memory that the machine, or the container around this process, has.
pub(super) fn memory_bytes() -> u64 {
    let info = rustix::system::sysinfo();
    let machine = info.totalram.saturating_mul(u64::from(info.mem_unit));
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    group_limit(&own, Path::new(GROUPS)).map_or(machine, |limit| limit.min(machine))
}

/// The least limit on the way from the group that `own`, a text of `/proc/self/cgroup`, names up to
/// `root`; `None` without one.
fn group_limit(own: &str, root: &Path) -> Option<u64> {
    let group = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let folders = Path::new(group).ancestors();
    let limits = folders.filter_map(|group| {
        let text = fs::read_to_string(root.join(group).join("memory.max")).ok()?;
        // Without a limit it says "max".
        text.trim().parse().ok()
    });
    limits.min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_limit_around_a_process_holds() {
        let root = tempfile::tempdir().unwrap();
        let group = root.path().join("a/b");
        fs::create_dir_all(&group).unwrap();
        let own = "12:pids:/elsewhere\n0::/a/b\n";
        assert_eq!(group_limit(own, root.path()), None);
        fs::write(group.join("memory.max"), "max\n").unwrap();
        fs::write(root.path().join("a/memory.max"), "2000\n").unwrap();
        fs::write(root.path().join("memory.max"), "3000\n").unwrap();
        assert_eq!(group_limit(own, root.path()), Some(2000));
        assert_eq!(group_limit("0::/\n", root.path()), Some(3000));
        assert_eq!(group_limit("1:memory:/a\n", root.path()), None);
    }

    #[test]
    fn a_machine_has_memory() {
        assert!(memory_bytes() > 64 << 20);
    }
}
