//! Looks after what a child takes of the machine, where the kernel has no limit for one process:
//! memory in use, threads, files. A child that takes too much is ended.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::sandbox::bounds::Bounds;
use crate::sandbox::harden::FIRST_TO_GO;

/// Wait between two looks. A look takes some microseconds.
const LOOK: Duration = Duration::from_millis(100);
/// Files are counted at every so many looks.
const COUNT_FILES: u32 = 10;
/// Files of a child besides its segments: playlists, pictures, what libraries keep.
const FILES: u64 = 2_000;
/// Files that are counted at most.
const MOST_FILES: u64 = 1_000_000;

/// What a watch has to say.
#[derive(Debug, Clone, Default)]
pub(super) struct Notes {
    excess: Arc<Mutex<Option<String>>>,
    segments: Arc<AtomicU64>,
}

impl Notes {
    /// What the child took too much of, in words, if it was ended for that.
    pub(super) fn excess(&self) -> Option<String> {
        let excess = self.excess.lock();
        excess.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The child has made one more segment.
    pub(super) fn has_segment(&self) {
        self.segments.fetch_add(1, Ordering::Relaxed);
    }
}

/// Watches the child `pid`, which writes to `folder`, until it is over.
pub(super) fn start(pid: Pid, folder: PathBuf, bounds: Bounds, notes: Notes) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut watch = Watch {
            status: PathBuf::from(format!("/proc/{}/status", pid.as_raw_nonzero())),
            score: PathBuf::from(format!("/proc/{}/oom_score_adj", pid.as_raw_nonzero())),
            folder,
            bounds,
            looks: 0,
            is_first_to_go: false,
        };
        let mut timer = interval(LOOK);
        timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            timer.tick().await;
            let segments = notes.segments.load(Ordering::Relaxed);
            let looked = tokio::task::spawn_blocking(move || {
                let seen = watch.look(segments);
                (watch, seen)
            });
            let Ok((same, seen)) = looked.await else {
                return;
            };
            watch = same;
            match seen {
                Seen::Fine => {}
                Seen::Gone => return,
                Seen::Excess(excess) => {
                    tracing::warn!(excess, "a child took too much and is ended");
                    *notes.excess.lock().unwrap_or_else(PoisonError::into_inner) = Some(excess);
                    if let Err(error) = rustix::process::kill_process_group(pid, Signal::KILL) {
                        tracing::debug!(%error, "a child could not be killed");
                    }
                    return;
                }
            }
        }
    })
}

#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Fine,
    Gone,
    Excess(String),
}

#[derive(Debug)]
struct Watch {
    status: PathBuf,
    score: PathBuf,
    folder: PathBuf,
    bounds: Bounds,
    looks: u32,
    /// The child has put itself first in the order in which the kernel ends processes.
    is_first_to_go: bool,
}

impl Watch {
    fn look(&mut self, segments: u64) -> Seen {
        let Ok(status) = fs::read_to_string(&self.status) else {
            return Seen::Gone;
        };
        let Some(usage) = Usage::parse(&status) else {
            // A process that has ended has no memory any more.
            return Seen::Gone;
        };
        if usage.memory_bytes > self.bounds.memory_bytes {
            return excess("MB of memory", self.bounds.memory_bytes >> 20);
        }
        if usage.threads > self.bounds.threads {
            return excess("threads", self.bounds.threads);
        }
        let score = fs::read_to_string(&self.score).ok();
        match score.and_then(|score| score.trim().parse::<i32>().ok()) {
            Some(score) if score >= FIRST_TO_GO => self.is_first_to_go = true,
            Some(_) if self.is_first_to_go => {
                return Seen::Excess("it made the kernel spare it when memory is short".into());
            }
            _ => {}
        }
        self.looks += 1;
        if self.looks.is_multiple_of(COUNT_FILES) {
            let most = segments.saturating_add(FILES);
            if count(&self.folder, most) > most {
                return excess("files", most);
            }
        }
        Seen::Fine
    }
}

fn excess(what: &str, limit: u64) -> Seen {
    Seen::Excess(format!(
        "it needs more than {limit} {what}, which is the limit"
    ))
}

/// What a process uses, from its `status` in `/proc`.
#[derive(Debug, PartialEq, Eq)]
struct Usage {
    memory_bytes: u64,
    threads: u64,
}

impl Usage {
    fn parse(status: &str) -> Option<Self> {
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        };
        // What is mapped of files is the kernel's to drop.
        let kib = number("RssAnon:")?
            + number("RssShmem:").unwrap_or_default()
            + number("VmSwap:").unwrap_or_default();
        Some(Self {
            memory_bytes: kib * 1024,
            threads: number("Threads:")?,
        })
    }
}

/// Files and folders below `folder`, counted up to one more than `most`.
fn count(folder: &std::path::Path, most: u64) -> u64 {
    let most = most.min(MOST_FILES);
    let mut count = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            count += 1;
            if count > most {
                return count;
            }
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(entry.path());
            }
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_is_what_the_kernel_says() {
        let text = "Name:\tx\nRssAnon:\t  1024 kB\nRssFile:\t 9999 kB\nRssShmem:\t 512 kB\nVmSwap:\t 512 kB\nThreads:\t7\n";
        let usage = Usage {
            memory_bytes: 2 << 20,
            threads: 7,
        };
        assert_eq!(Usage::parse(text), Some(usage));
        assert_eq!(Usage::parse("Name:\tended\nThreads:\t1\n"), None);
    }

    #[test]
    fn each_bound_is_looked_after() {
        let folder = tempfile::tempdir().unwrap();
        let own = rustix::process::getpid().as_raw_nonzero();
        let watch = |memory_bytes, threads| Watch {
            status: format!("/proc/{own}/status").into(),
            score: folder.path().join("score"),
            folder: folder.path().to_owned(),
            bounds: Bounds {
                memory_bytes,
                cpu_s: 1,
                threads,
            },
            looks: COUNT_FILES - 1,
            is_first_to_go: false,
        };
        let words = |seen| match seen {
            Seen::Excess(words) => words,
            other => panic!("{other:?}"),
        };
        let much = u64::MAX;
        assert_eq!(watch(much, much).look(0), Seen::Fine);
        assert!(words(watch(4096, much).look(0)).contains("memory"));
        assert!(words(watch(much, 0).look(0)).contains("threads"));

        let mut sly = watch(much, much);
        fs::write(&sly.score, "500\n").unwrap();
        assert_eq!(sly.look(0), Seen::Fine);
        fs::write(&sly.score, "0\n").unwrap();
        assert!(words(sly.look(0)).contains("spare"));
        fs::remove_file(&sly.score).unwrap();

        fs::create_dir(folder.path().join("deep")).unwrap();
        for number in 0..FILES {
            fs::write(folder.path().join(format!("deep/{number}")), "").unwrap();
        }
        assert!(words(watch(much, much).look(0)).contains("files"));
        assert_eq!(watch(much, much).look(1), Seen::Fine);

        let mut gone = watch(much, much);
        gone.status = folder.path().join("status");
        assert_eq!(gone.look(0), Seen::Gone);
    }
}
