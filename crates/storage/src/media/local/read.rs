//! Reading objects and what is known of them.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use bytes::Bytes;
use clipsy_domain::clock::from_millis;
use futures_util::stream;

use super::place::is_absent;
use super::{Folder, io_error};
use crate::media::key::is_plain;
use crate::media::{Body, CHUNK, Meta, Object, Result};

impl Folder {
    /// Opens an object and reads its first chunk, which for many is all of it.
    pub(super) fn get(&self, key: &str, range: Option<Range<u64>>) -> Result<Option<Object>> {
        let failed = |error| io_error(key, error);
        let (path, found) = self.look(key)?;
        if !found.is_some_and(|kind| kind.is_file()) {
            return Ok(None);
        }
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let meta = meta(&file.metadata().map_err(failed)?);
        let range = range.unwrap_or(0..meta.bytes);
        let start = range.start.min(meta.bytes);
        let left = range.end.min(meta.bytes).saturating_sub(start);
        let mut reader = Reader { file, left };
        if start > 0 && left > 0 {
            reader.file.seek(SeekFrom::Start(start)).map_err(failed)?;
        }
        let first = reader.next().map_err(failed)?;
        let body = body(first, reader);
        Ok(Some(Object { meta, body }))
    }

    pub(super) fn head(&self, key: &str) -> Result<Option<Meta>> {
        let (path, found) = self.look(key)?;
        if !found.is_some_and(|kind| kind.is_file()) {
            return Ok(None);
        }
        match fs::metadata(&path) {
            Ok(found) => Ok(Some(meta(&found))),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(io_error(key, error)),
        }
    }

    pub(super) fn list(&self, key: &str) -> Result<Vec<String>> {
        let (path, found) = self.look(key)?;
        let mut keys = Vec::new();
        if found.is_some_and(|kind| kind.is_dir()) {
            collect(&path, key, &mut keys).map_err(|error| io_error(key, error))?;
        }
        keys.sort_unstable();
        Ok(keys)
    }

    pub(super) fn folders(&self, key: &str) -> Result<Vec<String>> {
        let (path, found) = self.look(key)?;
        if !found.is_some_and(|kind| kind.is_dir()) {
            return Ok(Vec::new());
        }
        let read = || -> io::Result<Vec<String>> {
            let mut names = Vec::new();
            for entry in fs::read_dir(&path)? {
                let entry = entry?;
                let name = entry.file_name().to_str().map(str::to_owned);
                if entry.file_type()?.is_dir()
                    && let Some(name) = name.filter(|name| is_plain(name))
                {
                    names.push(name);
                }
            }
            names.sort_unstable();
            Ok(names)
        };
        match read() {
            Err(error) if is_absent(&error) => Ok(Vec::new()),
            read => read.map_err(|error| io_error(key, error)),
        }
    }

    pub(super) fn free_bytes(&self) -> Option<u64> {
        let disk = rustix::fs::statvfs(&self.root).ok()?;
        disk.f_bavail.checked_mul(disk.f_frsize)
    }

    /// The folder of temporary files is there for as long as the store is in order.
    pub(super) fn ping(&self) -> Result<()> {
        let folder = self.temp.folder();
        match fs::metadata(folder) {
            Ok(_) => Ok(()),
            Err(error) => Err(io_error(&folder.display().to_string(), error)),
        }
    }
}

fn meta(found: &Metadata) -> Meta {
    // Both parts are within the range of what a file system holds.
    let modified_ms = found.mtime().saturating_mul(1000) + found.mtime_nsec() / 1_000_000;
    Meta {
        bytes: found.len(),
        modified: from_millis(modified_ms),
        etag: format!(
            "{:x}-{:x}-{:x}{:08x}",
            found.ino(),
            found.len(),
            found.mtime(),
            found.mtime_nsec()
        ),
    }
}

/// An open object and how many bytes of it are still wanted.
struct Reader {
    file: File,
    left: u64,
}

impl Reader {
    /// The next chunk; empty at the end.
    fn next(&mut self) -> io::Result<Bytes> {
        let size = self.left.min(CHUNK as u64);
        let mut chunk = Vec::with_capacity(size as usize);
        self.file.by_ref().take(size).read_to_end(&mut chunk)?;
        if (chunk.len() as u64) < size {
            return Err(io::Error::new(
                ErrorKind::UnexpectedEof,
                "the object became shorter while it was read",
            ));
        }
        self.left -= size;
        Ok(chunk.into())
    }
}

fn body(first: Bytes, reader: Reader) -> Body {
    Box::pin(stream::try_unfold(
        (Some(first), reader),
        |(ready, mut reader)| async move {
            let (chunk, reader) = match ready {
                Some(chunk) => (chunk, reader),
                None if reader.left == 0 => return Ok(None),
                None => {
                    tokio::task::spawn_blocking(move || {
                        let chunk = reader.next()?;
                        io::Result::Ok((chunk, reader))
                    })
                    .await??
                }
            };
            Ok((!chunk.is_empty()).then_some((chunk, (None, reader))))
        },
    ))
}

/// Adds the keys of the files below a folder. What is no key was not put there by the store.
fn collect(folder: &Path, key: &str, keys: &mut Vec<String>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if is_absent(&error) => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else {
            continue;
        };
        if !is_plain(&name) {
            continue;
        }
        let key = format!("{key}/{name}");
        let kind = entry.file_type()?;
        if kind.is_dir() {
            collect(&entry.path(), &key, keys)?;
        } else if kind.is_file() {
            keys.push(key);
        }
    }
    Ok(())
}
