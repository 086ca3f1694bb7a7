//! What the process that parses media may still do: compute, read its input and write its output.
//!
//! Landlock closes the file system, the network and the neighbours; namespaces leave it none of them;
//! seccomp refuses all system calls but those on a list, once more and on kernels without Landlock;
//! limits bound memory, processor time and files ([`harden`]). All hold for this process and everything it starts, and
//! cannot be taken back. [`self_test`] tries whether they do.

pub mod bounds;
mod calls;
pub mod harden;
mod landlock;
mod namespaces;
mod reach;
mod seccomp;
pub mod self_test;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use namespaces::Namespaces;

/// Whether children are locked in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// As far as the kernel can; it is said if it cannot.
    Auto,
    /// Entirely, or no job runs.
    Require,
    /// Not at all.
    Off,
}

/// What stays open.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Openings {
    /// Files and folders that may be read besides those of the system.
    pub readable: Vec<PathBuf>,
    /// Folders that may be written.
    pub writable: Vec<PathBuf>,
    /// Device nodes of graphics cards; `None` for those of all.
    pub cards: Option<Vec<PathBuf>>,
}

impl Openings {
    /// The device nodes of the graphics cards that stay open.
    pub fn nodes(&self) -> Vec<PathBuf> {
        self.cards.clone().unwrap_or_else(landlock::gpu_nodes)
    }

    /// True if there is a card to use. Its driver needs more of the kernel.
    pub fn has_cards(&self) -> bool {
        !self.nodes().is_empty()
    }
}

/// Why a process was not locked in.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// All of it was asked for, and this is missing.
    #[error("CLIPSY_SANDBOX=require, but the sandbox is incomplete: {0}")]
    Incomplete(String),
    /// Nobody waits for the process any more.
    #[error("the process that started this one has gone")]
    Orphaned,
    /// The kernel refused.
    #[error(transparent)]
    Kernel(#[from] rustix::io::Errno),
}

/// What was closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// True if other files cannot be reached.
    pub files: bool,
    /// True if there is no network and no tracing of other processes.
    pub calls: bool,
    /// What is missing and why; `None` if nothing is.
    pub missing: Option<String>,
    /// They are an additional layer: containers and some distributions do not allow any.
    pub namespaces: Namespaces,
}

impl Closed {
    /// One line for people.
    pub fn describe(&self) -> String {
        let on = |works, name| if works { name } else { "" };
        let parts: Vec<&str> = [on(self.files, "Landlock"), on(self.calls, "seccomp")]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect();
        let closed = match (&self.missing, parts.is_empty()) {
            (None, _) => parts.join(" and "),
            (Some(missing), true) => format!("none: {missing}"),
            (Some(missing), false) => format!("{} only: {missing}", parts.join(" and ")),
        };
        format!("{closed}; {}", self.namespaces.describe())
    }
}

/// Locks this process in. It must have one thread still, since Landlock closes only the thread
/// that asks and those that it starts afterwards. Fails if `mode` is [`Mode::Require`] and
/// something could not be closed.
pub fn close(mode: Mode, openings: &Openings) -> Result<Closed, SandboxError> {
    if mode == Mode::Off {
        harden::drop_powers();
        return Ok(Closed {
            files: false,
            calls: false,
            missing: Some("switched off by CLIPSY_SANDBOX".into()),
            namespaces: Namespaces::Shared("switched off by CLIPSY_SANDBOX".into()),
        });
    }
    let threads = std::fs::read_dir("/proc/self/task").map_or(1, Iterator::count);
    let cards = openings.nodes();
    let namespaces = match (threads, cards.is_empty()) {
        (1, true) => namespaces::enter(),
        // Drivers listen to the kernel's news of devices, which come by the network's sockets.
        (1, false) => Namespaces::Shared("drivers of graphics cards need them".into()),
        (_, _) => Namespaces::Shared(format!("{threads} threads are running already")),
    };
    harden::drop_powers();
    let files = if threads == 1 {
        landlock::restrict(openings, &cards)
    } else {
        Err(format!("{threads} threads are running already"))
    };
    let calls = seccomp::restrict(!cards.is_empty());
    let missing: Vec<String> = [files.as_ref().err(), calls.as_ref().err()]
        .into_iter()
        .flatten()
        .cloned()
        .collect();
    let closed = Closed {
        files: files.is_ok(),
        calls: calls.is_ok(),
        missing: (!missing.is_empty()).then(|| missing.join("; ")),
        namespaces,
    };
    match &closed.missing {
        Some(missing) if mode == Mode::Require => Err(SandboxError::Incomplete(missing.clone())),
        _ => Ok(closed),
    }
}
