//! How many encoding sessions the workers of one machine have open on its cards, all together.
//!
//! Drivers allow so many on a card and then say that memory is short. A session is a file that is
//! locked: the system gives the lock back when a process ends, however it does.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// How many sessions a card has.
#[derive(Debug, Clone)]
pub struct Limit {
    folder: PathBuf,
    /// All that a card has.
    most: u16,
    /// How many a job takes.
    each: u16,
}

/// Sessions that are held until this is dropped.
#[derive(Debug, Default)]
pub struct Locks(#[expect(dead_code, reason = "they are locked while they are open")] Vec<File>);

impl Limit {
    /// The `most` sessions of each card that are counted in `folder`, of which a job takes `each`, or
    /// all if there are fewer. An error if no files can be locked there.
    pub fn open(folder: &Path, most: u16, each: u16) -> io::Result<Self> {
        let limit = Self {
            folder: folder.to_owned(),
            most: most.max(1),
            each: each.clamp(1, most.max(1)),
        };
        limit.take("")?;
        Ok(limit)
    }

    /// All that a card has.
    pub fn most(&self) -> u16 {
        self.most
    }

    /// All sessions that a job needs on `card`, or none: two jobs holding half each would deadlock.
    pub fn take(&self, card: &str) -> io::Result<Option<Locks>> {
        // One at a time, or two would each find half of what is left.
        let Some(_gate) = lock(&self.file(card, "gate"))? else {
            return Ok(None);
        };
        let mut held = Vec::new();
        for number in 0..self.most {
            held.extend(lock(&self.file(card, &number.to_string()))?);
            if held.len() == usize::from(self.each) {
                return Ok(Some(Locks(held)));
            }
        }
        Ok(None)
    }

    /// How many are held on `card`, by whomever.
    pub fn held(&self, card: &str) -> u16 {
        let is_held = |number: &u16| {
            let file = File::open(self.file(card, &number.to_string()));
            file.is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
        };
        let held = (0..self.most).filter(is_held).count();
        u16::try_from(held).unwrap_or(self.most)
    }

    fn file(&self, card: &str, part: &str) -> PathBuf {
        let joint = if card.is_empty() { "" } else { "-" };
        self.folder
            .join(format!("clipsy-gpu{joint}{card}-{part}.lock"))
    }
}

/// The file, locked; `None` if somebody else has it. Reading is enough to lock, so that workers of
/// several users can share.
fn lock(path: &Path) -> io::Result<Option<File>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let made = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o644)
                .open(path);
            match made {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => File::open(path)?,
                made => made?,
            }
        }
        opened => opened?,
    };
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_take_all_that_they_need_or_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let one = Limit::open(folder.path(), 5, 2).unwrap();
        // Another worker of this machine.
        let other = Limit::open(folder.path(), 5, 2).unwrap();
        let first = one.take("a").unwrap();
        let second = other.take("a").unwrap();
        assert!(first.is_some() && second.is_some());
        assert!(one.take("a").unwrap().is_none());
        assert_eq!(other.held("a"), 4);
        drop(first);
        assert!(other.take("a").unwrap().is_some());
        assert_eq!(one.held("b"), 0);
    }

    #[test]
    fn a_job_that_needs_more_than_there_is_takes_all() {
        let folder = tempfile::tempdir().unwrap();
        let limit = Limit::open(folder.path(), 3, 4).unwrap();
        let held = limit.take("").unwrap();
        assert!(held.is_some());
        assert!(limit.take("").unwrap().is_none());
    }
}
