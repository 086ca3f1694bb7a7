//! Temporary files, and what crashes leave of them.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

/// Name of the folder of temporary files below the root; no part of a key looks like this.
const FOLDER: &str = "~tmp";

/// What the name of a lock ends with. `{id}.lock` beside the folder `{id}` is locked for as long
/// as the process lives that uses the folder.
const LOCK: &str = ".lock";

/// A folder for the temporary files of this process.
#[derive(Debug)]
pub(super) struct Temp {
    folder: PathBuf,
    next: AtomicU64,
    /// Held, and given back by the system when the process ends, however it does.
    _lock: File,
}

impl Temp {
    /// Makes a folder for this process below `root`, and deletes those of processes that are gone.
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        let all = root.join(FOLDER);
        fs::create_dir_all(&all)?;
        sweep(&all)?;
        loop {
            let id = Uuid::new_v4().simple().to_string();
            let name = all.join(format!("{id}{LOCK}"));
            let lock = File::create_new(&name)?;
            // Another process may just be sweeping and take this for left over.
            if lock.try_lock().is_ok() && is_still(&name, &lock)? {
                let folder = all.join(id);
                fs::create_dir(&folder)?;
                return Ok(Self {
                    folder,
                    next: AtomicU64::new(0),
                    _lock: lock,
                });
            }
        }
    }

    /// The folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A path at which there is nothing.
    pub(super) fn path(&self) -> PathBuf {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.folder.join(number.to_string())
    }
}

/// Deletes the folders of processes that are gone.
fn sweep(all: &Path) -> io::Result<()> {
    for entry in fs::read_dir(all)? {
        let name = entry?.path();
        let Some(id) = name
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(|name| name.strip_suffix(LOCK))
        else {
            continue;
        };
        let lock = match File::open(&name) {
            Ok(lock) => lock,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        if lock.try_lock().is_err() {
            continue;
        }
        match fs::remove_dir_all(all.join(id)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // The lock goes last, so that a folder without one never comes about.
        match fs::remove_file(&name) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// True if `name` still is the name of `file`.
fn is_still(name: &Path, file: &File) -> io::Result<bool> {
    match fs::metadata(name) {
        Ok(meta) => Ok(meta.ino() == file.metadata()?.ino()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
