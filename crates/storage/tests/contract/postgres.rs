//! A `PostgreSQL` server for one test program.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use clipsy_testkit::free_port;
use sqlx::{AnyConnection, Connection as _};
use tempfile::TempDir;

const MISSING: &str = "PostgreSQL is not installed, and half of this suite runs on it: \
                       run `tools/setup.sh test`, or install the Debian package postgresql";

/// A running server with an empty cluster in a temporary folder. It is stopped when this is
/// dropped, and also when the process ends otherwise.
pub(crate) struct Server {
    process: Child,
    url: String,
    folder: TempDir,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let programs = programs();
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        fs::create_dir(&data).unwrap();
        fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).unwrap();
        let mut initdb = as_server(&folder, &programs.join("initdb"));
        if is_root(&folder) {
            // The server refuses to run as root, so it gets a folder of its own user's.
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
            std::os::unix::fs::chown(&data, Some(id("-u")), Some(id("-g"))).unwrap();
        }
        let made = initdb
            .args(["--username=postgres", "--auth=trust", "--encoding=UTF8"])
            .args(["--locale=C", "--no-sync", "-D"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb: {made:?}");

        let port = free_port();
        let log = File::create(folder.path().join("log")).unwrap();
        let process = as_server(&folder, &programs.join("postgres"))
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(&data)
            .args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"])
            .args(["-c", "fsync=off", "-c", "max_connections=200"])
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut server = Self {
            process,
            url: format!("postgres://postgres@127.0.0.1:{port}/postgres"),
            folder,
        };
        server.wait().await;
        server
    }

    /// The address of its first database.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Waits until it answers.
    async fn wait(&mut self) {
        sqlx::any::install_default_drivers();
        while let Err(error) = AnyConnection::connect(&self.url).await {
            if let Some(status) = self.process.try_wait().unwrap() {
                let log = fs::read_to_string(self.folder.path().join("log"));
                panic!("PostgreSQL did not start ({status}, {error}): {log:?}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGINT ends connections and then the server.
        let _ = Command::new("kill")
            .args(["-INT", &self.process.id().to_string()])
            .status();
        let _ = self.process.wait();
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
    debian.or_else(elsewhere).expect(MISSING)
}

/// A command that runs as the server's user, and ends when this process does.
fn as_server(folder: &TempDir, program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "INT"]);
    if is_root(folder) {
        command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]);
    }
    command.arg("--").arg(program).current_dir("/");
    command
}

/// True if root made the folder, which is to say that this is root.
fn is_root(folder: &TempDir) -> bool {
    fs::metadata(folder.path()).unwrap().uid() == 0
}

/// The number of the server's user or of its group.
fn id(flag: &str) -> u32 {
    let said = Command::new("id")
        .args([flag, "postgres"])
        .output()
        .unwrap();
    assert!(said.status.success(), "there is no user postgres: {said:?}");
    String::from_utf8(said.stdout)
        .unwrap()
        .trim()
        .parse()
        .unwrap()
}
