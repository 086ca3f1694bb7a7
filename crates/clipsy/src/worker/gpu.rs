//! How many encoding sessions the workers of one machine have open on its GPUs, all together.
//!
//! Drivers allow so many and then say that memory is short. A session is a file that is locked: the
//! system gives the lock back when a process ends, however it does.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Wait between two looks at whether there are enough.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// The sessions of this machine.
#[derive(Debug, Clone)]
pub(crate) struct Sessions {
    folder: PathBuf,
    /// All that there are.
    limit: u16,
    /// How many a job takes.
    each: u16,
}

/// Sessions that are held until this is dropped.
#[derive(Debug)]
pub(crate) struct Held(
    #[expect(dead_code, reason = "they are locked while they are open")] Vec<File>,
);

impl Sessions {
    /// The `limit` sessions that are counted in `folder`, of which a job takes `each`, or all if
    /// there are fewer. An error if no files can be locked there.
    pub(crate) fn open(folder: &Path, limit: u16, each: u16) -> io::Result<Self> {
        let sessions = Self {
            folder: folder.to_owned(),
            limit: limit.max(1),
            each: each.clamp(1, limit.max(1)),
        };
        sessions.try_acquire()?;
        Ok(sessions)
    }

    /// Waits until there are enough for a job, and takes them.
    pub(crate) async fn acquire(&self) -> Held {
        let mut complained = false;
        loop {
            // The files are tiny and local: nothing here waits.
            match self.try_acquire() {
                Ok(Some(held)) => return held,
                Ok(None) => {}
                Err(error) => {
                    if !complained {
                        tracing::warn!(%error, "sessions on the GPU cannot be counted");
                        complained = true;
                    }
                }
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// All that a job needs, or none: two that each hold half would wait for ever.
    fn try_acquire(&self) -> io::Result<Option<Held>> {
        // One at a time, or two would each find half of what is left.
        let Some(_gate) = lock(&self.folder.join("clipsy-gpu.lock"))? else {
            return Ok(None);
        };
        let mut held = Vec::new();
        for number in 0..self.limit {
            let name = format!("clipsy-gpu-{number}.lock");
            held.extend(lock(&self.folder.join(name))?);
            if held.len() == usize::from(self.each) {
                return Ok(Some(Held(held)));
            }
        }
        Ok(None)
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

    #[tokio::test]
    async fn jobs_take_all_that_they_need_or_wait() {
        let folder = tempfile::tempdir().unwrap();
        let one = Sessions::open(folder.path(), 5, 2).unwrap();
        // Another worker of this machine.
        let other = Sessions::open(folder.path(), 5, 2).unwrap();
        let first = one.acquire().await;
        let second = other.acquire().await;
        assert!(one.try_acquire().unwrap().is_none());
        drop(first);
        let third = other.acquire().await;
        assert!(one.try_acquire().unwrap().is_none());
        drop((second, third));
        assert!(one.try_acquire().unwrap().is_some());
    }

    #[test]
    fn a_job_that_needs_more_than_there_is_takes_all() {
        let folder = tempfile::tempdir().unwrap();
        let sessions = Sessions::open(folder.path(), 3, 4).unwrap();
        let held = sessions.try_acquire().unwrap();
        assert!(held.is_some());
        assert!(sessions.try_acquire().unwrap().is_none());
    }
}
