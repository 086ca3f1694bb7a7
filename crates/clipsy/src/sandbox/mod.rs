//! What the process that parses media may still do: compute, read its input and write its output.
//!
//! Landlock closes the file system, the network and the neighbours; namespaces leave it none of them;
//! seccomp refuses all system calls but those on a list, once more and on kernels without Landlock;
//! limits bound memory, processor time and files ([`harden`]). All hold for this process and everything it starts, and
//! cannot be taken back. [`self_test`] tries whether they do.

pub(crate) mod bounds;
mod calls;
pub(crate) mod harden;
mod landlock;
mod namespaces;
mod reach;
mod seccomp;
pub(crate) mod self_test;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub(crate) use namespaces::Namespaces;

/// Whether children are locked in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    /// As far as the kernel can; it is said if it cannot.
    Auto,
    /// Entirely, or no job runs.
    Require,
    /// Not at all.
    Off,
}

/// What stays open.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Openings {
    /// Files and folders that may be read besides those of the system.
    pub(crate) readable: Vec<PathBuf>,
    /// Folders that may be written.
    pub(crate) writable: Vec<PathBuf>,
    /// Device nodes of graphics cards; `None` for those of all.
    pub(crate) cards: Option<Vec<PathBuf>>,
}

impl Openings {
    /// The device nodes of the graphics cards that stay open.
    pub(crate) fn nodes(&self) -> Vec<PathBuf> {
        self.cards.clone().unwrap_or_else(landlock::gpu_nodes)
    }

    /// True if there is a card to use. Its driver needs more of the kernel.
    pub(crate) fn has_cards(&self) -> bool {
        !self.nodes().is_empty()
    }
}

/// What was closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Closed {
    /// True if other files cannot be reached.
    pub(crate) files: bool,
    /// True if there is no network and no tracing of other processes.
    pub(crate) calls: bool,
    /// What is missing and why; `None` if nothing is.
    pub(crate) missing: Option<String>,
    /// They add to the rest, which holds without them, too: containers and some distributions let
    /// nobody make any.
    pub(crate) namespaces: Namespaces,
}

impl Closed {
    /// One line for people.
    pub(crate) fn describe(&self) -> String {
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
pub(crate) fn close(mode: Mode, openings: &Openings) -> anyhow::Result<Closed> {
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
        Some(missing) if mode == Mode::Require => {
            anyhow::bail!("CLIPSY_SANDBOX=require, but the sandbox is incomplete: {missing}")
        }
        _ => Ok(closed),
    }
}
