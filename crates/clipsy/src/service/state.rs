//! The state folder: one server at a time, and nobody else's business.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::commands::exit::Refusal;

/// The state folder, held by this process until it ends.
#[derive(Debug)]
pub(crate) struct State {
    folder: PathBuf,
    _lock: File,
}

impl State {
    /// Makes `folder` if need be and takes hold of it. Refuses if another server has it.
    pub(crate) fn open(folder: PathBuf) -> anyhow::Result<Self> {
        let cannot = |error: io::Error| {
            let path = folder.display();
            Refusal::new(
                "state",
                format!("the state folder {path} cannot be used: {error}"),
            )
        };
        make_folder(&folder).map_err(cannot)?;
        make_folder(&folder.join("keys")).map_err(cannot)?;
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(folder.join("lock"))
            .map_err(cannot)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Only to be helpful.
                let _ = lock.read_to_string(&mut holder);
                let message = format!(
                    "another server (process {}) is running on the state folder {}; \
                     stop it, or give this one a folder of its own with --state-dir",
                    holder.trim(),
                    folder.display()
                );
                return Err(Refusal::new("locked", message).into());
            }
            Err(TryLockError::Error(error)) => return Err(cannot(error).into()),
        }
        let mut note = || -> io::Result<()> {
            lock.set_len(0)?;
            lock.rewind()?;
            writeln!(lock, "{}", std::process::id())
        };
        note().map_err(cannot)?;
        Ok(Self {
            folder,
            _lock: lock,
        })
    }

    /// Where media lie.
    pub(crate) fn media(&self) -> PathBuf {
        self.folder.join("media")
    }

    /// Where children write.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.folder.join("scratch")
    }

    /// Where children write that take pictures.
    pub(crate) fn stills(&self) -> PathBuf {
        self.folder.join("stills")
    }

    /// Where secrets lie.
    pub(crate) fn keys(&self) -> PathBuf {
        self.folder.join("keys")
    }

    /// Where `GStreamer` notes which plugins it found.
    pub(crate) fn registry(&self) -> PathBuf {
        self.folder.join("gstreamer-registry.bin")
    }

    /// The name by which this folder's server claims jobs; the same after each start.
    pub(crate) fn node(&self) -> anyhow::Result<String> {
        let file = self.folder.join("node");
        if let Ok(name) = fs::read_to_string(&file)
            && !name.trim().is_empty()
        {
            return Ok(name.trim().to_owned());
        }
        let name = uuid::Uuid::new_v4().simple().to_string();
        write_secret(&file, &name)?;
        Ok(name)
    }
}

/// Makes a folder that only its owner can look into; one that is there is left as it is, except
/// that others cannot look into it any more.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let mut permissions = fs::metadata(folder)?.permissions();
    if permissions.mode() & 0o077 != 0 {
        permissions.set_mode(0o700);
        // Somebody else's folder may be usable all the same.
        if let Err(error) = fs::set_permissions(folder, permissions) {
            tracing::warn!(folder = %folder.display(), %error, "others can look into the folder");
        }
    }
    Ok(())
}

/// Writes a file that only its owner can read, whole or not at all.
pub(crate) fn write_secret(file: &Path, text: &str) -> io::Result<()> {
    let temporary = file.with_extension("part");
    let mut new = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)?;
    new.write_all(format!("{text}\n").as_bytes())?;
    new.sync_all()?;
    fs::rename(&temporary, file)?;
    match file.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_folder_has_one_server() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let first = State::open(path.clone()).unwrap();
        let refusal = State::open(path.clone()).unwrap_err().to_string();
        let number = std::process::id().to_string();
        assert!(
            refusal.contains("another server") && refusal.contains(&number),
            "{refusal}"
        );
        let name = first.node().unwrap();
        drop(first);
        let second = State::open(path.clone()).unwrap();
        assert_eq!(second.node().unwrap(), name);
        for inside in ["", "keys"] {
            let mode = fs::metadata(path.join(inside))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o700, "{inside}");
        }
    }

    #[test]
    fn a_secret_is_for_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        write_secret(&file, "x").unwrap();
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
