//! How many jobs run side by side.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use clipsy_pipeline::catalog::Catalog;

use super::machine;

/// Cores that one job on software encoders keeps busy: a full ladder scales to about that many.
const CORES_A_JOB: usize = 8;
/// Memory that is set aside for each job: 1080p takes half of it, larger sources up to all of it.
const BYTES_A_JOB: u64 = 1 << 30;
/// Jobs on a GPU at least: one leaves it idle while it opens files and ends them.
const GPU_JOBS: usize = 2;
/// Trying the encoders takes a second or two; a driver that hangs must not hold the server up.
const PATIENCE: Duration = Duration::from_mins(1);

/// One job for every eight cores, with an encoder on a GPU at least two, but no more than there is
/// memory for. `encoder` is the one that
/// was asked for; `registry` is the file of plugins that jobs use.
pub async fn default_slots(catalog: &Catalog, encoder: &str, registry: &Path) -> usize {
    slots_with(uses_gpu(catalog, encoder, registry).await)
}

/// [`default_slots`] of a machine of which it is known whether jobs are encoded on a GPU.
pub fn slots_with(gpu: bool) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    slots_on(cores, machine::memory_bytes(), gpu)
}

fn slots_on(cores: usize, memory_bytes: u64, gpu: bool) -> usize {
    let by_cores = cores / CORES_A_JOB;
    let wanted = if gpu {
        by_cores.max(GPU_JOBS)
    } else {
        by_cores
    };
    let by_memory = usize::try_from(memory_bytes / BYTES_A_JOB).unwrap_or(usize::MAX);
    wanted.min(by_memory).max(1)
}

/// Whether jobs will be encoded on a GPU. Drivers are tried in a process of their own, and only
/// if there is a device at all.
async fn uses_gpu(catalog: &Catalog, encoder: &str, registry: &Path) -> bool {
    let is_hardware = |id: &str| catalog.encoders.iter().any(|e| e.id == id && e.hardware);
    let hardware = catalog.encoders.iter().filter(|e| e.hardware);
    let mut devices = hardware.flat_map(|encoder| encoder.needs.found_devices());
    if devices.next().is_none() {
        return false;
    }
    if encoder != "auto" {
        return is_hardware(encoder);
    }
    let mut doctor = tokio::process::Command::new(super::child::PROGRAM);
    doctor
        .args(["doctor", "--json"])
        .env("GST_REGISTRY", registry)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let Ok(Ok(output)) = tokio::time::timeout(PATIENCE, doctor.output()).await else {
        return false;
    };
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    report["selected"].as_str().is_some_and(is_hardware)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_and_memory_bound_jobs() {
        const GIB: u64 = 1 << 30;
        assert_eq!(slots_on(2, 24 * GIB, false), 1);
        assert_eq!(slots_on(64, 24 * GIB, false), 8);
        assert_eq!(slots_on(64, 4 * GIB, false), 4);
        assert_eq!(slots_on(2, 24 * GIB, true), 2);
        assert_eq!(slots_on(2, GIB + 1, true), 1);
        assert_eq!(
            slots_on(64, GIB / 2, false),
            1,
            "a small machine still does its jobs"
        );
    }
}
