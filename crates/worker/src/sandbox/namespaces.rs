//! Separate namespaces: whatever else is left open, there is no network, no shared memory of other
//! processes, and no capabilities.

use std::fs;

use rustix::process::{Signal, getegid, geteuid, getppid, set_parent_process_death_signal};
use rustix::thread::{UnshareFlags, unshare_unsafe};
use serde::{Deserialize, Serialize};

/// In which namespaces a process is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Namespaces {
    /// Network, shared memory and names of its own, and users of its own unless it is root's.
    Own,
    /// Some or all are those of the server, for this reason.
    Shared(String),
}

impl Namespaces {
    /// For people.
    pub fn describe(&self) -> String {
        match self {
            Self::Own => "namespaces of its own".into(),
            Self::Shared(reason) => format!("no namespaces of its own: {reason}"),
        }
    }
}

/// Moves this process, which must have one thread, into namespaces of its own, as far as the kernel
/// lets it.
///
/// Not into a space of numbers of its own: only what a process starts can be there, so that the
/// server would have to stop, kill and count a child through another process.
pub(super) fn enter() -> Namespaces {
    let parent = getppid();
    let entered = enter_all();
    // New powers take this back.
    let is_child = set_parent_process_death_signal(Some(Signal::KILL)).is_ok();
    if !is_child || getppid() != parent {
        return Namespaces::Shared("the process that started this one has gone".into());
    }
    match entered {
        Ok(()) => Namespaces::Own,
        Err(reason) => Namespaces::Shared(reason),
    }
}

fn enter_all() -> Result<(), String> {
    let user = geteuid();
    // Of files that belong to other users, root would see those only that all may read.
    if !user.is_root() {
        let group = getegid();
        unshare(UnshareFlags::NEWUSER)?;
        // The kernel wants it in this order.
        for (file, text) in [
            ("setgroups", "deny".to_owned()),
            ("uid_map", format!("{0} {0} 1", user.as_raw())),
            ("gid_map", format!("{0} {0} 1", group.as_raw())),
        ] {
            fs::write(format!("/proc/self/{file}"), text)
                .map_err(|error| format!("{file} of a user namespace: {error}"))?;
        }
    }
    unshare(UnshareFlags::NEWNET | UnshareFlags::NEWIPC | UnshareFlags::NEWUTS)
}

#[expect(
    unsafe_code,
    reason = "one of the things that can be unshared makes file descriptors invalid; none of these does"
)]
fn unshare(spaces: UnshareFlags) -> Result<(), String> {
    // SAFETY: open files are not among `spaces`.
    let done = unsafe { unshare_unsafe(spaces) };
    done.map_err(|error| format!("the kernel makes no namespaces for this user ({error})"))
}
