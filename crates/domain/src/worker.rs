//! Who does jobs, and with what.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// A worker process, as of its last report.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkerSign {
    /// Its name in claims.
    pub id: String,
    /// Name of its machine.
    pub host: String,
    /// Version of this program that it runs.
    pub version: String,
    /// When it started.
    pub started_at: Timestamp,
    /// When it last said something.
    pub seen_at: Timestamp,
    /// Jobs that it does side by side.
    pub slots: i64,
    /// Jobs that it is doing.
    pub busy: i64,
    /// Its encoders; empty until they have been tested.
    pub encoders: Vec<EncoderFound>,
    /// Graphics cards of its machine that its jobs may use; empty if there are none or they have
    /// not been detected yet.
    pub cards: Vec<CardFound>,
    /// True while it is shutting down and takes no more jobs.
    pub draining: bool,
}

/// An encoder from the catalog, and whether it works on a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncoderFound {
    /// Identifier from `pipelines/encoders.toml`.
    pub id: String,
    /// Name for people.
    pub label: String,
    /// `software`, `nvenc` or `va`.
    pub kind: String,
    /// `GStreamer` element; of several variants the first.
    pub element: String,
    /// True if it has encoded real pictures there.
    pub works: bool,
    /// The element in use, or why it does not work.
    pub reason: String,
    /// What to do about it, if it does not work.
    pub advice: Option<String>,
    /// True for the one that `auto` uses.
    pub preferred: bool,
}

/// A graphics card of a worker's machine, as of its last report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardFound {
    /// Stable identifier on its machine: the UUID of an NVIDIA card, the name of a render node.
    pub id: String,
    /// Name for people, e.g. `"NVIDIA L4"`.
    pub label: String,
    /// `nvidia` or `va`.
    pub kind: String,
    /// Jobs of this worker that are on it.
    pub jobs: u32,
    /// Encoding sessions held by jobs of its machine.
    pub sessions: u32,
    /// Maximum number of concurrent sessions, if limited.
    pub session_limit: Option<u32>,
    /// Load of its encoder in percent, if the driver reports it.
    pub encoder_load: Option<u8>,
    /// Load of its decoder in percent, if the driver reports it.
    pub decoder_load: Option<u8>,
    /// Overall load in percent, if the driver reports it.
    pub load: Option<u8>,
    /// Used memory in bytes, if the driver reports it.
    pub memory_used: Option<u64>,
    /// Total memory in bytes, if the driver reports it.
    pub memory: Option<u64>,
}
