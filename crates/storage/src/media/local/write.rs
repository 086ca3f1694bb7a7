//! Putting objects into their place and taking them away.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::SystemTime;

use rustix::fs::OFlags;

use super::place::{is_absent, sync_name};
use super::{Folder, io_error};
use crate::media::{Error, Result};

/// How often something is tried that a deletion at the same time may spoil.
const TRIES: usize = 100;

impl Folder {
    pub(super) fn put(&self, key: &str, bytes: &[u8]) -> Result<()> {
        self.with_temp(key, |temp| {
            let mut file = File::create_new(temp)?;
            file.write_all(bytes)?;
            finish(&file)
        })
    }

    /// The object becomes another name of the same bytes where that is possible.
    pub(super) fn put_file(&self, key: &str, from: &Path) -> Result<()> {
        self.with_temp(key, |temp| {
            // The folder of `from` may be written to by a process that is not trusted: a symbolic
            // link there would publish any file of this machine.
            let file = OpenOptions::new()
                .read(true)
                .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
                .open(from)?;
            if !file.metadata()?.is_file() {
                return Err(io::Error::new(ErrorKind::InvalidInput, "not a plain file"));
            }
            file.sync_all()?;
            if fs::hard_link(from, temp).is_ok() {
                return Ok(());
            }
            copy(&file, temp)
        })
    }

    pub(super) fn delete(&self, key: &str) -> Result<()> {
        let (path, found) = self.look(key)?;
        if !found.is_some_and(|kind| kind.is_file()) {
            return Ok(());
        }
        remove(&path).map_err(|error| io_error(key, error))
    }

    /// Everything below the key vanishes at once where that is possible.
    pub(super) fn delete_below(&self, key: &str) -> Result<()> {
        let (path, found) = self.look(key)?;
        if !found.is_some_and(|kind| kind.is_dir()) {
            return Ok(());
        }
        let gone = self.temp.path();
        let done = match fs::rename(&path, &gone) {
            Ok(()) => sync_name(&path).and_then(|()| remove_folder(&gone)),
            Err(error) if error.kind() == ErrorKind::CrossesDevices => {
                remove_folder(&path).and_then(|()| sync_name(&path))
            }
            Err(error) if is_absent(&error) => Ok(()),
            Err(error) => Err(error),
        };
        done.map_err(|error| io_error(key, error))
    }

    pub(super) fn move_upload(&self, from: &str, to: &str) -> Result<()> {
        let (source, found) = self.look(from)?;
        let there = |kind: fs::FileType| kind.is_file();
        // An original never changes, so what is there was moved before. Whatever lies at the
        // upload's place since is left over.
        if self.look(to)?.1.is_some_and(there) {
            return remove(&source).map_err(|error| io_error(from, error));
        }
        if !found.is_some_and(there) {
            return Err(Error::Missing {
                key: from.to_owned(),
            });
        }
        let file = File::open(&source).map_err(|error| io_error(from, error))?;
        file.sync_all().map_err(|error| io_error(from, error))?;
        match self.rename_to(&source, to) {
            Err(Error::Io { source: error, .. }) if error.kind() == ErrorKind::CrossesDevices => {
                self.with_temp(to, |temp| copy(&file, temp))?;
                remove(&source).map_err(|error| io_error(from, error))
            }
            Err(error) => Err(error),
            Ok(()) => sync_name(&source).map_err(|error| io_error(from, error)),
        }
    }

    /// The bytes of the uploads become one file, in their order.
    pub(super) fn concat(&self, parts: &[String], to: &str) -> Result<()> {
        let mut sources = Vec::with_capacity(parts.len());
        for part in parts {
            let (path, found) = self.look(part)?;
            if !found.is_some_and(|kind| kind.is_file()) {
                return Err(Error::Missing { key: part.clone() });
            }
            sources.push(path);
        }
        self.with_temp(to, |temp| {
            let mut whole = File::create_new(temp)?;
            for source in &sources {
                // One open file at a time, however many parts there are. The kernel copies, or
                // shares the bytes where the file system can.
                io::copy(&mut File::open(source)?, &mut whole)?;
            }
            finish(&whole)
        })
    }

    /// Lets `write` make a durable file at a temporary place and renames it to the key.
    fn with_temp(&self, key: &str, write: impl FnOnce(&Path) -> io::Result<()>) -> Result<()> {
        let temp = self.temp.path();
        let done = write(&temp)
            .map_err(|error| io_error(key, error))
            .and_then(|()| self.rename_to(&temp, key));
        // It is still there after a failure, and when both were names of the same bytes before.
        match fs::remove_file(&temp) {
            Err(error) if error.kind() != ErrorKind::NotFound && done.is_ok() => {
                Err(io_error(key, error))
            }
            _ => done,
        }
    }

    /// Renames a file of this file system to the key, durably. Folders above the key may be deleted
    /// at any moment; if that comes after the renaming, then the object was there and was deleted.
    fn rename_to(&self, from: &Path, key: &str) -> Result<()> {
        let mut tries_left = TRIES;
        loop {
            let done = self.make_place(key).and_then(|path| {
                fs::rename(from, &path).map_err(|error| io_error(key, error))?;
                Ok(path)
            });
            tries_left -= 1;
            match done {
                Err(Error::Io { source, .. })
                    if source.kind() == ErrorKind::NotFound
                        && tries_left > 0
                        && fs::symlink_metadata(from).is_ok() => {}
                Err(error) => return Err(error),
                Ok(path) => {
                    return match sync_name(&path) {
                        Err(error) if !is_absent(&error) => Err(io_error(key, error)),
                        _ => Ok(()),
                    };
                }
            }
        }
    }
}

fn copy(mut from: &File, to: &Path) -> io::Result<()> {
    let mut file = File::create_new(to)?;
    io::copy(&mut from, &mut file)?;
    finish(&file)
}

/// Makes a new file durable. Its time becomes exact: file systems may keep the one of the last
/// tick, and then two versions of an object could look alike.
fn finish(file: &File) -> io::Result<()> {
    file.set_modified(SystemTime::now())?;
    file.sync_all()
}

/// Deletes a file, durably. Fine if there is none.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Ok(()) => sync_name(path),
        Err(error) if is_absent(&error) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Deletes a folder and all below it. Fine if there is none.
fn remove_folder(path: &Path) -> io::Result<()> {
    let mut tries_left = TRIES;
    loop {
        tries_left -= 1;
        match fs::remove_dir_all(path) {
            // Somebody is still writing there.
            Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty && tries_left > 0 => {}
            Err(error) if is_absent(&error) => return Ok(()),
            done => return done,
        }
    }
}
