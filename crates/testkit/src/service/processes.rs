//! Processes as the kernel tells of them.

use std::fs;
use std::path::PathBuf;

use rustix::process::{Pid, Signal, kill_process};

/// A child that handles media.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worker {
    /// Its process.
    pub pid: i32,
    /// `{job}-{attempt}`, the name of its scratch folder.
    pub attempt: String,
}

/// The children of process `parent` that handle media.
pub fn children(parent: u32) -> Vec<Worker> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| parent_of(*pid) == Some(parent))
        .filter_map(|pid: i32| {
            let command = fs::read(proc(pid).join("cmdline")).ok()?;
            if !command.starts_with(b"clipsy\0child\0") {
                return None;
            }
            let folder = fs::read_link(proc(pid).join("cwd")).ok()?;
            let attempt = folder.file_name()?.to_str()?.to_owned();
            Some(Worker { pid, attempt })
        })
        .collect()
}

/// True while there is such a process that has not ended.
pub fn is_alive(pid: i32) -> bool {
    state(pid).is_some_and(|(state, _)| state != 'Z')
}

/// A file of what the kernel tells of a process.
pub fn proc(pid: i32) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}"))
}

/// Sends a signal to a process, which may have ended by itself.
pub fn kill(pid: i32, signal: Signal) {
    // It may have ended by itself meanwhile.
    let _ = kill_process(Pid::from_raw(pid).unwrap(), signal);
}

fn parent_of(pid: i32) -> Option<u32> {
    state(pid).map(|(_, parent)| parent)
}

fn state(pid: i32) -> Option<(char, u32)> {
    let text = fs::read_to_string(proc(pid).join("stat")).ok()?;
    // The name of the program may hold anything, a bracket too.
    let (_, rest) = text.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((state, fields.next()?.parse().ok()?))
}
