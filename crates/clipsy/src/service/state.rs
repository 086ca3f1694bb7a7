//! The state folder: one server at a time, and nobody else's business.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};

use crate::commands::exit::Refusal;

/// What the names of workers' places begin with.
const WORKER: &str = "worker-";
/// Workers that may share a folder.
const MOST_WORKERS: u32 = 1023;
/// The folder for what children write.
const SCRATCH: &str = "scratch";

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
        if let Some(message) = foreign(&folder) {
            return Err(Refusal::new("state", message).into());
        }
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
                return Err(Refusal::new(LOCKED, message).into());
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

    /// Takes hold of the first place for a worker below `folder` that nobody holds. Several workers
    /// of one machine can share a folder, and each finds the place of its predecessor.
    pub(crate) fn open_worker(folder: &Path) -> anyhow::Result<Self> {
        let mut number = 0;
        loop {
            let place = folder.join(format!("{WORKER}{number}"));
            match Self::open(place) {
                Err(error) if number < MOST_WORKERS && is_locked(&error) => number += 1,
                opened => return opened,
            }
        }
    }

    /// Deletes what children wrote for workers beside this one that are gone, and may never be
    /// started again.
    pub(crate) fn sweep_dead_siblings(&self) -> io::Result<()> {
        let Some(all) = self.folder.parent() else {
            return Ok(());
        };
        for entry in fs::read_dir(all)? {
            let folder = entry?.path();
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            let scratch = folder.join(SCRATCH);
            if folder == self.folder || !name.starts_with(WORKER) || !scratch.is_dir() {
                continue;
            }
            let Ok(lock) = OpenOptions::new().write(true).open(folder.join("lock")) else {
                continue;
            };
            // Held until all is deleted: a worker that starts meanwhile takes another place.
            if lock.try_lock().is_ok() && fs::read_dir(&scratch)?.next().is_some() {
                tracing::info!(folder = %scratch.display(), "a worker is gone; deleting its files");
                fs::remove_dir_all(&scratch)?;
            }
        }
        Ok(())
    }

    /// Where media lie.
    pub(crate) fn media(&self) -> PathBuf {
        self.folder.join("media")
    }

    /// Where children write.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.folder.join(SCRATCH)
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

/// The code of a refusal because somebody else has the folder.
const LOCKED: &str = "locked";

fn is_locked(error: &anyhow::Error) -> bool {
    let refusal = error.downcast_ref::<Refusal>();
    refusal.is_some_and(|refusal| refusal.code() == LOCKED)
}

/// The name of the folder, for people.
pub(crate) fn name(state: &State) -> String {
    state.folder.display().to_string()
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

/// What to do about files of a state folder that are another user's and cannot be written, as after
/// a backup was unpacked by root.
fn foreign(folder: &Path) -> Option<String> {
    let user = rustix::process::geteuid().as_raw();
    let names = ["", "lock", "keys", "clipsy.db", "media", "scratch"];
    let of_another = |path: &PathBuf| {
        let owner = fs::metadata(path).map(|metadata| metadata.uid());
        owner.is_ok_and(|owner| owner != user)
            && rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_err()
    };
    let path = names
        .iter()
        .map(|name| folder.join(name))
        .find(of_another)?;
    let (path, folder) = (path.display(), folder.display());
    let group = rustix::process::getegid().as_raw();
    Some(format!(
        "{path} belongs to another user and cannot be written; \
         `chown -R {user}:{group} {folder}` as root gives the folder to this one"
    ))
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

    #[test]
    fn workers_share_a_folder_and_clean_up_after_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let first = State::open_worker(folder.path()).unwrap();
        let second = State::open_worker(folder.path()).unwrap();
        let name = first.node().unwrap();
        assert_ne!(name, second.node().unwrap());
        for state in [&first, &second] {
            fs::create_dir_all(state.scratch().join("1-1")).unwrap();
        }
        second.sweep_dead_siblings().unwrap();
        let left = first.scratch().join("1-1");
        assert!(left.exists());
        drop(first);
        second.sweep_dead_siblings().unwrap();
        assert!(!left.exists());
        assert!(second.scratch().join("1-1").exists());
        let again = State::open_worker(folder.path()).unwrap();
        assert_eq!(again.node().unwrap(), name);
    }
}
