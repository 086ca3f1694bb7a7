//! A `PostgreSQL` server of a test's own.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::{free_port, until};

/// A server with an empty cluster in a temporary folder. It is stopped when this is dropped, and also when
/// the process ends otherwise.
#[derive(Debug)]
pub struct Postgres {
    process: Option<Child>,
    port: u16,
    folder: TempDir,
}

impl Postgres {
    /// A server that answers.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        fs::create_dir(&data).unwrap();
        fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).unwrap();
        if is_root(folder.path()) {
            // The server refuses to run as root, so it gets a folder of its own user's.
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
            std::os::unix::fs::chown(&data, Some(id("-u")), Some(id("-g"))).unwrap();
        }
        let made = as_server(folder.path(), "initdb")
            .args(["--username=postgres", "--auth=trust", "--encoding=UTF8"])
            .args(["--locale=C", "--no-sync", "-D"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb: {made:?}");
        let mut server = Self {
            process: None,
            port: free_port(),
            folder,
        };
        server.run();
        server
    }

    /// Starts it with what it has stored, and waits until it answers.
    pub fn run(&mut self) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("log"))
            .unwrap();
        let data = self.folder.path().join("data");
        let process = as_server(self.folder.path(), "postgres")
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(&data)
            .args(["-p", &self.port.to_string()])
            .args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"])
            .args(["-c", "max_connections=300"])
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.process = Some(process);
        until("PostgreSQL answers", || {
            let ended = self
                .process
                .as_mut()
                .and_then(|child| child.try_wait().ok()?);
            assert!(ended.is_none(), "PostgreSQL did not start: {}", self.log());
            let ready = Command::new(programs().join("pg_isready"))
                .args(["-h", "127.0.0.1", "-p", &self.port.to_string()])
                .stdout(Stdio::null())
                .status()
                .unwrap();
            ready.success().then_some(())
        });
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Ends its connections and then itself.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = Command::new("kill")
                .args(["-INT", &process.id().to_string()])
                .status();
            let _ = process.wait();
        }
    }

    /// The address of its first database.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Where the newest server's programs lie.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let debian = versions
        .map(|version| version.unwrap().path().join("bin"))
        .filter(|bin| bin.join("postgres").exists())
        .max_by_key(|bin| {
            let version = bin.parent()?.file_name()?.to_str()?;
            version.parse::<u32>().ok()
        });
    let elsewhere = || {
        let said = Command::new("pg_config").arg("--bindir").output().ok()?;
        let bin = PathBuf::from(String::from_utf8(said.stdout).ok()?.trim());
        bin.join("postgres").exists().then_some(bin)
    };
    debian.or_else(elsewhere).expect(
        "PostgreSQL is not installed: run `tools/setup.sh test`, or install the package postgresql",
    )
}

/// A command that runs as the server's user, and ends when this process does.
fn as_server(folder: &Path, program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "INT"]);
    if is_root(folder) {
        command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]);
    }
    command
        .arg("--")
        .arg(programs().join(program))
        .current_dir("/");
    command
}

/// True if root made the folder, which is to say that this is root.
fn is_root(folder: &Path) -> bool {
    fs::metadata(folder).unwrap().uid() == 0
}

/// The number of the server's user or of its group.
fn id(flag: &str) -> u32 {
    let said = Command::new("id")
        .args([flag, "postgres"])
        .output()
        .unwrap();
    assert!(said.status.success(), "there is no user postgres: {said:?}");
    let said = String::from_utf8(said.stdout).unwrap();
    said.trim().parse().unwrap()
}
