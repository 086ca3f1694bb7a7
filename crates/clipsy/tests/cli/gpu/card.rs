//! A machine with an emulated card.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use crate::support::clipsy::{BINARY, Done, Running};
use crate::support::{repository, scratch};

/// The libraries of the driver, by the folders that they are built into.
const LIBRARIES: [&str; 4] = ["cuda", "encode", "decode", "nvrtc"];

/// An emulated card, as `clipsy` finds it.
pub(super) struct Card {
    folder: tempfile::TempDir,
    libraries: Vec<&'static str>,
    switches: BTreeMap<String, String>,
}

/// What one process asked of the driver.
#[derive(Debug)]
pub(super) struct Counters(Value);

impl Counters {
    pub(super) fn get(&self, name: &str) -> u64 {
        self.0["total"][name]
            .as_u64()
            .unwrap_or_else(|| panic!("the driver does not count {name}: {}", self.0))
    }
}

impl Card {
    pub(super) fn new() -> Self {
        let folder = scratch();
        std::fs::create_dir(folder.path().join("counters")).unwrap();
        Self {
            folder,
            libraries: LIBRARIES.to_vec(),
            switches: BTreeMap::new(),
        }
    }

    /// With a switch of the driver, see `tools/nvidia-emulator/README.md`.
    pub(super) fn with(mut self, switch: &str, value: &str) -> Self {
        let name = format!("NV_EMULATOR_{switch}");
        self.switches.insert(name, value.to_owned());
        self
    }

    /// Without one of the driver's libraries.
    pub(super) fn without(mut self, library: &str) -> Self {
        self.libraries.retain(|known| *known != library);
        self
    }

    fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let driver = driver();
        let folders: Vec<String> = self
            .libraries
            .iter()
            .map(|library| driver.join(library).display().to_string())
            .collect();
        let mut command = Command::new(program);
        command
            .env("LD_LIBRARY_PATH", folders.join(":"))
            .env("GST_REGISTRY", self.folder.path().join("registry.bin"))
            // A part of the plug-in for displays complains where there is none.
            .env("XDG_RUNTIME_DIR", self.folder.path())
            .env("NV_EMULATOR_CACHE", driver.join("nvrtc/kernels"))
            .env("NV_EMULATOR_COUNTERS", self.folder.path().join("counters"))
            .envs(&self.switches);
        command
    }

    /// Whether `GStreamer` has this element here.
    pub(super) fn has(&self, element: &str) -> bool {
        let mut command = self.command("gst-inspect-1.0");
        command.args(["--exists", element]);
        command.status().unwrap().success()
    }

    /// The version of `GStreamer`.
    pub(super) fn version(&self) -> (u32, u32, u32) {
        let mut command = self.command("gst-inspect-1.0");
        let said = command.arg("--version").output().unwrap().stdout;
        let said = String::from_utf8(said).unwrap();
        let mut words = said.split_whitespace();
        let parts = words.find_map(|word| {
            let parts: Option<Vec<u32>> = word.split('.').map(|p| p.parse().ok()).collect();
            parts.filter(|parts| parts.len() == 3)
        });
        let parts = parts.unwrap();
        (parts[0], parts[1], parts[2])
    }

    pub(super) fn clipsy<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Done {
        let mut command = self.command(BINARY);
        command.args(args);
        Running::spawn(command).finish()
    }

    /// Runs `clipsy transcode`; the counters are those of the process that made the renditions.
    pub(super) fn transcode(
        &self,
        input: &Path,
        out: &Path,
        more: &[&str],
    ) -> (Done, Option<Counters>) {
        let mut command = self.command(BINARY);
        command.arg("transcode").arg(input).arg("--out").arg(out);
        command.arg("--json").args(more);
        let running = Running::spawn(command);
        let id = running.id();
        let done = running.finish();
        let file = self.folder.path().join(format!("counters/{id}.json"));
        let counters = std::fs::read(file).ok();
        let counters = counters.map(|bytes| Counters(serde_json::from_slice(&bytes).unwrap()));
        (done, counters)
    }
}

/// The emulated driver, built once.
fn driver() -> &'static Path {
    static DRIVER: OnceLock<PathBuf> = OnceLock::new();
    DRIVER.get_or_init(|| {
        // Each system has its own libraries under it.
        let system = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
        let version = system
            .lines()
            .find_map(|line| line.strip_prefix("VERSION_ID="));
        let name = format!(
            "nvidia-emulator-{}",
            version.unwrap_or("").trim_matches('"')
        );
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let build = Command::new(repository("tools/nvidia-emulator/build"))
            .arg(&folder)
            .output()
            .unwrap();
        let words = String::from_utf8_lossy(&build.stderr);
        assert!(build.status.success(), "the driver is not built: {words}");
        std::fs::create_dir_all(folder.join("nvrtc/kernels")).unwrap();
        folder
    })
}
