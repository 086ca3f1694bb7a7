//! Where a key lies, and that it does lie below the root.

use std::fs::{self, File, FileType};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::{Folder, io_error};
use crate::media::Result;
use crate::media::key::refused;

impl Folder {
    /// The path of a key, whether there is something or not. Refused if a symbolic link on the way
    /// leads out of the store.
    pub(super) fn place(&self, key: &str) -> Result<PathBuf> {
        let (path, _) = self.look(key)?;
        Ok(path)
    }

    /// The path of a key and what is there, if there is something.
    pub(super) fn look(&self, key: &str) -> Result<(PathBuf, Option<FileType>)> {
        let mut path = self.root.clone();
        let mut found = None;
        for part in key.split('/') {
            path.push(part);
            found = match fs::symlink_metadata(&path) {
                Ok(meta) if meta.is_symlink() => Some(self.follow(key, &path)?),
                Ok(meta) => Some(meta.file_type()),
                Err(error) if is_absent(&error) => {
                    return Ok((self.root.join(key), None));
                }
                Err(error) => return Err(io_error(key, error)),
            };
        }
        Ok((path, found))
    }

    /// Makes the folders above a key, durably, and gives back the path of the key.
    pub(super) fn make_place(&self, key: &str) -> Result<PathBuf> {
        let path = self.place(key)?;
        let mut folder = self.root.clone();
        let mut parts = key.split('/').peekable();
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                break;
            }
            let above = folder.clone();
            folder.push(part);
            match fs::create_dir(&folder) {
                Ok(()) => sync_folder(&above).map_err(|error| io_error(key, error))?,
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(io_error(key, error)),
            }
        }
        Ok(path)
    }

    /// What a symbolic link leads to, which must be below the root.
    fn follow(&self, key: &str, link: &Path) -> Result<FileType> {
        let target = link.canonicalize().map_err(|error| io_error(key, error))?;
        if !target.starts_with(&self.root) {
            return Err(refused(key));
        }
        let meta = fs::metadata(target).map_err(|error| io_error(key, error))?;
        Ok(meta.file_type())
    }
}

/// True if there is no such file, also because something above it is no folder.
pub(super) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Makes the name of a file durable.
pub(super) fn sync_name(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), sync_folder)
}
