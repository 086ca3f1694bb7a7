//! A small disk, for those who may mount one.

use std::path::PathBuf;
use std::process::Command;

/// A disk of its own, unmounted when dropped.
#[derive(Debug)]
pub struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// Runs ignored tests of this program, by name, in a mount namespace of their own, where small disks
    /// can be had without being root and are gone at the end.
    pub fn run_tests(names: &[&str]) {
        let status = Command::new("unshare")
            .args(["--map-root-user", "--mount", "--"])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "--ignored", "--nocapture"])
            .args(names)
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// A disk of that many MiB, in a temporary folder.
    pub fn mount(mib: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={mib}m"), "tmpfs"])
            .arg(folder.path())
            .status()
            .unwrap();
        assert!(mounted.success());
        Self(folder)
    }

    /// A folder for media on it.
    pub fn media(&self) -> PathBuf {
        self.0.path().join("media")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("-l").arg(self.0.path()).status();
        assert!(unmounted.unwrap().success());
    }
}
