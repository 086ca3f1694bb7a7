//! Who does jobs, and with what.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// A process that does jobs, as it last said of itself.
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
    /// What encoders it found; empty until it has tried them.
    pub encoders: Vec<EncoderFound>,
    /// Graphics cards of its machine that its jobs may use; empty if there are none or they were
    /// not looked for yet.
    pub cards: Vec<CardFound>,
    /// True while it is going down and takes no more jobs.
    pub draining: bool,
}

/// An encoder of the catalog, and whether it works on a machine.
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
    /// What was seen: the element in use, or why it does not work.
    pub reason: String,
    /// What to do about it, if it does not work.
    pub advice: Option<String>,
    /// True for the one that `auto` uses.
    pub preferred: bool,
}

/// A graphics card of a worker's machine, as it was when last looked at.
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
    /// Encoding sessions that jobs of its machine hold on it.
    pub sessions: u32,
    /// Sessions that may be open at once, if that is limited.
    pub session_limit: Option<u32>,
    /// Load of its encoder in percent, where the driver tells.
    pub encoder_load: Option<u8>,
    /// Load of its decoder in percent, where the driver tells.
    pub decoder_load: Option<u8>,
    /// Load of it as a whole in percent, where the driver tells.
    pub load: Option<u8>,
    /// Memory in use, in bytes, where the driver tells.
    pub memory_used: Option<u64>,
    /// Memory that it has, in bytes, where the driver tells.
    pub memory: Option<u64>,
}
