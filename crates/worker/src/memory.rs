//! What was proven on this machine, so that jobs need not wait for the same proof again.
//!
//! Kept as long as nothing changes that a proof depends on: this program, the catalog, the plugins of
//! `GStreamer`, drivers, devices, and the machine, which is another one after a restart. An encoder
//! that fails nevertheless makes it forget everything.

use std::collections::HashMap;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use clipsy_pipeline::catalog::Catalog;
use clipsy_pipeline::encoder::diagnose;
use clipsy_pipeline::encoder::prove::{Claim, Proof};
use serde::{Deserialize, Serialize};

use super::cards::find::View;

/// Proofs kept at most: one for each card, size and frame rate of videos. Beyond, it begins again.
const MOST: usize = 256;

/// The proofs of one state folder.
#[derive(Debug)]
pub(super) struct Memory {
    file: PathBuf,
    /// The file of plugins that jobs use.
    registry: PathBuf,
    /// The encoder catalog as TOML; `None` for the built-in one.
    encoders: Option<String>,
    /// The same, read; `None` if it cannot be, which jobs will tell.
    catalog: Option<Catalog>,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    /// What the proofs depend on.
    machine: u64,
    /// By claim and card.
    proofs: HashMap<String, Proof>,
}

impl Memory {
    /// Reads what is kept beside `registry`.
    pub(super) fn open(registry: &Path, encoders: Option<&str>) -> Self {
        let file = registry.with_file_name("proofs.json");
        let kept = fs::read(&file).ok();
        let kept = kept.and_then(|text| serde_json::from_slice(&text).ok());
        Self {
            file,
            registry: registry.to_owned(),
            encoders: encoders.map(str::to_owned),
            catalog: encoders.map_or_else(Catalog::built_in, Catalog::parse).ok(),
            kept: Mutex::new(kept.unwrap_or_default()),
        }
    }

    /// The proof of `claim` with `card`, if it is known.
    pub(super) fn recall(&self, claim: &Claim, card: Option<&View>) -> Option<Proof> {
        let machine = self.machine();
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        (kept.machine == machine)
            .then(|| kept.proofs.get(&key(claim, card)?).cloned())
            .flatten()
    }

    /// Keeps a proof. That it cannot be written down only costs time later.
    pub(super) fn keep(&self, claim: &Claim, card: Option<&View>, proof: &Proof) {
        // Sessions are counted for people who want to know how many there are now.
        let Some(key) = key(claim, card).filter(|_| !matches!(claim, Claim::Sessions { .. }))
        else {
            return;
        };
        let machine = self.machine();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.machine != machine || kept.proofs.len() >= MOST {
            *kept = Kept {
                machine,
                proofs: HashMap::new(),
            };
        }
        kept.proofs.insert(key, proof.clone());
        self.write(&kept);
    }

    /// Forgets everything.
    pub(super) fn forget(&self) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Kept::default();
        self.write(&kept);
    }

    fn write(&self, kept: &Kept) {
        let temporary = self.file.with_extension("part");
        let written = serde_json::to_vec(kept)
            .map_err(std::io::Error::from)
            .and_then(|text| fs::write(&temporary, text))
            .and_then(|()| fs::rename(&temporary, &self.file));
        if let Err(error) = written {
            tracing::debug!(%error, "proofs of encoders are not kept");
        }
    }

    /// What proofs depend on, as a number.
    fn machine(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.encoders.hash(&mut hasher);
        self.catalog
            .as_ref()
            .map(diagnose::drivers)
            .hash(&mut hasher);
        for file in [Path::new("/proc/self/exe"), &self.registry] {
            let facts = fs::metadata(file).ok();
            facts
                .map(|f| (f.len(), f.mtime(), f.mtime_nsec()))
                .hash(&mut hasher);
        }
        fs::read("/proc/sys/kernel/random/boot_id")
            .ok()
            .hash(&mut hasher);
        hasher.finish()
    }
}

fn key(claim: &Claim, card: Option<&View>) -> Option<String> {
    serde_json::to_string(&(claim, card)).ok()
}

/// Has `GStreamer` look at its plugins again if drivers or devices are others than at the last start: it
/// notes that a plugin has no elements and does not look again once its driver is there.
pub fn renew_registry(registry: &Path, catalog: &Catalog) {
    let note = registry.with_extension("drivers");
    let drivers = diagnose::drivers(catalog).join("\n");
    if fs::read_to_string(&note).is_ok_and(|noted| noted == drivers) {
        return;
    }
    let removed = match fs::remove_file(registry) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => fs::write(&note, drivers),
    };
    if let Err(error) = removed {
        tracing::warn!(%error, "the list of plugins cannot be made anew");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(codec: &str) -> Claim {
        Claim::Decodes {
            decoder: "nvdec".into(),
            codec: codec.into(),
        }
    }

    #[test]
    fn proofs_are_kept_until_something_changes() {
        let folder = tempfile::tempdir().unwrap();
        let registry = folder.path().join("registry.bin");
        fs::write(&registry, "plugins").unwrap();
        let memory = Memory::open(&registry, None);
        let works = Proof::Works(vec!["nvh264dec".into()]);
        assert_eq!(memory.recall(&claim("h264"), None), None);
        memory.keep(&claim("h264"), None, &works);
        assert_eq!(memory.recall(&claim("h264"), None), Some(works.clone()));
        assert_eq!(memory.recall(&claim("h265"), None), None);
        let card = View {
            nodes: Vec::new(),
            variables: vec![("CUDA_VISIBLE_DEVICES".into(), "1".into())],
            render_node: None,
        };
        assert_eq!(memory.recall(&claim("h264"), Some(&card)), None);

        // The next start knows it.
        let memory = Memory::open(&registry, None);
        assert_eq!(memory.recall(&claim("h264"), None), Some(works.clone()));
        // With another catalog it is another machine.
        let other = Memory::open(&registry, Some("# nothing"));
        assert_eq!(other.recall(&claim("h264"), None), None);

        fs::write(&registry, "other plugins").unwrap();
        assert_eq!(memory.recall(&claim("h264"), None), None);
        memory.keep(&claim("h264"), None, &works);
        memory.forget();
        assert_eq!(memory.recall(&claim("h264"), None), None);
        assert_eq!(
            Memory::open(&registry, None).recall(&claim("h264"), None),
            None
        );
    }

    #[test]
    fn a_new_driver_has_plugins_looked_at_again() {
        let folder = tempfile::tempdir().unwrap();
        let registry = folder.path().join("registry.bin");
        let device = folder.path().join("card0");
        let text = include_str!("../../../pipelines/encoders.toml");
        let pattern = folder.path().join("card{n}").display().to_string();
        let text = text.replace("/dev/nvidia{n}", &pattern);
        let catalog = Catalog::parse(&text).unwrap();
        renew_registry(&registry, &catalog);
        fs::write(&registry, "plugins").unwrap();
        renew_registry(&registry, &catalog);
        assert!(registry.exists());
        fs::write(&device, "").unwrap();
        renew_registry(&registry, &catalog);
        assert!(!registry.exists());
    }
}
