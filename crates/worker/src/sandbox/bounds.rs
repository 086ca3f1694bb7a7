//! How much of the machine one child may take.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Threads of a child whatever the machine.
const THREADS: u64 = 512;
/// Threads besides for each core: decoders and encoders start some for each.
const THREADS_A_CORE: u64 = 64;

/// Limits on one child. Some are enforced by the kernel, the others by the server, which kills it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// Memory of its own in bytes.
    pub memory_bytes: u64,
    /// Processor time in seconds.
    pub cpu_s: u64,
    /// Threads at the same time.
    pub threads: u64,
}

impl Bounds {
    /// For a child that may take `memory_bytes` and run for `time`.
    pub fn new(memory_bytes: u64, time: Duration) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as u64;
        Self {
            memory_bytes,
            // The waiting parent ends it before; this is for when no one waits.
            cpu_s: time.as_secs().saturating_add(1).saturating_mul(cores),
            threads: THREADS + THREADS_A_CORE * cores,
        }
    }
}
